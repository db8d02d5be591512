//! Table `idempotency`: answers kept with their act, in the same transaction.

use certdesk_contract::ProblemCode;
use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{from_json, json, millis};
use crate::failure::Outcome;

/// A request under its key.
pub(crate) struct Keyed {
    /// Whose keys it is among.
    pub(crate) owner: String,
    pub(crate) key: Uuid,
    /// Keyed hash of what the request is known by.
    pub(crate) request: Vec<u8>,
}

/// The answer this request got before, if it was here since then.
///
/// # Errors
/// `idempotency_mismatch` where another request was here under this key.
pub(crate) fn answer<T: DeserializeOwned>(db: &Connection, keyed: &Keyed, since: Timestamp) -> Outcome<Option<T>> {
    let kept: Option<(Vec<u8>, String)> = db
        .query_row(
            "SELECT request, answer FROM idempotency WHERE owner = ?1 AND key = ?2 AND created_at >= ?3",
            (&keyed.owner, keyed.key.to_string(), millis(since)),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match kept {
        None => Ok(None),
        Some((request, _)) if request != keyed.request => Err(ProblemCode::IdempotencyMismatch.into()),
        Some((_, answer)) => Ok(Some(from_json(&answer)?)),
    }
}

pub(crate) fn keep<T: Serialize>(db: &Connection, keyed: &Keyed, answer: &T, at: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO idempotency (owner, key, request, answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (&keyed.owner, keyed.key.to_string(), &keyed.request, json(answer), millis(at)),
    )
    .map(drop)
}

/// How many answers are kept for one owner.
pub(crate) fn count(db: &Connection, owner: &str) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM idempotency WHERE owner = ?1", [owner], |row| row.get(0))
}

pub(crate) fn forget_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM idempotency WHERE created_at < ?1", [millis(at)]).map(drop)
}
