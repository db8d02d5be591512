//! Why an act did not happen: refused with a problem the client acts on, or broken inside.

use axum::response::{IntoResponse, Response};
use certdesk_contract::{PROBLEM_CODE, Problem, ProblemCode};
use http::{HeaderValue, StatusCode, header};

/// The end of an act that did not happen.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client's matter; the answer is its problem.
    Refused(Box<Problem>),
    /// Ours; logged, answered as `internal`.
    Broken(anyhow::Error),
}

/// What an act comes to.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<ProblemCode> for Failure {
    fn from(code: ProblemCode) -> Self {
        Self::Refused(Box::new(Problem::new(code)))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl Failure {
    /// The same for a command's user.
    pub(crate) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Broken(error) => error,
            Self::Refused(problem) => anyhow::anyhow!(problem.title),
        }
    }

    /// What the client is told of it; what broke inside goes into the log.
    pub(crate) fn problem(self) -> Problem {
        match self {
            Self::Refused(problem) => *problem,
            Self::Broken(error) => {
                tracing::error!(error = format!("{error:#}"), "a request broke inside the service");
                if is_disk_full(&error) {
                    Problem::new(ProblemCode::Unavailable).with_retry_after(60)
                } else {
                    Problem::new(ProblemCode::Internal)
                }
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, serde_json::to_vec(&problem).unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(PROBLEM_CODE, HeaderValue::from_static(problem.code.as_str()));
        if let Some(seconds) = problem.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A full disk passes: the client may come back, nothing was lost.
fn is_disk_full(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    let database = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    matches!(io, Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
        || database == Some(rusqlite::ErrorCode::DiskFull)
}

/// `bad_request` under another status that HTTP or tus has a number for (412, 415).
pub(crate) fn bad_request_as(status: StatusCode) -> Failure {
    let mut problem = Problem::new(ProblemCode::BadRequest);
    problem.status = status.as_u16();
    problem.into()
}
