//! Tables `staff` and `staff_sessions`. The session's token itself is never stored, only its SHA-256.

use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{from_word, millis, time, word};
use crate::staff::Role;

/// One member of staff.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
    /// PHC string.
    pub(crate) password: String,
    pub(crate) must_change: bool,
    pub(crate) disabled_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
}

/// Adds a member; `false` where the name is taken.
pub(crate) fn add(db: &Connection, member: &Member) -> rusqlite::Result<bool> {
    let added = db.execute(
        "INSERT INTO staff (name, display_name, role, password, must_change, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO NOTHING",
        (
            &member.name,
            &member.display_name,
            word(member.role),
            &member.password,
            member.must_change,
            millis(member.created_at),
        ),
    )?;
    Ok(added == 1)
}

pub(crate) fn by_name(db: &Connection, name: &str) -> rusqlite::Result<Option<Member>> {
    db.query_row(&format!("{SELECT} WHERE name = ?1"), [name], read).optional()
}

pub(crate) fn by_id(db: &Connection, id: i64) -> rusqlite::Result<Member> {
    db.query_row(&format!("{SELECT} WHERE id = ?1"), [id], read)
}

pub(crate) fn all(db: &Connection) -> rusqlite::Result<Vec<Member>> {
    db.prepare(&format!("{SELECT} ORDER BY name"))?.query_map([], read)?.collect()
}

pub(crate) fn set_disabled(db: &Connection, id: i64, at: Option<Timestamp>) -> rusqlite::Result<()> {
    db.execute("UPDATE staff SET disabled_at = ?2 WHERE id = ?1", (id, at.map(millis))).map(drop)
}

pub(crate) fn set_password(db: &Connection, id: i64, password: &str, must_change: bool) -> rusqlite::Result<()> {
    db.execute("UPDATE staff SET password = ?2, must_change = ?3 WHERE id = ?1", (id, password, must_change)).map(drop)
}

/// One session of a member of staff.
#[derive(Clone)]
pub(crate) struct StaffSession {
    pub(crate) staff: i64,
    pub(crate) started_at: Timestamp,
    pub(crate) seen_at: Timestamp,
}

pub(crate) fn add_session(db: &Connection, token_hash: &[u8], session: &StaffSession) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO staff_sessions (token_hash, staff, started_at, seen_at) VALUES (?1, ?2, ?3, ?4)",
        (token_hash, session.staff, millis(session.started_at), millis(session.seen_at)),
    )
    .map(drop)
}

pub(crate) fn session(db: &Connection, token_hash: &[u8]) -> rusqlite::Result<Option<StaffSession>> {
    db.query_row("SELECT staff, started_at, seen_at FROM staff_sessions WHERE token_hash = ?1", [token_hash], |row| {
        Ok(StaffSession { staff: row.get(0)?, started_at: time(row.get(1)?), seen_at: time(row.get(2)?) })
    })
    .optional()
}

pub(crate) fn seen(db: &Connection, token_hash: &[u8], at: Timestamp) -> rusqlite::Result<()> {
    db.execute("UPDATE staff_sessions SET seen_at = ?2 WHERE token_hash = ?1", (token_hash, millis(at))).map(drop)
}

pub(crate) fn end_session(db: &Connection, token_hash: &[u8]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM staff_sessions WHERE token_hash = ?1", [token_hash]).map(drop)
}

/// Ends all sessions of a member.
pub(crate) fn end_sessions(db: &Connection, staff: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM staff_sessions WHERE staff = ?1", [staff]).map(drop)
}

pub(crate) fn forget_sessions_seen_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM staff_sessions WHERE seen_at < ?1", [millis(at)]).map(drop)
}

const SELECT: &str = "SELECT id, name, display_name, role, password, must_change, disabled_at, created_at FROM staff";

fn read(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        id: row.get(0)?,
        name: row.get(1)?,
        display_name: row.get(2)?,
        role: from_word(&row.get::<_, String>(3)?)?,
        password: row.get(4)?,
        must_change: row.get(5)?,
        disabled_at: row.get::<_, Option<i64>>(6)?.map(time),
        created_at: time(row.get(7)?),
    })
}
