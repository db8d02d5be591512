//! An application after it was handed in, and the certificates that came of it.

use certdesk_contract::{
    application::{Application, Receipt},
    certificate::{CertificateStatus, RenewalWindow, Revocation},
};
use certdesk_domain::{Business, Timestamp, token::KeyAlgorithm};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use super::QueuedView;
use crate::failure::Failure;

/// 制证, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct IssuanceView {
    /// Case.
    pub application: Uuid,
    /// The step reached last and journaled.
    pub step: IssuanceStep,
    /// Key it happens on.
    pub key: Option<String>,
    /// Algorithms the CA takes, preferred first.
    pub algorithms: Vec<KeyAlgorithm>,
    /// Serial number of the certificate it makes, as in [`CertificateView`](super::CertificateView), once it is issued.
    pub serial: Option<String>,
    /// Why it stands still.
    pub failure: Option<Failure>,
}

/// Steps of on-token issuance (design §5.4), in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum IssuanceStep {
    /// Nothing happened yet.
    Ready,
    /// A key pair is about to be made, or was.
    KeyPair,
    /// The request is signed by the key.
    Request,
    /// The certificate was fetched and belongs to the key.
    Certificate,
    /// The certificate is written to the token.
    Written,
    /// A test signature verified with the certificate.
    Proven,
    /// The service knows: the case is completed.
    Confirmed,
}

/// A case that is to be taken back.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct QueuedWithdrawal {
    /// Case.
    pub application: Uuid,
    /// Where that stands.
    pub queued: QueuedView,
}

/// One of my applications.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ApplicationView {
    /// The case as the service has it.
    pub application: Application,
    /// How long this state usually takes.
    pub usual_time: Option<certdesk_contract::catalogue::Text>,
    /// Whether it can be taken back now.
    pub can_withdraw: bool,
    /// Where taking it back stands, while that is queued.
    pub withdrawal: Option<QueuedView>,
    /// Where 制证 stands, while it is the applicant's turn to make the certificate.
    pub issuance: Option<IssuanceView>,
}

/// What submission gives.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ReceiptView {
    /// The receipt.
    pub receipt: Receipt,
}

/// A certificate for people, on a key, at the service, or both.
#[derive(Clone, Debug, Serialize, TS)]
pub struct CertificateView {
    /// SHA-256 of the DER, lower-case hex: its name for commands.
    pub fingerprint: String,
    /// Holder: common name.
    pub holder: String,
    /// Issuer: common name.
    pub issuer: String,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// First instant.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub not_before: Timestamp,
    /// Last instant.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub not_after: Timestamp,
    /// Whole days left; negative once over.
    pub days_left: i32,
    /// Algorithm and size, for example `RSA 2048`, `ECDSA P-256`.
    pub key_algorithm: String,
    /// What it may be used for, as names of the KeyUsage and EKU bits.
    pub usages: Vec<String>,
    /// Status at the service; `None` where unknown (offline, other issuer): never "good" by guess.
    pub status: Option<CertificateStatus>,
    /// From when to when it can be renewed; `None` where it cannot or it is unknown.
    pub renewal: Option<RenewalWindow>,
    /// Businesses that can be begun about it now.
    pub businesses: Vec<Business>,
    /// The certificate that took its place: serial number.
    pub successor: Option<String>,
    /// When and why it was revoked.
    pub revocation: Option<Revocation>,
    /// Keys (by [`KeyView::id`]) that hold it.
    pub on_keys: Vec<String>,
    /// Whether its private key is beside it there.
    pub has_private_key: bool,
    /// Every field, for the helpdesk: (name, value) in the certificate's order.
    pub details: Vec<(String, String)>,
    /// PEM text.
    pub pem: String,
}
