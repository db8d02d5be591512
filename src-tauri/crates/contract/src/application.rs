//! Applications: draft, submission, remarks, history.

use certdesk_domain::{
    Business, NextActor, RequirementId, State, Timestamp,
    form::{FieldName, Handler, Particulars},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Opens a case so that files can be uploaded to it. The client chooses the id (UUIDv7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ApplicationDraft {
    /// Business.
    pub business: Business,
    /// The certificate that is changed, renewed or revoked: serial number, lower-case hex. One open case a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

impl ApplicationDraft {
    /// A case that is about no certificate that is there already.
    pub fn new(business: Business) -> Self {
        Self { business, certificate: None }
    }
}

/// What is typed of a case that is not handed in, so that it can be gone on with on another computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct DraftContent {
    /// Step 1.
    pub handler: Handler,
    /// What the case is about.
    pub particulars: Particulars,
}

/// A case as the service knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Application {
    /// Technical name, chosen by the client.
    pub id: Uuid,
    /// 申办编号, given at the first submission: `CD` + date + 6 digits, for example `CD20261122000017`.
    pub number: Option<String>,
    /// Business.
    pub business: Business,
    /// State.
    pub state: State,
    /// Who acts next.
    pub next_actor: NextActor,
    /// What was handed in last, once it was.
    pub handler: Option<Handler>,
    /// What it is about. The certificate is known from the opening on, the rest once it was handed in.
    #[serde(default)]
    pub particulars: Particulars,
    /// How often it was handed in. A reviewer decides about one of these ([`Verdict`]).
    #[serde(default)]
    pub submissions: u32,
    /// Signed receipts of the acts of this case, oldest first.
    #[serde(default)]
    pub receipts: Vec<ReceiptRecord>,
    /// Files handed in last.
    pub attachments: Vec<AttachmentRecord>,
    /// Remarks that are open: only in `NeedsCorrection`.
    pub remarks: Vec<Remark>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What happened, oldest first.
    pub history: Vec<HistoryEntry>,
    /// Subject name the certificate will carry, once approved.
    pub certificate_subject: Option<String>,
}

/// One step of a case's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct HistoryEntry {
    /// State reached.
    pub state: State,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// A sentence of the reviewer, where there is one.
    pub note: Option<String>,
}

/// What a reviewer asks to have corrected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Remark {
    /// What it is about.
    pub target: RemarkTarget,
    /// The reviewer's words, up to 500 characters.
    pub text: String,
}

/// What a remark is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum RemarkTarget {
    /// A field of the handler form, for example `person.id_number`.
    Field(FieldName),
    /// The files of one requirement.
    Files(RequirementId),
    /// The case as a whole.
    Case,
}

/// A file handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct AttachmentRecord {
    /// Which requirement it meets.
    pub requirement: RequirementId,
    /// The upload that carried it.
    pub upload: Uuid,
    /// Its name at the applicant's.
    pub file_name: String,
    /// Size, bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// For the form: whose key signed it, where one did and the service verified it.
    #[serde(default)]
    pub signed_by: Option<FormSigner>,
}

/// Whose key signed a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct FormSigner {
    /// Common name of the certificate.
    pub holder: String,
    /// Its serial number, lower-case hex.
    pub serial: String,
}

/// Hands the case in, first or again after a correction. `Idempotency-Key` required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Submission {
    /// Step 1.
    pub handler: Handler,
    /// What the case is about; its certificate must be the one of the opening.
    #[serde(default)]
    pub particulars: Particulars,
    /// SHA-256 (lower-case hex) of the form PDF as made in step 2; `None` where the offer asks for no form.
    pub form_sha256: Option<String>,
    /// Step 3: complete uploads.
    pub attachments: Vec<SubmittedAttachment>,
    /// 本人承诺所填信息与所交材料真实、完整、准确 (电子签名法 Art. 20); must be true.
    pub declared_true: bool,
    /// Record of the consent for sensitive data; `None` where the offer asks for no files.
    pub sensitive_data_consent: Option<Uuid>,
}

/// One upload put under one requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct SubmittedAttachment {
    /// Requirement.
    pub requirement: RequirementId,
    /// Upload.
    pub upload: Uuid,
}

/// 回执
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Receipt {
    /// 申办编号
    pub number: String,
    /// The service's time.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Timestamp,
    /// The case after it. The last of its `receipts` is the one of this act.
    pub application: Application,
}

/// A legal act that leaves a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegalAct {
    /// A case of any business was handed in.
    Submit,
    /// A case was taken back.
    Withdraw,
}

/// A receipt that can be fetched by [`crate::path::RECEIPT`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ReceiptRecord {
    /// Its name.
    pub id: Uuid,
    /// For what.
    pub act: LegalAct,
    /// The service's time.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether the act was signed by a key on a token, and that signature is in the receipt.
    pub signed_by_key: bool,
}

/// A decision about what was looked at, and not about what was handed in meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Verdict {
    /// The decision.
    #[serde(flatten)]
    pub review: Review,
    /// [`Application::submissions`] of the case as it was looked at. Another number now is `case_changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submissions: Option<u32>,
}

impl From<Review> for Verdict {
    /// A decision about the case as it is now, whatever was handed in last.
    fn from(review: Review) -> Self {
        Self { review, submissions: None }
    }
}

/// What a reviewer decides. Used by the review desk (CLI) and the demo desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "decision")]
pub enum Review {
    /// Accept.
    Approve,
    /// Send back with remarks.
    Return {
        /// At least one.
        remarks: Vec<Remark>,
    },
    /// Refuse.
    Reject {
        /// Why.
        reason: String,
    },
}
