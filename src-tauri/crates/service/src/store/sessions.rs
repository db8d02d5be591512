//! Table `sessions`. The access token itself is never stored, only its SHA-256.

use certdesk_contract::session::{Jwk, SessionKind};
use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::{from_json, from_word, json, millis, time, word};

/// One session.
#[derive(Clone)]
pub(crate) struct SessionRow {
    pub(crate) account: i64,
    pub(crate) kind: SessionKind,
    /// Serial number of the certificate that logged in.
    pub(crate) serial: Option<String>,
    /// What signs its requests; `None` where the service lets sessions do without.
    pub(crate) key: Option<Jwk>,
    pub(crate) started_at: Timestamp,
    pub(crate) seen_at: Timestamp,
}

pub(crate) fn add(db: &Connection, token_hash: &[u8], session: &SessionRow) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO sessions (token_hash, account, kind, serial, started_at, seen_at, session_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            token_hash,
            session.account,
            word(session.kind),
            &session.serial,
            millis(session.started_at),
            millis(session.seen_at),
            session.key.as_ref().map(json),
        ),
    )
    .map(drop)
}

pub(crate) fn find(db: &Connection, token_hash: &[u8]) -> rusqlite::Result<Option<SessionRow>> {
    db.query_row(
        "SELECT account, kind, serial, started_at, seen_at, session_key FROM sessions WHERE token_hash = ?1",
        [token_hash],
        |row| {
            Ok(SessionRow {
                account: row.get(0)?,
                kind: from_word(&row.get::<_, String>(1)?)?,
                serial: row.get(2)?,
                started_at: time(row.get(3)?),
                seen_at: time(row.get(4)?),
                key: row.get::<_, Option<String>>(5)?.map(|key| from_json(&key)).transpose()?,
            })
        },
    )
    .optional()
}

pub(crate) fn seen(db: &Connection, token_hash: &[u8], at: Timestamp) -> rusqlite::Result<()> {
    db.execute("UPDATE sessions SET seen_at = ?2 WHERE token_hash = ?1", (token_hash, millis(at))).map(drop)
}

/// Makes a session by key one by password.
pub(crate) fn leave_key(db: &Connection, token_hash: &[u8]) -> rusqlite::Result<()> {
    let kind = word(SessionKind::Password);
    db.execute("UPDATE sessions SET kind = ?2, serial = NULL WHERE token_hash = ?1", (token_hash, kind)).map(drop)
}

pub(crate) fn end(db: &Connection, token_hash: &[u8]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM sessions WHERE token_hash = ?1", [token_hash]).map(drop)
}

/// Ends all sessions of an account but one.
pub(crate) fn end_others(db: &Connection, account: i64, token_hash: &[u8]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM sessions WHERE account = ?1 AND token_hash <> ?2", (account, token_hash)).map(drop)
}

/// Ends all sessions of an account.
pub(crate) fn end_all(db: &Connection, account: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM sessions WHERE account = ?1", [account]).map(drop)
}

pub(crate) fn forget_seen_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM sessions WHERE seen_at < ?1", [millis(at)]).map(drop)
}
