//! Table `consents`.

use certdesk_contract::{
    ProblemCode,
    account::{ConsentReceipt, ConsentRequest, ConsentSubject},
};
use certdesk_domain::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use super::{find, millis, word};
use crate::failure::Outcome;

pub(crate) fn record(db: &Connection, request: ConsentRequest, at: Timestamp) -> rusqlite::Result<ConsentReceipt> {
    let receipt = ConsentReceipt { id: Uuid::now_v7(), subject: request.subject, version: request.version, recorded_at: at };
    db.execute(
        "INSERT INTO consents (id, subject, version, recorded_at) VALUES (?1, ?2, ?3, ?4)",
        (receipt.id.to_string(), word(receipt.subject), &receipt.version, millis(at)),
    )?;
    Ok(receipt)
}

/// Puts a recorded consent to an account. Refused as stale where there is no such record of this version, or where it
/// is another account's.
pub(crate) fn attach(db: &Connection, id: Uuid, subject: ConsentSubject, version: &str, account: i64) -> Outcome<()> {
    let attached = db.execute(
        "UPDATE consents SET account = ?4
         WHERE id = ?1 AND subject = ?2 AND version = ?3 AND (account IS NULL OR account = ?4)",
        (id.to_string(), word(subject), version, account),
    )?;
    if attached == 1 { Ok(()) } else { Err(ProblemCode::StaleConsent.into()) }
}

/// Whether such a consent is on record and nobody's yet.
pub(crate) fn is_open(db: &Connection, id: Uuid, subject: ConsentSubject, version: &str) -> rusqlite::Result<bool> {
    let found: Option<i64> = find(
        db,
        "SELECT 1 FROM consents WHERE id = ?1 AND subject = ?2 AND version = ?3 AND account IS NULL",
        (id.to_string(), word(subject), version),
    )?;
    Ok(found.is_some())
}

/// Forgets what nobody came back for.
pub(crate) fn forget_open_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM consents WHERE account IS NULL AND recorded_at < ?1", [millis(at)]).map(drop)
}
