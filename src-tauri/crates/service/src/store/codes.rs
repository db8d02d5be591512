//! Tables `codes` and `code_times`: codes by SMS, hashed, and how often they were asked for.

use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::{millis, time};

/// A code that was sent.
pub(crate) struct CodeRow {
    pub(crate) phone: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) tries: u32,
    pub(crate) expires_at: Timestamp,
}

/// Keeps a code in place of the one that was in force.
pub(crate) fn put(db: &Connection, purpose: &str, account: i64, code: &CodeRow) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO codes (purpose, account, phone, hash, tries, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (purpose, account, &code.phone, &code.hash, code.tries, millis(code.expires_at)),
    )
    .map(drop)
}

pub(crate) fn of(db: &Connection, purpose: &str, account: i64) -> rusqlite::Result<Option<CodeRow>> {
    db.query_row(
        "SELECT phone, hash, tries, expires_at FROM codes WHERE purpose = ?1 AND account = ?2",
        (purpose, account),
        |row| Ok(CodeRow { phone: row.get(0)?, hash: row.get(1)?, tries: row.get(2)?, expires_at: time(row.get(3)?) }),
    )
    .optional()
}

pub(crate) fn count_try(db: &Connection, purpose: &str, account: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE codes SET tries = tries + 1 WHERE purpose = ?1 AND account = ?2", (purpose, account)).map(drop)
}

pub(crate) fn delete(db: &Connection, purpose: &str, account: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM codes WHERE purpose = ?1 AND account = ?2", (purpose, account)).map(drop)
}

/// Notes that something happened to an item.
pub(crate) fn note(db: &Connection, item: &[u8], at: Timestamp) -> rusqlite::Result<()> {
    db.execute("INSERT INTO code_times (item, at) VALUES (?1, ?2)", (item, millis(at))).map(drop)
}

/// How often that happened between two times, and when first.
pub(crate) fn between(
    db: &Connection,
    item: &[u8],
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<(u32, Option<Timestamp>)> {
    db.query_row(
        "SELECT count(*), min(at) FROM code_times WHERE item = ?1 AND at > ?2 AND at < ?3",
        (item, millis(from), millis(to)),
        |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(time))),
    )
}

pub(crate) fn forget_before(db: &Connection, day_ago: Timestamp, now: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM code_times WHERE at < ?1", [millis(day_ago)])?;
    db.execute("DELETE FROM codes WHERE expires_at < ?1", [millis(now)]).map(drop)
}
