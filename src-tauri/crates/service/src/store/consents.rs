//! Tables `consents` and `consent_accounts`.

use certdesk_contract::{
    ProblemCode,
    account::{ConsentReceipt, ConsentRecord, ConsentRequest, ConsentSubject},
};
use certdesk_domain::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use super::{find, from_word, millis, time, word};
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

/// Puts a recorded consent to an account. Refused as stale where there is no such record of this version, or where the
/// account withdrew it.
pub(crate) fn attach(db: &Connection, id: Uuid, subject: ConsentSubject, version: &str, account: i64) -> Outcome<()> {
    let withdrawn: Option<i64> = find(
        db,
        "SELECT 1 FROM consent_accounts WHERE consent = ?1 AND account = ?2 AND withdrawn_at IS NOT NULL",
        (id.to_string(), account),
    )?;
    if withdrawn.is_some() || !is_on_record(db, id, subject, version)? {
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

/// All of an account, newest first.
pub(crate) fn of_account(db: &Connection, account: i64) -> rusqlite::Result<Vec<ConsentRecord>> {
    db.prepare(
        "SELECT id, subject, version, recorded_at, withdrawn_at FROM consents JOIN consent_accounts ON consent = id
         WHERE account = ?1 ORDER BY recorded_at DESC, id DESC",
    )?
    .query_map([account], |row| {
        let receipt = ConsentReceipt {
            id: from_word(&row.get::<_, String>(0)?)?,
            subject: from_word(&row.get::<_, String>(1)?)?,
            version: row.get(2)?,
            recorded_at: time(row.get(3)?),
        };
        Ok(ConsentRecord { receipt, withdrawn_at: row.get::<_, Option<i64>>(4)?.map(time) })
    })?
    .collect()
}

/// Notes that an account withdrew a consent, the first time it does; `false` where the account gave no such consent.
pub(crate) fn withdraw(db: &Connection, id: Uuid, account: i64, at: Timestamp) -> rusqlite::Result<bool> {
    let known = db.execute(
        "UPDATE consent_accounts SET withdrawn_at = coalesce(withdrawn_at, ?3) WHERE consent = ?1 AND account = ?2",
        (id.to_string(), account, millis(at)),
    )?;
    Ok(known == 1)
}

/// Whether an account has a consent, of whatever version, that it did not withdraw.
pub(crate) fn stands(db: &Connection, account: i64, subject: ConsentSubject) -> rusqlite::Result<bool> {
    let found: Option<i64> = find(
        db,
        "SELECT 1 FROM consent_accounts JOIN consents ON id = consent
         WHERE account = ?1 AND subject = ?2 AND withdrawn_at IS NULL LIMIT 1",
        (account, word(subject)),
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
