//! The audit log: who did what to which case, and when. Each row holds the SHA-256 of the row before it.
//!
//! A row is written in the transaction of the act it tells of: there is no act without its row and no row without its
//! act. It holds no personal data: cases are named by their id, remarks by what they are about. The chain shows a row
//! that was changed, taken out or moved. That the newest rows were cut off, or all of it written anew, shows only against
//! a [`Head`] that is kept elsewhere: on paper, at another person's.
//!
//! The hash of a row is SHA-256 over the UTF-8 text of a JSON array without spaces:
//! `[number,at,actor,act,application,submission,details,before]`. `at` is in milliseconds since 1970, `details` is a
//! string, `before` the hash of the row before as lower-case hex (64 zeros before the first); `application` and
//! `submission` may be null.

use std::{fmt, path::Path, str::FromStr};

use certdesk_domain::Timestamp;
use rusqlite::Connection;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    ca::hex,
    failure::{Failure, Outcome},
    store::{
        self, Store,
        audit::{self, AuditRow},
    },
};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// A member of staff, by name.
    Staff(String),
    /// Whoever has the data directory and named nobody.
    Administrator,
    /// The service by itself, where the catalogue lets it decide.
    Service,
    /// The demo's window.
    Demo,
    /// Nobody who is known: a login that was refused.
    Unknown,
}

impl Actor {
    /// Names that no member of staff may have.
    pub(crate) const RESERVED: [&str; 4] = ["administrator", "demo", "service", "unknown"];

    /// As the log has it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Staff(name) => name,
            Self::Administrator => "administrator",
            Self::Service => "service",
            Self::Demo => "demo",
            Self::Unknown => "unknown",
        }
    }
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A member of staff logged in.
    LoggedIn,
    /// A login was refused.
    LoginRefused,
    /// A member of staff logged out.
    LoggedOut,
    /// A case was opened.
    CaseOpened,
    /// A file of a case was looked at.
    FileOpened,
    /// The files of a case were copied into a folder.
    FilesCopied,
    /// Personal data of a case was shown whole.
    Revealed,
    /// The first of two decisions.
    FirstDecision,
    /// A decision that took effect.
    Decided,
    /// A member of staff was added.
    StaffAdded,
    /// A member of staff may not log in any more.
    StaffDisabled,
    /// A member of staff may log in again.
    StaffEnabled,
    /// A member of staff got another password.
    StaffPassword,
    /// A certificate was revoked by command.
    CertificateRevoked,
    /// The service was started with another setting.
    SettingChanged,
}

/// What a row is about.
#[derive(Clone, Copy, Default)]
pub(crate) struct Subject {
    /// The case.
    pub(crate) application: Option<Uuid>,
    /// Which of its submissions.
    pub(crate) submission: Option<u32>,
}

impl Subject {
    /// A submission of a case.
    pub(crate) fn case(application: Uuid, submission: u32) -> Self {
        Self { application: Some(application), submission: Some(submission) }
    }
}

/// Writes a row, inside the transaction of what it tells of. `details` must hold no personal data.
pub(crate) fn note(
    db: &Connection,
    actor: &Actor,
    event: Event,
    subject: Subject,
    details: serde_json::Value,
    now: Timestamp,
) -> Outcome<()> {
    let (number, before) = match audit::head(db)? {
        Some((number, hash)) => (number + 1, hash),
        None => (1, vec![0; 32]),
    };
    let mut row = AuditRow {
        number,
        at: now,
        actor: actor.name().to_owned(),
        act: store::word(event),
        application: subject.application.map(|id| id.to_string()),
        submission: subject.submission,
        details: details.to_string(),
        before,
        hash: Vec::new(),
    };
    row.hash = digest(&row).to_vec();
    Ok(audit::add(db, &row)?)
}

/// The audit log of a data directory.
pub struct AuditLog(Store);

/// One row of the log.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub number: u64,
    /// When, as RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
    /// Name of a member of staff, or `administrator`, `service`, `demo`, `unknown`.
    pub actor: String,
    /// What was done.
    pub act: String,
    /// Id of the case.
    pub application: Option<String>,
    /// Which of its submissions.
    pub submission: Option<u32>,
    /// JSON text.
    pub details: String,
    /// SHA-256 of the row before, lower-case hex.
    pub before: String,
    /// SHA-256 of this row, lower-case hex.
    pub hash: String,
}

impl From<AuditRow> for Entry {
    fn from(row: AuditRow) -> Self {
        Self {
            number: row.number,
            at: row.at,
            actor: row.actor,
            act: row.act,
            application: row.application,
            submission: row.submission,
            details: row.details,
            before: hex(&row.before),
            hash: hex(&row.hash),
        }
    }
}

