//! Delta sync: what changed for an account since it was asked last.
//!
//! Without a cursor everything is told, page by page ([`Part::Whole`] … [`Part::WholeEnd`]), and from then on what changed
//! ([`Part::Since`]). A thing that changed is told as it is now, however often it changed. A cursor that is not this
//! account's, is of another run of the service, or is older than what is remembered is `changes_gone` (410): whoever had it
//! begins anew without one. What was told twice is told the same, so a page whose answer was lost is asked for again.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{application::Application, certificate::CertificateRecord, notice::Notice};

/// Most things on a page, but for certificates that time alone has changed.
pub const PAGE: usize = 100;

/// The query of the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesQuery {
    /// [`Changes::cursor`] of the page before; none to be told everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The program asks by itself: that is no use of the session, which ends of itself all the same.
    #[serde(default)]
    pub unasked: bool,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Changes {
    /// What the page is a part of.
    pub part: Part,
    /// Cases.
    pub applications: Vec<Application>,
    /// Certificates.
    pub certificates: Vec<CertificateRecord>,
    /// 通知消息
    pub notices: Vec<Notice>,
    /// What is typed of cases that are not handed in.
    pub drafts: Vec<DraftMark>,
    /// What is not there any more.
    pub gone: Gone,
    /// Names what comes after this page. Opaque, at most [`LONGEST_CURSOR`] characters.
    pub cursor: String,
    /// There is more already: ask again at once.
    pub more: bool,
}

/// Characters of a cursor.
pub const LONGEST_CURSOR: usize = 512;

/// What a page is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Everything, with more to come.
    Whole,
    /// The end of everything: what was not told since its first page is not there.
    WholeEnd,
    /// What changed since.
    Since,
}

/// That something is kept of a draft, see [`crate::path::DRAFT`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DraftMark {
    /// The case.
    pub application: Uuid,
    /// Entity tag of what is kept.
    pub etag: String,
}

/// Names of what is not there any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Gone {
    /// [`Application::id`].
    pub applications: Vec<Uuid>,
    /// [`CertificateRecord::serial`].
    pub certificates: Vec<String>,
    /// [`Notice::id`].
    pub notices: Vec<Uuid>,
    /// [`DraftMark::application`].
    pub drafts: Vec<Uuid>,
}
