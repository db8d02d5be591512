//! What the service asks for and says, versioned (design §5.14). The client is built around it, not the other way.

use certdesk_domain::{
    AccountKind, Business, FileKind, RequirementId, RevocationReason, State, form::FieldName, token::KeyAlgorithm,
};
use serde::{Deserialize, Serialize};

/// Everything the client needs to know before and during an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Catalogue {
    /// Changes with every change of content.
    pub version: String,
    /// Name of the certificate authority, as people know it.
    pub ca_name: String,
    /// True for the demo CA: the screen says that it is not a licensed CA.
    pub demonstration: bool,
    /// 数字证书服务协议
    pub agreement: LegalText,
    /// Consent for sensitive data (video, ID copies).
    pub sensitive_data: LegalText,
    /// What each business asks of each kind of account.
    pub offers: Vec<Offer>,
    /// Usual time each state takes.
    pub usual_times: Vec<UsualTime>,
    /// When and how certificates are renewed.
    pub renewal: RenewalRule,
    /// Days before the end of a certificate on which its holder is reminded, most first, for example 90, 60, 30, 15, 7, 1.
    pub reminder_days: Vec<u16>,
    /// Telephone and hours of the helpdesk, one line.
    pub helpdesk: String,
}

impl Catalogue {
    /// The offer for a business and kind of account, if the service makes one.
    pub fn offer(&self, business: Business, account: AccountKind) -> Option<&Offer> {
        self.offers.iter().find(|o| o.business == business && o.account == account)
    }
}

/// A text in the languages the service has it in. Chinese is binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Text {
    /// zh-CN
    pub zh: String,
    /// English, a reading aid
    pub en: String,
}

/// A text that is accepted. Paragraphs: lines starting with `# ` are headings, the others plain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct LegalText {
    /// Version that is recorded with the consent.
    pub version: String,
    /// Title.
    pub title: Text,
    /// Paragraphs in order.
    pub paragraphs: Vec<Text>,
}

/// One business for one kind of account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Offer {
    /// Business.
    pub business: Business,
    /// For whom.
    pub account: AccountKind,
    /// 申办须知, paragraphs.
    pub notes: Vec<Text>,
    /// Fees, in words.
    pub fees: Text,
    /// Years the certificate is valid for.
    pub validity_years: u8,
    /// Key algorithms the CA certifies, preferred first.
    pub key_algorithms: Vec<KeyAlgorithm>,
    /// Files asked for, in the order to show them. Where one of them is the form, there is a form to make (step 2).
    pub requirements: Vec<Requirement>,
    /// Whether the service decides by itself, without a reviewer, what was signed with the certificate's key.
    #[serde(default)]
    pub automatic: bool,
    /// 变更: the fields that may be changed, by their names in `Registration::CHANGEABLE`; at least one must.
    #[serde(default)]
    pub change_fields: Vec<FieldName>,
    /// 注销: the reasons to choose from.
    #[serde(default)]
    pub reasons: Vec<ReasonChoice>,
    /// What follows from it and must be known before, one sentence each: shown before handing in, ticked as read.
    #[serde(default)]
    pub consequences: Vec<Text>,
}

impl Offer {
    /// The requirement that is the form of step 2; `None`: there is no form to make.
    pub fn form(&self) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.is_form)
    }
}

/// When and how certificates are renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct RenewalRule {
    /// Days before its end from which on a certificate can be renewed.
    pub opens_days: u16,
    /// Days after its end until which it still can; 0: not once it has ended.
    pub grace_days: u16,
    /// Whether the days that are left are added to the new certificate.
    pub carries_over: bool,
    /// Whether the old certificate is revoked (superseded) once the new one has proven itself.
    pub revokes_old: bool,
}

/// A reason for 注销, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ReasonChoice {
    /// As the revocation list will have it.
    pub reason: RevocationReason,
    /// In plain words.
    pub text: Text,
}

/// 材料要求: one file that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Requirement {
    /// Its name on the wire.
    pub id: RequirementId,
    /// Its name for people.
    pub title: Text,
    /// What to look out for, one or two sentences.
    pub hint: Text,
    /// Kinds that are taken.
    pub kinds: Vec<FileKind>,
    /// Largest size, bytes.
    #[ts(type = "number")]
    pub max_bytes: u64,
    /// Fewest files; 0 makes it optional.
    pub min_count: u8,
    /// Most files.
    pub max_count: u8,
    /// For the commitment video.
    pub video: Option<VideoRule>,
    /// The signed and stamped copy of the form made in step 2.
    pub is_form: bool,
    /// For the form: in a session by key, the form signed with that key (PAdES) is taken in place of the stamped copy.
    #[serde(default)]
    pub key_signature: bool,
    /// What it proves, to be compared with it: fields by their names in `Handler::FIELDS` and `Registration::CHANGEABLE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<FieldName>>")]
    pub proves: Vec<FieldName>,
}

/// Rules of the commitment video (承诺视频).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct VideoRule {
    /// Shortest length, seconds.
    pub min_seconds: u32,
    /// Longest length, seconds.
    pub max_seconds: u32,
    /// What to read aloud. Placeholders: `{unit}`, `{handler}`, `{date}`.
    pub script: Text,
}

/// How long a state usually takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct UsualTime {
    /// State.
    pub state: State,
    /// For example 1 个工作日.
    pub text: Text,
}
