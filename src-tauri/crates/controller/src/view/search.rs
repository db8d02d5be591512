//! Lists: of applications, and of what a question found.

use certdesk_contract::{application::Application, certificate::CertificateStatus, notice::Notice};
use certdesk_domain::{Business, NextActor, State, Timestamp, form::Particulars};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use super::DraftSummary;

/// What was found of each kind, best first, a few of each.
#[derive(Clone, Debug, Default, Serialize, TS)]
pub struct SearchView {
    /// My applications: that of the number asked for, then the newest.
    pub applications: Vec<ApplicationHit>,
    /// There are more of them.
    pub more_applications: bool,
    /// Drafts, changed last first.
    pub drafts: Vec<DraftHit>,
    /// Certificates, on the keys and at the service.
    pub certificates: Vec<CertificateHit>,
    /// There are more of them.
    pub more_certificates: bool,
    /// Notices, newest first.
    pub notices: Vec<NoticeHit>,
    /// There are more of them.
    pub more_notices: bool,
}

/// An application that was found.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ApplicationHit {
    /// Which one.
    pub application: ApplicationRow,
    /// What to mark wherever it is shown.
    pub pieces: Vec<String>,
    /// What was found in it that the row does not show: the handler, or a reviewer's words.
    pub said: Option<String>,
}

/// A draft that was found.
#[derive(Clone, Debug, Serialize, TS)]
pub struct DraftHit {
    /// Which one.
    pub draft: DraftSummary,
    /// What to mark wherever it is shown.
    pub pieces: Vec<String>,
    /// What was found in it that the row does not show.
    pub said: Option<String>,
}

/// A certificate that was found.
#[derive(Clone, Debug, Serialize, TS)]
pub struct CertificateHit {
    /// SHA-256 of the DER, lower-case hex.
    pub fingerprint: String,
    /// Holder: common name.
    pub holder: String,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// Last instant.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub not_after: Timestamp,
    /// Status at the service, as last seen; `None` where unknown.
    pub status: Option<CertificateStatus>,
    /// What to mark wherever it is shown.
    pub pieces: Vec<String>,
}

/// A notice that was found.
#[derive(Clone, Debug, Serialize, TS)]
pub struct NoticeHit {
    /// Which one.
    pub notice: Notice,
    /// What to mark wherever it is shown.
    pub pieces: Vec<String>,
}

/// Which applications are listed. All of it must fit.
#[derive(Clone, Debug, Default, Deserialize, TS)]
pub struct ApplicationQuery {
    /// Words, as in the search; empty: all.
    pub words: String,
    /// Of this business.
    pub business: Option<Business>,
    /// In this state.
    pub state: Option<State>,
    /// Begun in this year.
    pub year: Option<String>,
    /// [`ApplicationPage::next`] of the page before.
    pub from: Option<String>,
}

/// A page of my applications.
#[derive(Clone, Debug, Default, Serialize, TS)]
pub struct ApplicationPage {
    /// What waits for the applicant first, then what changed last; where words were asked for, the newest first.
    pub rows: Vec<ApplicationRow>,
    /// Names the page after this one, where there is one. A page may be short and have one.
    pub next: Option<String>,
}

/// How many applications are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ApplicationCount {
    /// Business.
    pub business: Business,
    /// State.
    pub state: State,
    /// Begun in this year; empty where it is unknown.
    pub year: String,
    /// How many there are,
    pub count: u32,
    /// and for how many of them it is the applicant's turn.
    pub yours: u32,
}

/// An application in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ApplicationRow {
    /// Case.
    pub id: Uuid,
    /// 申办编号
    pub number: Option<String>,
    /// Business.
    pub business: Business,
    /// State.
    pub state: State,
    /// Who acts next.
    pub next_actor: NextActor,
    /// What it is about.
    pub particulars: Particulars,
    /// Subject name the certificate will carry, once approved.
    pub certificate_subject: Option<String>,
    /// When it changed last.
    #[serde(with = "time::serde::rfc3339::option")]
    #[ts(type = "string | null")]
    pub changed_at: Option<Timestamp>,
}

impl ApplicationRow {
    pub(crate) fn of(case: &Application) -> Self {
        Self {
            id: case.id,
            number: case.number.clone(),
            business: case.business,
            state: case.state,
            next_actor: case.next_actor,
            particulars: case.particulars.clone(),
            certificate_subject: case.certificate_subject.clone(),
            changed_at: case.history.last().map(|entry| entry.at),
        }
    }
}
