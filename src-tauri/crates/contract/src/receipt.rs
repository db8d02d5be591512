//! Signed receipts: the service's word, to keep, that an act was taken; with the applicant's own signature in it where a
//! key signed the act.
//!
//! A receipt file is a JWS (RFC 7515) in flattened JSON serialization, `ES256`, media type [`MEDIA_TYPE`], whose
//! protected header has `typ` [`TYPE`] and `x5c`, the chain from the receipt signer's certificate up to the root; its
//! payload is the JSON of [`Statement`]. Any JOSE library verifies it; `certdesk-cli receipt verify` does all of it.

use certdesk_domain::{Business, State, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::application::LegalAct;

/// `typ` of the protected header.
pub const TYPE: &str = "certdesk-receipt+jws";
/// Media type of the file.
pub const MEDIA_TYPE: &str = "application/jose+json";

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Statement {
    /// Name of the receipt.
    pub id: Uuid,
    /// Origin of the service, for example `https://portal.example`.
    pub service: String,
    /// The act.
    pub act: LegalAct,
    /// Case.
    pub application: Uuid,
    /// 申办编号, where it has one.
    pub number: Option<String>,
    /// Business.
    pub business: Business,
    /// State after the act.
    pub state: State,
    /// The service's time.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The request as it came in: enough to verify its signatures again, years later.
    pub request: SignedRequest,
}

/// A request with its signatures (RFC 9421).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignedRequest {
    /// `@method`
    pub method: String,
    /// `@target-uri`
    pub target_uri: String,
    /// Header fields that a signature covers and the signatures' own (`signature-input`, `signature`), names in lower
    /// case, in the order they came. Never `authorization`.
    pub headers: Vec<(String, String)>,
    /// The body, base64. Its SHA-256 is in `content-digest`.
    pub body_b64: String,
    /// Certificate of the key that signed the act, DER, base64; `None` in a session by password.
    pub certificate_b64: Option<String>,
}
