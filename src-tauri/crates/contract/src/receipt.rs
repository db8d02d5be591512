//! Signed receipts: the service's word, to keep, that an act was taken; with the applicant's own signature in it where a
//! key signed the act.
//!
//! A receipt file is a JWS (RFC 7515) in flattened JSON serialization, `ES256`, media type [`MEDIA_TYPE`], whose
//! protected header has `typ` [`TYPE`] and `x5c`, the chain from the receipt signer's certificate (EKU `documentSigning`,
//! RFC 9336, so that no applicant's certificate passes for it) up to the root; its
//! payload is the JSON of [`Statement`]. Any JOSE library verifies it; `certdesk-cli receipt verify` does all of it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use certdesk_domain::{Business, State, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{application::LegalAct, session::Jwk};

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
    /// Public key of the session, whose thumbprint the signature `session` names; `None` where the service let a session
    /// do without.
    pub session_key: Option<Jwk>,
    /// Certificate of the key that signed the act, DER, base64; `None` in a session by password.
    pub certificate_b64: Option<String>,
    /// Its issuers up to the root, DER, base64.
    #[serde(default)]
    pub issuers_b64: Vec<String>,
}

/// Protected header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// `ES256`
    pub alg: String,
    /// [`TYPE`]
    pub typ: String,
    /// Certificates, DER, base64: the signer's first, the root's last.
    pub x5c: Vec<String>,
}

/// A receipt file: flattened JSON serialization (RFC 7515 §7.2.2), each part base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jws {
    /// [`Statement`]
    pub payload: String,
    /// [`Header`]
    pub protected: String,
    /// Raw `r‖s`.
    pub signature: String,
}

/// What a receipt file holds. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub statement: Statement,
    /// Certificates, DER: the signer's first, the root's last.
    pub chain: Vec<Vec<u8>>,
    /// What was signed.
    pub signing_input: String,
    /// Raw `r‖s`.
    pub signature: Vec<u8>,
}

impl Jws {
    /// A receipt that lacks its signature. `chain` is DER, the signer's certificate first, the root last.
    pub fn unsigned<C: AsRef<[u8]>>(statement: &Statement, chain: &[C]) -> Self {
        let header = Header {
            alg: "ES256".to_owned(),
            typ: TYPE.to_owned(),
            x5c: chain.iter().map(|der| STANDARD.encode(der)).collect(),
        };
        let part = |json: serde_json::Result<Vec<u8>>| URL_SAFE_NO_PAD.encode(json.unwrap_or_default());
        Self {
            payload: part(serde_json::to_vec(statement)),
            protected: part(serde_json::to_vec(&header)),
            signature: String::new(),
        }
    }

    /// What is signed (RFC 7515 §5.1).
    pub fn signing_input(&self) -> String {
        format!("{}.{}", self.protected, self.payload)
    }

    /// The same with its signature, raw `r‖s`.
    pub fn signed(self, signature: &[u8]) -> Self {
        Self { signature: URL_SAFE_NO_PAD.encode(signature), ..self }
    }

    /// Reads a receipt file.
    ///
    /// # Errors
    /// What it is not.
    pub fn open(file: &[u8]) -> Result<Opened, NoReceipt> {
        let jws: Self = serde_json::from_slice(file).map_err(|_| NoReceipt("JWS in flattened JSON"))?;
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| NoReceipt("base64url"));
        let header: Header = serde_json::from_slice(&part(&jws.protected)?).map_err(|_| NoReceipt("header"))?;
        if header.alg != "ES256" || header.typ != TYPE {
            return Err(NoReceipt("receipt of this kind"));
        }
        let chain = header.x5c.iter().map(|text| STANDARD.decode(text)).collect::<Result<_, _>>();
        Ok(Opened {
            statement: serde_json::from_slice(&part(&jws.payload)?).map_err(|_| NoReceipt("statement"))?,
            chain: chain.map_err(|_| NoReceipt("certificate chain"))?,
            signing_input: jws.signing_input(),
            signature: part(&jws.signature)?,
        })
    }
}

/// The file is no receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file holds no {0}")]
pub struct NoReceipt(pub &'static str);
