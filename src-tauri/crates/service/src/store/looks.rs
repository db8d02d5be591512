//! Table `looks`: which case each member of staff is at, so that two do not work on one without knowing.

use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::{from_json, from_word, json, millis, time};

/// Where one member of staff is.
#[derive(Clone)]
pub(crate) struct Look {
    pub(crate) application: Uuid,
    pub(crate) seen_at: Timestamp,
    /// Whether personal data is shown whole.
    pub(crate) revealed: bool,
    /// Uploads that were looked at.
    pub(crate) files: Vec<Uuid>,
}

pub(crate) fn of(db: &Connection, staff: i64) -> rusqlite::Result<Option<Look>> {
    db.query_row("SELECT application, seen_at, revealed, files FROM looks WHERE staff = ?1", [staff], |row| {
        Ok(Look {
            application: from_word(&row.get::<_, String>(0)?)?,
            seen_at: time(row.get(1)?),
            revealed: row.get(2)?,
            files: from_json(&row.get::<_, String>(3)?)?,
        })
    })
    .optional()
}

pub(crate) fn set(db: &Connection, staff: i64, look: &Look) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO looks (staff, application, seen_at, revealed, files) VALUES (?1, ?2, ?3, ?4, ?5)",
        (staff, look.application.to_string(), millis(look.seen_at), look.revealed, json(&look.files)),
    )
    .map(drop)
}

pub(crate) fn end(db: &Connection, staff: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM looks WHERE staff = ?1", [staff]).map(drop)
}

/// Who has looked at what since then: case, id of the member, their name for people, and when.
pub(crate) fn since(db: &Connection, at: Timestamp) -> rusqlite::Result<Vec<(Uuid, i64, String, Timestamp)>> {
    db.prepare(
        "SELECT l.application, s.id, s.display_name, l.seen_at FROM looks l JOIN staff s ON s.id = l.staff
         WHERE l.seen_at >= ?1 ORDER BY l.seen_at DESC",
    )?
    .query_map([millis(at)], |row| {
        Ok((from_word(&row.get::<_, String>(0)?)?, row.get(1)?, row.get(2)?, time(row.get(3)?)))
    })?
    .collect()
}
