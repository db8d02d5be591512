//! Table `challenges`: nonces of token logins, each good once.

use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::{millis, time};

/// One nonce that was given out.
pub(crate) struct ChallengeRow {
    /// RFC 7638 thumbprint of the session key it was given to.
    pub(crate) thumbprint: String,
    pub(crate) expires_at: Timestamp,
}

pub(crate) fn add(db: &Connection, nonce: &str, challenge: &ChallengeRow) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO challenges (nonce, thumbprint, expires_at) VALUES (?1, ?2, ?3)",
        (nonce, &challenge.thumbprint, millis(challenge.expires_at)),
    )
    .map(drop)
}

/// Takes a nonce: the second time it is not there any more.
pub(crate) fn take(db: &Connection, nonce: &str) -> rusqlite::Result<Option<ChallengeRow>> {
    db.query_row("DELETE FROM challenges WHERE nonce = ?1 RETURNING thumbprint, expires_at", [nonce], |row| {
        Ok(ChallengeRow { thumbprint: row.get(0)?, expires_at: time(row.get(1)?) })
    })
    .optional()
}

pub(crate) fn forget_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM challenges WHERE expires_at < ?1", [millis(at)]).map(drop)
}
