//! Sessions: by password for those without a certificate, by token (Web eID 1.0) for those with one.
//!
//! Token login (design §5.2). The client makes an ephemeral P-256 session key, asks for a challenge naming the key's
//! RFC 7638 thumbprint, and signs with the token the Web eID value `hash(origin) ‖ hash(nonce)`, where the nonce is
//! [`bound_nonce`]. Challenge and login travel on one TLS 1.3 connection, whose exporter (RFC 9266) is the binding.

use certdesk_domain::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::AccountView;

/// Logs in by account and password.
#[derive(Clone, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct PasswordLogin {
    /// Account name.
    pub account: String,
    /// Password.
    pub password: String,
    /// Consent given before the login, to be attached to the account.
    pub consent: Option<Uuid>,
    /// Public session key: it signs every request of the session ([`crate::signature`]). A service may be configured to
    /// do without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<Jwk>,
}

impl std::fmt::Debug for PasswordLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordLogin(redacted)")
    }
}

/// How a session came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// By account and password.
    Password,
    /// By the token's key.
    Token,
}

/// A session. `access_token` goes into `Authorization: Bearer …`.
#[derive(Clone, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Session {
    /// Opaque, 256 random bits. Lives in memory only.
    pub access_token: String,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// How it came to be.
    pub kind: SessionKind,
    /// The initial password is still in force: nothing but [`crate::path::PASSWORD`] is allowed.
    pub must_change_password: bool,
    /// Whose it is.
    pub account: AccountView,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({:?}, redacted)", self.kind)
    }
}

/// Asks for a nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ChallengeRequest {
    /// RFC 7638 thumbprint (SHA-256, base64url without padding) of the session key.
    pub jkt: String,
}

/// A nonce, good once, for about five minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Challenge {
    /// At least 256 random bits, base64url.
    pub nonce: String,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Bindings the service takes, best first.
    pub channel_bindings: Vec<ChannelBinding>,
}

/// Kind of TLS channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelBinding {
    /// RFC 9266: exporter `EXPORTER-Channel-Binding`, empty context, 32 bytes; TLS 1.3 only.
    TlsExporter,
    /// RFC 5929: hash of the server certificate, where a proxy ends TLS.
    TlsServerEndPoint,
}

impl ChannelBinding {
    /// Name as the RFCs register it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsServerEndPoint => "tls-server-end-point",
        }
    }
}

/// The nonce that is signed: `v1.<nonce>.<jkt>.<kind>.<base64url of the binding>`. A plain nonce to any Web eID validator.
pub fn bound_nonce(nonce: &str, jkt: &str, kind: ChannelBinding, binding_b64url: &str) -> String {
    format!("v1.{nonce}.{jkt}.{}.{binding_b64url}", kind.as_str())
}

/// The Web eID authentication token, format `web-eid:1.0`, camelCase as its specification spells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebEidToken {
    /// `web-eid:1.0`
    pub format: String,
    /// The authentication certificate, DER, base64. Unverified until the service verified it.
    pub unverified_certificate: String,
    /// JWA name: `RS256`, `PS256`, `ES256`.
    pub algorithm: String,
    /// Signature over `hash(origin) ‖ hash(bound nonce)`, base64; ECDSA as raw `r‖s`.
    pub signature: String,
    /// For example `https://certdesk.example/client/0.1.0`.
    pub app_version: String,
}

/// The session key's public half, RFC 7517.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Jwk {
    /// `EC`
    pub kty: String,
    /// `P-256`
    pub crv: String,
    /// base64url without padding
    pub x: String,
    /// base64url without padding
    pub y: String,
}

/// Logs in by token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct TokenLogin {
    /// The nonce answered.
    pub nonce: String,
    /// The Web eID token.
    pub token: WebEidToken,
    /// Public session key, whose thumbprint the challenge named.
    pub session_key: Jwk,
    /// Binding used.
    pub channel_binding: ChannelBinding,
    /// Consent given before the login.
    pub consent: Option<Uuid>,
}
