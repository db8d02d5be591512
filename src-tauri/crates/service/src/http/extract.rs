//! Parts of a request, each refused with a problem where it is not right.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
};
use certdesk_contract::{
    IDEMPOTENCY_KEY, Problem, ProblemCode,
    change::ChangesQuery,
    path,
    signature::{CONTENT_DIGEST, parse_content_digest},
};
use http::{HeaderValue, StatusCode, Uri, header, request::Parts};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    ca::hex,
    failure::{Failure, Outcome, bad_request_as},
    idempotency::{Once, Owner},
    portal::Portal,
    sessions::{self, Caller},
    signatures::{self, Incoming},
};

/// A JSON body of at most 64 KiB, held to its `Content-Digest` where it has one.
pub(super) struct Body<T> {
    pub(super) value: T,
    /// The bytes as they came.
    pub(super) bytes: Bytes,
    /// Their SHA-256.
    pub(super) hash: [u8; 32],
}

impl<T: DeserializeOwned> FromRequest<Arc<Portal>> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, Failure> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(bad_request_as(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let announced =
            request.headers().get(CONTENT_DIGEST).map(|value| value.to_str().ok().and_then(parse_content_digest));
        let arrived = tokio::time::timeout(portal.pace.body_time(), Bytes::from_request(request, portal)).await;
        // A line may have been slow for a moment: the client may try again.
        let too_slow = |_| Problem {
            status: StatusCode::REQUEST_TIMEOUT.as_u16(),
            ..Problem::new(ProblemCode::BadRequest).with_retry_after(1)
        };
        let arrived = arrived.map_err(too_slow)?;
        let bytes = arrived.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::from(ProblemCode::TooLarge),
            _ => ProblemCode::BadRequest.into(),
        })?;
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        // What a signature covers is the digest: the body must be the one it is of.
        if announced.is_some_and(|digest| digest != Some(hash)) {
            return Err(ProblemCode::BadSignature.into());
        }
        let value = serde_json::from_slice(&bytes).map_err(|_| ProblemCode::BadRequest)?;
        Ok(Self { value, bytes, hash })
    }
}

/// `{id}` of the path; what is no id is not there.
pub(super) struct Id(pub(super) Uuid);

impl FromRequestParts<Arc<Portal>> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Failure> {
        let text = Path::<String>::from_request_parts(parts, portal).await.map_err(|_| ProblemCode::NotFound)?;
        Ok(Self(Uuid::parse_str(&text).map_err(|_| ProblemCode::NotFound)?))
    }
}

/// `Idempotency-Key`, a UUID (also as the quoted string of the draft), where there is one, and the request it is of.
pub(super) struct Key {
    key: Option<Uuid>,
    request: String,
}

impl Key {
    /// # Errors
    /// `bad_request` where there is none.
    pub(super) fn required(self) -> Outcome<Self> {
        if self.key.is_some() { Ok(self) } else { Err(ProblemCode::BadRequest.into()) }
    }

    /// Begins to work on the request. `body`: its SHA-256.
    ///
    /// # Errors
    /// `in_progress`.
    pub(super) fn begin(self, portal: &Arc<Portal>, owner: Owner, body: &[u8; 32]) -> Outcome<Once> {
        Once::begin(portal, owner, self.key, &format!("{}\0{}", self.request, hex(body)))
    }

    /// The same for the caller's.
    pub(super) fn of(self, portal: &Arc<Portal>, caller: &Caller, body: &[u8; 32]) -> Outcome<Once> {
        self.begin(portal, Owner::Account(caller.account.id), body)
    }

    /// The same for one without a body.
    pub(super) fn of_bodiless(self, portal: &Arc<Portal>, caller: &Caller) -> Outcome<Once> {
        self.of(portal, caller, &Sha256::digest([]).into())
    }
}

impl FromRequestParts<Arc<Portal>> for Key {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Portal>) -> Result<Self, Failure> {
        let parse = |value: &HeaderValue| Uuid::parse_str(value.to_str().ok()?.trim_matches('"')).ok();
        let key = match parts.headers.get(IDEMPOTENCY_KEY) {
            Some(value) => Some(parse(value).ok_or(ProblemCode::BadRequest)?),
            None => None,
        };
        let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self { key, request: format!("{}\0{target}", parts.method) })
    }
}

/// The owner of a session, also before the initial password was replaced.
pub(super) struct AnyCaller(pub(super) Caller);

impl FromRequestParts<Arc<Portal>> for AnyCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Failure> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(ProblemCode::Unauthenticated.into()),
        };
        let caller = sessions::recognise(portal, token).await?;
        if let Some(key) = &caller.session_key {
            signatures::check_session(portal, &Incoming::new(portal, parts)?, key)?;
        }
        // A program that asks by itself whether there is news must not keep a session from ending.
        if !is_unasked(&parts.uri) {
            sessions::note_use(portal, &caller).await?;
        }
        Ok(Self(caller))
    }
}

/// Whether a program asks by itself.
fn is_unasked(uri: &Uri) -> bool {
    let unasked = || axum::extract::Query::<ChangesQuery>::try_from_uri(uri).is_ok_and(|query| query.unasked);
    uri.path() == path::NOTICES || uri.path() == path::CHANGES && unasked()
}

impl FromRequestParts<Arc<Portal>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Failure> {
        let AnyCaller(caller) = AnyCaller::from_request_parts(parts, portal).await?;
        if caller.must_change_password() { Err(ProblemCode::PasswordChangeRequired.into()) } else { Ok(caller) }
    }
}

impl FromRequestParts<Arc<Portal>> for Incoming {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Failure> {
        Self::new(portal, parts)
    }
}

/// Proof of knowing the demo secret.
pub(super) struct DemoKey;

impl FromRequestParts<Arc<Portal>> for DemoKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Failure> {
        let given = parts.headers.get("x-demo-secret").map_or(&[][..], |value| value.as_bytes());
        let right = portal.demo.as_ref().is_some_and(|secret| secret.matches(given));
        if right { Ok(Self) } else { Err(ProblemCode::Unauthenticated.into()) }
    }
}
