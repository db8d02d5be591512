//! The review desk: what the certificate authority's staff decides.
//!
//! Works on the data directory, with or without a service running on it; every decision is one transaction.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use certdesk_contract::{
    Problem, ProblemCode,
    account::{Circumstance, SmsMessage},
    announcement::Announcement,
    application::{Application, Remark, RemarkTarget, Review, Verdict},
    catalogue::Offer,
};
use certdesk_domain::{Act, Business, FileKind, RevocationReason, Timestamp, form::Handler, form::Registration};
use rusqlite::Connection;
use serde::Serialize;
use uuid::Uuid;

pub use crate::store::first_decisions::FirstDecision;
use crate::{
    Clock, announcements, applications as acts,
    audit::{self, Actor, Event, Subject},
    ca::{Ca, common_name},
    failure::{Failure, Outcome},
    revocation,
    staff::{self, Role},
    store::{
        self, Store,
        applications::{self, Case},
    },
    verdicts,
};

/// Longest remark or reason, characters.
const LONGEST_TEXT: usize = 500;

/// The desk of one data directory. Acts as its administrator, or in the name of a member of staff.
pub struct Desk {
    store: Store,
    clock: Clock,
    ca: Ca,
    files: PathBuf,
    actor: Actor,
}

/// A case with what only the desk sees.
#[derive(Debug, Serialize)]
pub struct Dossier {
    /// The case.
    #[serde(flatten)]
    pub application: Application,
    /// Name of the account.
    pub account: String,
    /// What was registered.
    pub registration: Registration,
    /// Name the certificate would carry.
    pub subject: String,
    /// 挂失: what happened to the key.
    pub circumstance: Option<Circumstance>,
    /// The first of two decisions, where it waits for the second.
    pub first_decision: Option<FirstDecision>,
    /// Where the files lie, in the order of `attachments`.
    pub files: Vec<PathBuf>,
}

/// Why the desk did not act.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The decision does not fit the case, or there is no such case.
    #[error("{} ({})", .0.title, .0.code.as_str())]
    Refused(Box<Problem>),
    /// The data cannot be read or written.
    #[error("{0:#}")]
    Broken(anyhow::Error),
}

impl From<Failure> for DeskError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(problem) => Self::Refused(problem),
            Failure::Broken(error) => Self::Broken(error),
        }
    }
}

