//! One answer of the service, read in full and held to its limit.

use std::pin::pin;

use bytes::Bytes;
use certdesk_contract::{PROBLEM_CODE, Problem, ProblemCode};
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use time::{OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio::time::timeout;
use url::Url;

use crate::{PortalError, STALL, error};

/// IMF-fixdate (RFC 9110 §5.6.7), the one form that is sent today.
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// A complete answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads the body, at most `most` bytes, for as long as something of it comes.
    pub(crate) async fn read<B>(response: http::Response<B>, most: usize) -> Result<Self, PortalError>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = response.into_parts();
        let mut limited = pin!(Limited::new(body, most));
        let mut body = Vec::new();
        while let Some(frame) = timeout(STALL, limited.frame()).await.map_err(|_| PortalError::timeout())? {
            if let Some(data) = frame.map_err(|error| error::from_source(&*error))?.data_ref() {
                body.extend_from_slice(data);
            }
        }
        Ok(Self { status: parts.status, headers: parts.headers, body })
    }

    /// This answer if it is one of success, else what the service refused.
    pub(crate) fn success(self) -> Result<Self, PortalError> {
        // RFC 6585 §6; and no answer of the contract is a page.
        if self.status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED || (self.status.is_success() && self.is_page()) {
            return Err(PortalError::NetworkLogin(format!("HTTP {}", self.status.as_u16())));
        }
        if self.status.is_success() {
            return Ok(self);
        }
        if let Ok(problem) = serde_json::from_slice::<Problem>(&self.body) {
            return Err(PortalError::Problem(problem));
        }
        if self.body.is_empty()
            && let Some(code) = self.problem_code()
        {
            return Err(PortalError::Problem(Problem::new(code)));
        }
        // A bare status may be of anybody on the way: it is no word of the service.
        Err(PortalError::Garbled(format!("HTTP {}", self.status.as_u16())))
    }

    fn is_page(&self) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        kind.trim_start().to_ascii_lowercase().starts_with("text/html")
    }

    /// Where it sends to, on `from`: an address that keeps method and body (307, 308), or any for a request without a
    /// body.
    pub(crate) fn location(&self, from: &Url, method: &Method) -> Option<Url> {
        let keeps = matches!(self.status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        let reads = matches!(*method, Method::GET | Method::HEAD)
            && matches!(self.status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER);
        let place = self.headers.get(header::LOCATION).filter(|_| keeps || reads)?;
        from.join(place.to_str().ok()?).ok()
    }

    /// Whether it is this refusal.
    pub(crate) fn is_problem(&self, code: ProblemCode) -> bool {
        !self.status.is_success() && self.problem_code() == Some(code)
    }

    /// The refusal as the header has it, which an answer to HEAD has too.
    fn problem_code(&self) -> Option<ProblemCode> {
        let code = self.headers.get(PROBLEM_CODE)?.to_str().ok()?;
        ProblemCode::ALL.iter().copied().find(|known| known.as_str() == code)
    }

    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, PortalError> {
        // The error's own words may quote what was received.
        serde_json::from_slice(&self.body).map_err(|_| self.garbled())
    }

    /// The entity tag (RFC 9110 §8.8.3).
    pub(crate) fn etag(&self) -> Option<String> {
        self.headers.get(header::ETAG)?.to_str().ok().map(str::to_owned)
    }

    /// The service's time.
    pub(crate) fn date(&self) -> Option<OffsetDateTime> {
        let text = self.headers.get(header::DATE)?.to_str().ok()?;
        PrimitiveDateTime::parse(text, HTTP_DATE).ok().map(PrimitiveDateTime::assume_utc)
    }

    /// A number in a header.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.parse().ok()
    }

    fn garbled(&self) -> PortalError {
        PortalError::Garbled(format!("HTTP {}, {} bytes", self.status.as_u16(), self.body.len()))
    }
}
