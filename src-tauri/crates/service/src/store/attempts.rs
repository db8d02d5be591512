//! Table `attempts`: wrong passwords, by the hash of the name that was tried. Unknown names count like known ones, so
//! that a lock tells nobody whether an account exists.

use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::{millis, time};

/// What is remembered of a name.
#[derive(Clone, Copy)]
pub(crate) struct Attempts {
    pub(crate) wrong: u32,
    pub(crate) blocked_until: Timestamp,
    pub(crate) last_at: Timestamp,
}

pub(crate) fn of(db: &Connection, name_hash: &[u8]) -> rusqlite::Result<Option<Attempts>> {
    db.query_row("SELECT wrong, blocked_until, last_at FROM attempts WHERE name_hash = ?1", [name_hash], |row| {
        Ok(Attempts { wrong: row.get(0)?, blocked_until: time(row.get(1)?), last_at: time(row.get(2)?) })
    })
    .optional()
}

pub(crate) fn set(db: &Connection, name_hash: &[u8], attempts: Attempts) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO attempts (name_hash, wrong, blocked_until, last_at) VALUES (?1, ?2, ?3, ?4)",
        (name_hash, attempts.wrong, millis(attempts.blocked_until), millis(attempts.last_at)),
    )
    .map(drop)
}

pub(crate) fn forget(db: &Connection, name_hash: &[u8]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM attempts WHERE name_hash = ?1", [name_hash]).map(drop)
}

pub(crate) fn forget_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM attempts WHERE last_at < ?1", [millis(at)]).map(drop)
}
