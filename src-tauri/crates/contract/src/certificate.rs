//! Certificates: request, issue, records.

use certdesk_domain::{RevocationReason, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A PKCS#10 request (RFC 2986) signed by the key on the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct CertificateRequest {
    /// DER, base64.
    pub csr_b64: String,
}

/// The answer: the same request (same public key) always gets the same certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct IssuedCertificate {
    /// End-entity certificate, DER, base64.
    pub certificate_b64: String,
    /// Its issuers up to the root, DER, base64.
    pub chain_b64: Vec<String>,
}

/// Tells the service that the certificate is on the key and has proven itself; the case is completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Installation {
    /// Serial number, lower-case hex without leading zeros.
    pub serial: String,
    /// Signature over the ASCII text `certdesk installation <application id> <serial>` by the new key: SHA-256 with
    /// RSA PKCS#1 v1.5 or ECDSA (raw `r‖s`), base64.
    pub proof_b64: String,
}

impl Installation {
    /// The text that is signed.
    pub fn statement(application: Uuid, serial: &str) -> String {
        format!("certdesk installation {application} {serial}")
    }
}

/// Whether a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateStatus {
    /// Issued, not yet confirmed on a key.
    Issued,
    /// On a key and good.
    Active,
    /// Past its end.
    Expired,
    /// 已注销
    Revoked,
}

/// A certificate as the service knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct CertificateRecord {
    /// Serial number, lower-case hex.
    pub serial: String,
    /// The case that led to it.
    pub application: Uuid,
    /// DER, base64.
    pub certificate_b64: String,
    /// Status.
    pub status: CertificateStatus,
    /// First instant of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub not_before: Timestamp,
    /// Last instant of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
    /// From when to when it can be renewed, by the service's rule; `None` where it cannot.
    #[serde(default)]
    pub renewal: Option<RenewalWindow>,
    /// The certificate that took its place: serial number. One that was succeeded reminds nobody of its end.
    #[serde(default)]
    pub successor: Option<String>,
    /// When and why it was revoked.
    #[serde(default)]
    pub revocation: Option<Revocation>,
}

/// From when to when a certificate can be renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct RenewalWindow {
    /// First instant.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub opens_at: Timestamp,
    /// Last instant; may lie after the end of the certificate.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub closes_at: Timestamp,
}

/// A revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Revocation {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}
