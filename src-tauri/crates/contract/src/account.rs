//! Accounts, consents, SMS.

use certdesk_domain::{
    AccountKind, Fault, Timestamp, check,
    form::{Address, FieldFault, FieldName, Person, Registration, read_code, read_mail, read_phone},
};
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
    /// Fields of the registration that a certificate fixes: 变更 alone changes them.
    #[serde(default)]
    pub fixed_fields: Vec<FieldName>,
}

impl AccountView {
    /// Kind of the account.
    pub fn kind(&self) -> AccountKind {
        self.registration.kind
    }
}

/// Basic data that its owner may change without 变更 (用户信息, manual 1.3.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct AccountChange {
    /// Contact person; must stay as it is where [`AccountView::fixed_fields`] names it.
    pub contact: Person,
    /// Mobile phone.
    #[serde(deserialize_with = "read_phone")]
    pub phone: String,
    /// The code that [`crate::path::PHONE_CODES`] sent to a new phone; not needed while the phone stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_code: Option<String>,
    /// Mail address.
    #[serde(deserialize_with = "read_mail")]
    pub email: String,
    /// Address.
    pub address: Address,
}

impl AccountChange {
    /// The registration as it is with this change.
    pub fn applied(&self, registration: &Registration) -> Registration {
        Registration {
            contact: self.contact.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            address: self.address.clone(),
            ..registration.clone()
        }
    }

    /// What is not right yet, in the order of the page. `account` as it is now.
    pub fn faults(&self, account: &AccountView) -> Vec<FieldFault> {
        let now = &account.registration;
        let changed = self.applied(now);
        let fixed = account.fixed_fields.iter().filter(|field| changed.get(field) != now.get(field));
        let mut faults: Vec<_> = fixed.map(|field| FieldFault { field: field.clone(), fault: Fault::Fixed }).collect();
        faults.extend(check::registration(&changed).into_iter().filter(|f| !f.field.starts_with("organisation")));
        let code = self.phone_code.as_deref().unwrap_or_default();
        if changed.phone != now.phone && code.is_empty() {
            faults.push(FieldFault { field: "phone_code".into(), fault: Fault::Missing });
        }
        faults
    }
}

/// Asks for a code to a phone, to prove that it is at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct PhoneCodeRequest {
    /// The new phone.
    #[serde(deserialize_with = "read_phone")]
    pub phone: String,
}

/// Asks for a code to the phone on record, by whoever cannot log in. The answer tells nobody whether there is such an
/// account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct CodeRequest {
    /// What for; a code is good for nothing else.
    pub purpose: CodePurpose,
    /// Account name; or what registered it: the credit code, of an individual the ID number. Where that registered
    /// several accounts, only their names tell them apart.
    #[serde(deserialize_with = "read_code")]
    pub account: String,
}

/// What a code is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodePurpose {
    /// A new password in place of a forgotten one.
    PasswordReset,
    /// 挂失: report a key that was lost, stolen or broken.
    LostKey,
}

/// Sets a new password by a code.
#[derive(Clone, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct PasswordReset {
    /// As in [`CodeRequest`].
    #[serde(deserialize_with = "read_code")]
    pub account: String,
    /// The six digits of the SMS.
    #[serde(deserialize_with = "read_phone")]
    pub code: String,
    /// The new password, by the rule of [`PasswordChange`].
    pub new: String,
}

impl std::fmt::Debug for PasswordReset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordReset(redacted)")
    }
}

/// 挂失: the key is lost, stolen or broken. Opens a case of 注销 about every certificate in force of the account, which a
/// reviewer decides. `Idempotency-Key` required.
#[derive(Clone, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct LostKey {
    /// As in [`CodeRequest`].
    #[serde(deserialize_with = "read_code")]
    pub account: String,
    /// The six digits of the SMS.
    #[serde(deserialize_with = "read_phone")]
    pub code: String,
    /// What happened.
    pub circumstance: Circumstance,
}

impl std::fmt::Debug for LostKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LostKey({:?}, redacted)", self.circumstance)
    }
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Circumstance {
    /// 遗失
    Lost,
    /// 被盗
    Stolen,
    /// 损坏
    Broken,
    /// 锁死, with no way to unlock it
    Locked,
}

impl Circumstance {
    /// The reason on the revocation list.
    pub fn reason(self) -> certdesk_domain::RevocationReason {
        use certdesk_domain::RevocationReason::*;
        match self {
            Self::Lost | Self::Stolen => KeyCompromise,
            Self::Broken | Self::Locked => CessationOfOperation,
        }
    }
}

/// 挂失 was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct LostKeyReceipt {
    /// 申办编号 of the case; several certificates make several cases.
    pub numbers: Vec<String>,
    /// The service's time.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub reported_at: Timestamp,
}

/// One consent of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ConsentRecord {
    /// The record.
    #[serde(flatten)]
    pub receipt: ConsentReceipt,
    /// When it was withdrawn, if it was: it serves for nothing from then on.
    #[serde(with = "time::serde::rfc3339::option")]
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub withdrawn_at: Option<Timestamp>,
}

/// Replaces the password.
#[derive(Clone, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct PasswordChange {
    /// The password in force.
    pub old: String,
    /// The new one: at least 10 characters, or at least 8 with letters and digits; at most 128. None that is guessed
    /// among the first million: no common password, no date, no row of keys, nothing that is known of the account.
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