impl Desk {
    /// Opens the desk of a data directory that a service has used.
    ///
    /// # Errors
    /// Where there is none, or it is of a newer version.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        let clock = Clock::system();
        Ok(Self {
            store: crate::server::open_store(data)?,
            ca: Ca::open(&data.join("ca"), clock.now())?,
            clock,
            files: data.join("uploads"),
            actor: Actor::Administrator,
        })
    }

    /// Acts in the name of a reviewer from now on.
    ///
    /// # Errors
    /// [`DeskError::Broken`] where there is nobody of that name, they are disabled, or no reviewer.
    pub fn acting_as(mut self, name: &str) -> Result<Self, DeskError> {
        self.actor = self.store.act_now(|db| staff::acting(db, name, Role::Reviewer))?;
        Ok(self)
    }

    /// Everything that was ever handed in; what waits for a decision comes first.
    ///
    /// # Errors
    /// [`DeskError::Broken`].
    pub fn list(&self) -> Result<Vec<Application>, DeskError> {
        Ok(self.store.act_now(queue)?)
    }

    /// Opens a case by its id or 申办编号: one that was just handed in is in review from now on.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn show(&self, name: &str) -> Result<Dossier, DeskError> {
        Ok(self.store.act_now(|db| {
            let mut case = find(db, name)?;
            verdicts::open(db, &mut case, &self.actor, self.clock.now())?;
            let account = store::accounts::by_id(db, case.account)?;
            let first_decision = verdicts::first(db, &case)?;
            let circumstance = case.circumstance;
            let changed = account.registration.with(&case.particulars.changes);
            let subject = common_name(&changed).to_owned();
            let application = applications::view(db, case)?;
            let files = application.attachments.iter().map(|a| self.files.join(a.upload.to_string())).collect();
            let (account, registration) = (account.name, account.registration);
            Ok(Dossier { application, account, registration, subject, circumstance, first_decision, files })
        })?)
    }

    /// Copies the files of a case into a folder that is made for it, for its owner's eyes only; answers the copies. They
    /// are named after their requirement and their content, never after what the applicant called them.
    ///
    /// # Errors
    /// [`DeskError::Refused`] with `not_found`; [`DeskError::Broken`], also where the folder is there already.
    pub fn copy_files(&self, name: &str, folder: &Path) -> Result<Vec<PathBuf>, DeskError> {
        let attachments = self.store.act_now(|db| {
            let id = find(db, name)?.id;
            let about = verdicts::subject(db, id)?;
            audit::note(db, &self.actor, Event::FilesCopied, about, serde_json::json!({}), self.clock.now())?;
            Ok(applications::attachments(db, id)?)
        })?;
        let copied = || {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(false); // A folder that is there already is not ours to fill.
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            let mut copies = Vec::new();
            for (place, file) in (1..).zip(&attachments) {
                let stored = self.files.join(file.upload.to_string());
                let mut head = Vec::new();
                let opened = fs::File::open(&stored).with_context(|| format!("cannot read {}", stored.display()))?;
                opened.take(FileKind::SNIFF_BYTES as u64).read_to_end(&mut head)?;
                let ending = FileKind::sniff(&head).map_or("bin", |kind| kind.extensions()[0]);
                let copy = folder.join(format!("{place:02}-{}.{ending}", file.requirement.0));
                fs::copy(&stored, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
                copies.push(copy);
            }
            Ok(copies)
        };
        copied().map_err(DeskError::Broken)
    }

    /// Decides a case. Where the rule of two holds, the first decision leaves it in review until another member of staff
    /// decides the same.
    ///
    /// # Errors
    /// [`DeskError::Refused`] with `wrong_state`, `case_changed`, `bad_request` (no remark or reason, unknown field or
    /// requirement, longer than 500 characters) or `not_found`.
    pub fn decide(&self, name: &str, verdict: impl Into<Verdict>) -> Result<Application, DeskError> {
        Ok(self.store.act_now(|db| {
            let case = find(db, name)?;
            Ok(verdicts::decide(db, &self.ca, case, verdict.into(), &self.actor, self.clock.now())?.application())
        })?)
    }

    /// Revokes an active certificate, at once and for good. Its account logs in by password again; its key is refused
    /// from now on.
    ///
    /// # Errors
    /// [`DeskError::Refused`] with `not_found` or, for one that is not active, `wrong_state`.
    pub fn revoke(&self, serial: &str, reason: RevocationReason) -> Result<Announcement, DeskError> {
        let now = self.clock.now();
        Ok(self.store.act_now(|db| {
            let announced = revocation::announce(db, &self.ca, &announcements::plain(serial), reason, now)?;
            let details = serde_json::json!({ "serial": announced.serial, "reason": reason });
            audit::note(db, &self.actor, Event::CertificateRevoked, Subject::default(), details, now)?;
            Ok(announced)
        })?)
    }

    /// The SMS outbox, newest first.
    ///
    /// # Errors
    /// [`DeskError::Broken`].
    pub fn sms(&self) -> Result<Vec<SmsMessage>, DeskError> {
        Ok(self.store.act_now(|db| Ok(store::sms::list(db)?))?)
    }
}

