//! Accounts, consents, SMS.

use certdesk_domain::{AccountKind, Timestamp, form::Registration};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Acceptance of one text version. Given before there is a session; a later login or registration names its `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ConsentRequest {
    /// Which text: `agreement` (service agreement) or `sensitive_data` (video, ID copies; PIPL Art. 29).
    pub subject: ConsentSubject,
    /// Version of the text that was read to its end.
    pub version: String,
}

/// What is consented to. Separate texts, separate consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentSubject {
    /// 数字证书服务协议
    Agreement,
    /// 敏感个人信息处理
    SensitiveData,
}

/// The service's record of a consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ConsentReceipt {
    /// Record number.
    pub id: Uuid,
    /// What was accepted.
    pub subject: ConsentSubject,
    /// Version accepted.
    pub version: String,
    /// The service's own time of the record.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

/// Registers an account. `Idempotency-Key` makes a repeated request harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct RegistrationRequest {
    /// The form.
    pub registration: Registration,
    /// Record of the accepted agreement.
    pub consent: Uuid,
}

/// The account exists; its name and initial password are on their way by SMS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct RegistrationReceipt {
    /// Phone the SMS went to, masked: `138****5678`.
    pub masked_phone: String,
}

/// The account of a session. Personal data leaves the service masked except to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct AccountView {
    /// Account name used to log in, for example `qy82640193`.
    pub name: String,
    /// What was registered.
    pub registration: Registration,
    /// Businesses open to this account now, in the order to show them. Without a certificate: 新办 alone.
    pub businesses: Vec<certdesk_domain::Business>,
}

impl AccountView {
    /// Kind of the account.
    pub fn kind(&self) -> AccountKind {
        self.registration.kind
    }
}

/// Replaces the password.
#[derive(Clone, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct PasswordChange {
    /// The password in force.
    pub old: String,
    /// The new one: at least 10 characters, or at least 8 with letters and digits; at most 128.
    pub new: String,
}

impl std::fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordChange(redacted)")
    }
}

/// One SMS of the demo outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct SmsMessage {
    /// Number it went to.
    pub phone: String,
    /// Its text.
    pub text: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub sent_at: Timestamp,
}
