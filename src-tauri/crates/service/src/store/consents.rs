//! Tables `consents` and `consent_accounts`.

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
    let receipt =
        ConsentReceipt { id: Uuid::now_v7(), subject: request.subject, version: request.version, recorded_at: at };
    db.execute(
        "INSERT INTO consents (id, subject, version, recorded_at) VALUES (?1, ?2, ?3, ?4)",
        (receipt.id.to_string(), word(receipt.subject), &receipt.version, millis(at)),
    )?;
    Ok(receipt)
}

/// Puts a recorded consent to an account. Refused as stale where there is no such record of this version.
pub(crate) fn attach(db: &Connection, id: Uuid, subject: ConsentSubject, version: &str, account: i64) -> Outcome<()> {
    if !is_on_record(db, id, subject, version)? {
        return Err(ProblemCode::StaleConsent.into());
    }
    db.execute(
        "INSERT INTO consent_accounts (consent, account) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        (id.to_string(), account),
    )?;
    Ok(())
}

/// Whether this version was consented to under this id.
pub(crate) fn is_on_record(
    db: &Connection,
    id: Uuid,
    subject: ConsentSubject,
    version: &str,
) -> rusqlite::Result<bool> {
    let found: Option<i64> = find(
        db,
        "SELECT 1 FROM consents WHERE id = ?1 AND subject = ?2 AND version = ?3",
        (id.to_string(), word(subject), version),
    )?;
    Ok(found.is_some())
}

/// Forgets what nobody came back for.
pub(crate) fn forget_unclaimed_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "DELETE FROM consents WHERE recorded_at < ?1 AND NOT EXISTS (SELECT 1 FROM consent_accounts WHERE consent = consents.id)",
        [millis(at)],
    )
    .map(drop)
}
