//! An application that is being filled in.

use certdesk_contract::{application::Remark, catalogue::Requirement};
use certdesk_domain::{
    Business, FileKind, RequirementId, State, Timestamp,
    form::{FieldFault, FieldName, Handler, Particulars},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::{failure::Failure, view::CertificateView};

/// A draft in the list.
#[derive(Clone, Debug, Serialize, TS)]
pub struct DraftSummary {
    /// Case.
    pub id: Uuid,
    /// Business.
    pub business: Business,
    /// A case that came back is being corrected: it is an application too.
    pub correction: bool,
    /// The step to continue with.
    pub step: Step,
    /// Last change.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub changed_at: Timestamp,
    /// Its submission, where that is queued.
    pub queued: Option<QueuedView>,
}

/// A submission that goes by itself once it can.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct QueuedView {
    /// Where it stands.
    pub state: QueuedState,
    /// When it was queued.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// What came of the last try.
    pub failure: Option<Failure>,
}

/// Where a queued submission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum QueuedState {
    /// Its files go first.
    Files,
    /// Goes once the service is there.
    Waiting,
    /// On its way.
    Sending,
    /// Goes once the PIN of the key was given for it: `submit`.
    NeedsKey,
    /// Refused for good: tried again, or taken back.
    Refused,
}

/// The four steps of the guide (服务申办向导).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 1 经办人信息
    Handler,
    /// 2 制作申请表
    Form,
    /// 3 上传电子文件
    Files,
    /// 4 提交服务申请
    Submit,
}

/// A draft, whole.
#[derive(Clone, Debug, Serialize, TS)]
pub struct DraftView {
    /// Case.
    pub id: Uuid,
    /// Business.
    pub business: Business,
    /// `Draft` or `NeedsCorrection`; any other once the case has moved on: then it can only be read.
    pub state: State,
    /// The step to continue with.
    pub step: Step,
    /// What was typed, as typed.
    pub handler: Handler,
    /// What the case is about: its certificate, what changes (`change.<field>` in `save_field`), why it is revoked
    /// (`reason`).
    pub particulars: Particulars,
    /// 变更: the fields that may be changed, with what they say now.
    pub change_fields: Vec<ChangeField>,
    /// The certificate it is about.
    pub certificate: Option<CertificateView>,
    /// The steps this business has here, in order. 注销 has `submit` alone.
    pub steps: Vec<Step>,
    /// Whether the form can be signed with the key in place of print, stamp and scan; `None`: it cannot.
    pub form_signing: Option<FormSigning>,
    /// Fields that were typed differently on another computer: nothing is lost, the applicant chooses.
    pub conflicts: Vec<FieldConflict>,
    /// Its submission, where that is queued: nothing can be changed until it is taken back.
    pub queued: Option<QueuedView>,
    /// What is not right yet.
    pub faults: Vec<FieldFault>,
    /// The form, if made and still true to what was typed.
    pub form: Option<FormView>,
    /// What the service asks for, with what is there.
    pub files: Vec<RequirementView>,
    /// Remarks of the reviewer.
    pub remarks: Vec<Remark>,
    /// Fields that may be changed: all in a draft, the remarked ones in a correction.
    pub editable_fields: Vec<String>,
    /// Whether the consent for sensitive data (video, ID copies) was given in its current version. Asked before step 3.
    pub sensitive_data_accepted: bool,
    /// The commitment video's script with names filled in, per language (zh, en).
    pub video_script: Option<certdesk_contract::catalogue::Text>,
    /// Last change that is safely on disk.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub saved_at: Timestamp,
}

/// 变更: one field that may be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ChangeField {
    /// Its name in `Registration::CHANGEABLE`.
    pub field: FieldName,
    /// What the registration says now.
    pub now: String,
}

/// Where the signature of the form stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct FormSigning {
    /// The requirement that the signed form meets.
    pub requirement: RequirementId,
    /// Whether the form as it is now was signed.
    pub signed: bool,
}

/// One field that says two things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FieldConflict {
    /// Name as `save_field` takes it.
    pub field: FieldName,
    /// As typed here.
    pub mine: String,
    /// As typed on the other computer.
    pub theirs: String,
}

/// The form PDF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct FormView {
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Size, bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Pages.
    pub pages: u32,
}

/// One requirement and its files.
#[derive(Clone, Debug, Serialize, TS)]
pub struct RequirementView {
    /// What is asked.
    pub requirement: Requirement,
    /// What is there.
    pub attachments: Vec<AttachmentView>,
    /// Whether enough files are there and uploaded.
    pub satisfied: bool,
    /// Whether files may be added or removed (in a correction: only where remarked).
    pub editable: bool,
}

/// One picked file.
#[derive(Clone, Debug, Serialize, TS)]
pub struct AttachmentView {
    /// Name for commands.
    pub id: Uuid,
    /// Its requirement.
    pub requirement: RequirementId,
    /// File name.
    pub name: String,
    /// Kind by content.
    pub kind: FileKind,
    /// Size, bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Width and height of a picture or video, pixels.
    pub pixels: Option<(u32, u32)>,
    /// Length of a video, milliseconds.
    #[ts(type = "number | null")]
    pub duration_ms: Option<u64>,
    /// Whether this computer has the file, so that it can be looked at.
    pub on_this_computer: bool,
    /// How far it is.
    pub upload: UploadState,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum UploadState {
    /// Waits for its turn.
    Queued,
    /// Its SHA-256 is being taken.
    Hashing {
        /// Bytes read.
        #[ts(type = "number")]
        done: u64,
    },
    /// Bytes are on their way.
    Sending {
        /// Bytes the service has.
        #[ts(type = "number")]
        done: u64,
    },
    /// The network is away; goes on by itself.
    Waiting {
        /// Why.
        failure: Failure,
    },
    /// At the service, compared with its SHA-256.
    Done,
    /// Needs the user: changed, gone or refused.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Stopped by the user.
    Cancelled,
}
