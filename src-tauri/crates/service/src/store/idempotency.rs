//! Table `idempotency`: answers kept with their act, in the same transaction, so that a repeated request gets the
//! answer and not a second act.

use certdesk_contract::ProblemCode;
use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{from_json, json, millis};
use crate::failure::Outcome;

/// A request that may be repeated.
#[derive(Clone)]
pub(crate) struct Repeatable {
    /// What the key is unique in, for example `submission:<id>`.
    pub(crate) scope: String,
    pub(crate) key: Uuid,
    /// SHA-256 of the body.
    pub(crate) body_hash: [u8; 32],
}

/// The answer this request got before, if it was here before.
pub(crate) fn answer<T: DeserializeOwned>(db: &Connection, request: &Repeatable) -> Outcome<Option<T>> {
    let kept: Option<(Vec<u8>, String)> = db
        .query_row(
            "SELECT body_hash, answer FROM idempotency WHERE scope = ?1 AND key = ?2",
            (&request.scope, request.key.to_string()),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match kept {
        None => Ok(None),
        Some((hash, _)) if hash != request.body_hash => Err(ProblemCode::IdempotencyMismatch.into()),
        Some((_, answer)) => Ok(Some(from_json(&answer)?)),
    }
}

pub(crate) fn keep<T: Serialize>(
    db: &Connection,
    request: &Repeatable,
    answer: &T,
    at: Timestamp,
) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO idempotency (scope, key, body_hash, answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (&request.scope, request.key.to_string(), request.body_hash, json(answer), millis(at)),
    )
    .map(drop)
}

pub(crate) fn forget_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM idempotency WHERE created_at < ?1", [millis(at)]).map(drop)
}