/// The end of the log at some time: kept elsewhere, it proves later that nothing before it was cut off or written anew.
/// Written `NUMBER:HASH`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Number of the newest row.
    pub number: u64,
    /// Its SHA-256, lower-case hex.
    pub hash: String,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || "expected NUMBER:HASH as `audit verify` prints it".to_owned();
        let (number, hash) = text.trim().split_once(':').ok_or_else(malformed)?;
        let number = number.parse().map_err(|_| malformed())?;
        let hash = hash.to_ascii_lowercase();
        if certdesk_contract::is_sha256(&hash) { Ok(Self { number, hash }) } else { Err(malformed()) }
    }
}

/// What was found out about the log.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// Rows that were read.
    pub rows: u64,
    /// The end of the log; `None` where it is empty.
    pub head: Option<Head>,
    /// The first row that is not as it was written.
    pub broken: Option<Broken>,
}

/// The first row that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its number; of a row that is gone, the one it had.
    pub number: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It does not say what it said when it was written.
    Changed,
    /// It was not written after the row that is before it now.
    Unlinked,
    /// It is gone, though there are later ones.
    Missing,
    /// It is gone, though the head kept elsewhere tells of it.
    CutOff,
    /// It is not the one that the head kept elsewhere tells of.
    NotTheKeptHead,
}

