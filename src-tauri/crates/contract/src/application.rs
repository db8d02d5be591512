//! Applications: draft, submission, remarks, history.

use certdesk_domain::{
    Business, NextActor, RequirementId, State, Timestamp,
    form::{FieldName, Handler},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Opens a case so that files can be uploaded to it. The client chooses the id (UUIDv7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ApplicationDraft {
    /// Business.
    pub business: Business,
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
}

/// Hands the case in, first or again after a correction. `Idempotency-Key` required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Submission {
    /// Step 1.
    pub handler: Handler,
    /// SHA-256 (lower-case hex) of the form PDF as made in step 2.
    pub form_sha256: String,
    /// Step 3: complete uploads.
    pub attachments: Vec<SubmittedAttachment>,
    /// 本人承诺所填信息与所交材料真实、完整、准确 (电子签名法 Art. 20); must be true.
    pub declared_true: bool,
    /// Record of the consent for sensitive data.
    pub sensitive_data_consent: Uuid,
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
    /// The case after it.
    pub application: Application,
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