/// Reads a remark as typed: `field:person.id_number=TEXT`, `files:business_license=TEXT`, `case=TEXT`.
///
/// # Errors
/// Where it is none of these.
pub fn parse_remark(text: &str) -> Result<Remark, String> {
    let malformed = || "expected field:NAME=TEXT, files:REQUIREMENT=TEXT or case=TEXT".to_owned();
    let (target, text) = text.split_once('=').ok_or_else(malformed)?;
    let target = match target.split_once(':') {
        None if target == "case" => RemarkTarget::Case,
        Some(("field", name)) => RemarkTarget::Field(name.to_owned()),
        Some(("files", name)) => RemarkTarget::Files(certdesk_domain::RequirementId(name.to_owned())),
        _ => return Err(malformed()),
    };
    Ok(Remark { target, text: text.to_owned() })
}

/// The reviewer's queue.
pub(crate) fn queue(db: &Connection) -> Outcome<Vec<Application>> {
    let cases = applications::handed_in(db)?;
    Ok(cases.into_iter().map(|case| applications::view(db, case)).collect::<Result<_, _>>()?)
}

/// Refuses a decision that lacks its words, or remarks on what is not there.
pub(crate) fn check(db: &Connection, case: &Case, review: &Review) -> Outcome<()> {
    match review {
        Review::Approve => Ok(()),
        Review::Return { remarks } => {
            let account = store::accounts::by_id(db, case.account)?;
            check_remarks(db, remarks, case, &account.registration)
        }
        Review::Reject { reason } => check_text(reason),
    }
}

/// Carries a decision out. A case that was not opened yet is opened by it, so that its history is whole.
pub(crate) fn decide(db: &Connection, ca: &Ca, mut case: Case, review: Review, now: Timestamp) -> Outcome<Application> {
    check(db, &case, &review)?;
    let account = store::accounts::by_id(db, case.account)?;
    verdicts::start_review(db, &mut case, now)?;
    match review {
        Review::Approve => {
            acts::approve(db, ca, &mut case, &account, now)?;
        }
        Review::Return { remarks } => {
            let whole = remarks.iter().find(|r| r.target == RemarkTarget::Case).map(|r| r.text.clone());
            case.remarks = remarks;
            acts::advance(db, &mut case, Act::Return, whole, now)?;
        }
        Review::Reject { reason } => {
            case.reason = Some(reason.clone());
            acts::advance(db, &mut case, Act::Reject, Some(reason), now)?;
        }
    }
    Ok(applications::view(db, case)?)
}

fn find(db: &Connection, name: &str) -> Outcome<Case> {
    let case = match Uuid::parse_str(name) {
        Ok(id) => applications::by_id(db, id)?,
        Err(_) => applications::by_number(db, &name.to_ascii_uppercase())?,
    };
    Ok(case.ok_or(ProblemCode::NotFound)?)
}

fn check_remarks(db: &Connection, remarks: &[Remark], case: &Case, registration: &Registration) -> Outcome<()> {
    let catalogue = store::catalogues::latest(db)?.context("no catalogue was ever served")?;
    let offer = catalogue.offer(case.business, registration.kind);
    for remark in remarks {
        check_text(&remark.text)?;
        let known = match &remark.target {
            RemarkTarget::Case => true,
            RemarkTarget::Field(field) => is_field(field, case.business, offer),
            RemarkTarget::Files(id) => offer.is_some_and(|offer| offer.requirements.iter().any(|r| r.id == *id)),
        };
        if !known {
            return Err(ProblemCode::BadRequest.into());
        }
    }
    if remarks.is_empty() { Err(ProblemCode::BadRequest.into()) } else { Ok(()) }
}

/// Whether there is such a field in cases of this business: of the handler, of what changes, or the reason.
fn is_field(field: &str, business: Business, offer: Option<&Offer>) -> bool {
    match field.strip_prefix("change.") {
        Some(changed) => offer.is_some_and(|offer| offer.change_fields.iter().any(|name| name == changed)),
        None if field == "reason" => business == Business::Revoke,
        None => Handler::FIELDS.contains(&field),
    }
}

fn check_text(text: &str) -> Outcome<()> {
    let right = !text.trim().is_empty() && text.chars().count() <= LONGEST_TEXT;
    if right { Ok(()) } else { Err(ProblemCode::BadRequest.into()) }
}