impl AuditLog {
    /// Opens the log of a data directory that a service has used.
    ///
    /// # Errors
    /// Where there is none, or it is of a newer version.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        Ok(Self(crate::server::open_store(data)?))
    }

    /// Gives each row to `take`, oldest first.
    ///
    /// # Errors
    /// Where the database cannot be read, or `take` fails.
    pub fn each(&self, mut take: impl FnMut(Entry) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.reading(|db| {
            let mut statement = audit::all(db)?;
            let mut rows = statement.query([])?;
            while let Some(row) = audit::each(&mut rows)? {
                take(row.into())?;
            }
            Ok(())
        })
    }

    /// Reads the whole log and tells the first row that is not as it was written; `kept` is a head that was kept
    /// elsewhere.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn verify(&self, kept: Option<&Head>) -> anyhow::Result<Verified> {
        self.reading(|db| {
            let mut statement = audit::all(db)?;
            let mut rows = statement.query([])?;
            let mut chain = Chain::default();
            while chain.broken.is_none() {
                match audit::each(&mut rows) {
                    Ok(Some(row)) => chain.add(&row, kept),
                    Ok(None) => break,
                    Err(
                        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::IntegralValueOutOfRange(..),
                    ) => {
                        chain.break_at(chain.rows + 1, Fault::Changed);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(chain.end(kept))
        })
    }

    fn reading<T>(&self, read: impl FnOnce(&Connection) -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.0.act_now(|db| Ok(read(db)?)).map_err(Failure::into_error)
    }
}

/// The rows so far.
#[derive(Default)]
struct Chain {
    rows: u64,
    hash: Option<[u8; 32]>,
    broken: Option<Broken>,
}

impl Chain {
    fn add(&mut self, row: &AuditRow, kept: Option<&Head>) {
        let expected = self.rows + 1;
        if row.number != expected {
            return self.break_at(expected, Fault::Missing);
        }
        let hash = digest(row);
        if row.hash != hash {
            return self.break_at(expected, Fault::Changed);
        }
        if row.before != self.hash.unwrap_or_default() {
            return self.break_at(expected, Fault::Unlinked);
        }
        if kept.is_some_and(|kept| kept.number == expected && kept.hash != hex(&hash)) {
            return self.break_at(expected, Fault::NotTheKeptHead);
        }
        (self.rows, self.hash) = (expected, Some(hash));
    }

    fn break_at(&mut self, number: u64, fault: Fault) {
        self.broken = Some(Broken { number, fault });
    }

    fn end(mut self, kept: Option<&Head>) -> Verified {
        if self.broken.is_none() && kept.is_some_and(|kept| kept.number > self.rows) {
            self.break_at(self.rows + 1, Fault::CutOff);
        }
        let head = self.hash.map(|hash| Head { number: self.rows, hash: hex(&hash) });
        Verified { rows: self.rows, head, broken: self.broken }
    }
}

fn digest(row: &AuditRow) -> [u8; 32] {
    let said = serde_json::json!([
        row.number,
        store::millis(row.at),
        row.actor,
        row.act,
        row.application,
        row.submission,
        row.details,
        hex(&row.before),
    ]);
    Sha256::digest(said.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of five rows, and a way to do to it what its triggers forbid.
    fn log() -> (tempfile::TempDir, AuditLog, Head) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = AuditLog(Store::open(&folder.path().join("portal.db")).expect("a database"));
        let staff = Actor::Staff("li".into());
        for event in [Event::LoggedIn, Event::CaseOpened, Event::FileOpened, Event::Decided, Event::LoggedOut] {
            let subject = Subject::case(Uuid::from_u128(7), 1);
            let noted =
                log.0.act_now(|db| note(db, &staff, event, subject, serde_json::json!({}), Timestamp::UNIX_EPOCH));
            assert!(noted.is_ok(), "{noted:?}");
        }
        let verified = log.verify(None).expect("the log can be read");
        assert_eq!((verified.rows, verified.broken), (5, None), "an untouched log is whole");
        let head = verified.head.expect("it has an end");
        (folder, log, head)
    }

    fn tamper(log: &AuditLog, sql: &str) {
        let direct = log.0.act_now(|db| Ok(db.execute_batch(sql)?));
        if sql.starts_with("INSERT") {
            return assert!(direct.is_ok(), "{sql}: {direct:?}");
        }
        assert!(direct.is_err(), "the database itself must refuse: {sql}");
        let done = log.0.act_now(|db| {
            db.execute_batch(
                "DROP TRIGGER IF EXISTS audit_is_not_changed; DROP TRIGGER IF EXISTS audit_is_not_removed",
            )?;
            Ok(db.execute_batch(sql)?)
        });
        assert!(done.is_ok(), "{sql}: {done:?}");
    }

    fn found(log: &AuditLog, kept: Option<&Head>) -> Option<(u64, Fault)> {
        log.verify(kept).expect("the log can be read").broken.map(|broken| (broken.number, broken.fault))
    }

    #[test]
    fn whatever_is_changed_in_a_row_is_found_at_that_row() {
        for change in [
            "actor = 'wang'",
            "at = at + 1",
            "act = 'logged_out'",
            "application = NULL",
            "application = 'none'",
            "submission = 2",
            "submission = -1",
            "details = '{\"x\":1}'",
            "hash = x'00'",
        ] {
            let (_folder, log, _) = log();
            tamper(&log, &format!("UPDATE audit SET {change} WHERE number = 3"));
            assert_eq!(found(&log, None), Some((3, Fault::Changed)), "after {change}");
        }
    }

    #[test]
    fn a_row_taken_out_moved_or_put_in_is_found() {
        let tampered = |sql: &str| {
            let (_folder, log, _) = log();
            tamper(&log, sql);
            found(&log, None)
        };
        assert_eq!(tampered("DELETE FROM audit WHERE number = 3"), Some((3, Fault::Missing)));
        assert_eq!(tampered("DELETE FROM audit WHERE number = 1"), Some((1, Fault::Missing)));
        let closed_up = "DELETE FROM audit WHERE number = 3; UPDATE audit SET number = number - 1 WHERE number > 3";
        assert_eq!(tampered(closed_up), Some((3, Fault::Changed)), "closing the gap does not hide it");
        let swapped = "UPDATE audit SET number = 100 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3;
                       UPDATE audit SET number = 3 WHERE number = 100";
        assert_eq!(tampered(swapped), Some((2, Fault::Changed)));
        let put_in = "INSERT INTO audit SELECT 6, at, actor, act, application, submission, details, before, hash FROM audit WHERE number = 2";
        assert_eq!(tampered(put_in), Some((6, Fault::Changed)));
    }

    #[test]
    fn a_changed_row_with_its_hash_made_anew_breaks_the_next() {
        let (_folder, log, _) = log();
        tamper(&log, "UPDATE audit SET actor = 'wang' WHERE number = 3");
        let mended = log.0.act_now(|db| {
            let mut rows = audit::below(db, 4, 1)?;
            let hash = digest(&rows.remove(0));
            Ok(db.execute("UPDATE audit SET hash = ?1 WHERE number = 3", [hash.to_vec()])?)
        });
        assert!(mended.is_ok());
        assert_eq!(found(&log, None), Some((4, Fault::Unlinked)));
    }

    #[test]
    fn a_log_cut_off_or_written_anew_is_found_by_the_head_kept_elsewhere() {
        let (_folder, log, head) = log();
        let kept: Head = head.to_string().parse().expect("a head is read as it is printed");
        assert_eq!(kept, head);
        assert_eq!(found(&log, Some(&kept)), None);
        tamper(&log, "DELETE FROM audit WHERE number > 3");
        assert_eq!(found(&log, None), None, "the rest is a chain of its own");
        assert_eq!(found(&log, Some(&kept)), Some((4, Fault::CutOff)));
        for _ in 0..3 {
            let written = log.0.act_now(|db| {
                note(
                    db,
                    &Actor::Demo,
                    Event::LoggedIn,
                    Subject::default(),
                    serde_json::json!({}),
                    Timestamp::UNIX_EPOCH,
                )
            });
            assert!(written.is_ok());
        }
        assert_eq!(found(&log, Some(&kept)), Some((5, Fault::NotTheKeptHead)), "a log that went on differently");
        assert!("5:xyz".parse::<Head>().is_err() && "".parse::<Head>().is_err());
    }
}
