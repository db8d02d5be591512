//! Table `audit`: rows are added, never changed.

use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Rows, Statement};
use uuid::Uuid;

use super::{millis, time};

/// One row as it lies there; whether it is what was written is for [`crate::audit`] to tell.
#[derive(Clone, Debug)]
pub(crate) struct AuditRow {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) act: String,
    /// Id of the case.
    pub(crate) application: Option<String>,
    pub(crate) submission: Option<u32>,
    /// JSON.
    pub(crate) details: String,
    /// [`AuditRow::hash`] of the row before.
    pub(crate) before: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

pub(crate) fn add(db: &Connection, row: &AuditRow) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO audit (number, at, actor, act, application, submission, details, before, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            row.number,
            millis(row.at),
            &row.actor,
            &row.act,
            &row.application,
            row.submission,
            &row.details,
            &row.before,
            &row.hash,
        ),
    )
    .map(drop)
}

/// Number and hash of the newest row.
pub(crate) fn head(db: &Connection) -> rusqlite::Result<Option<(u64, Vec<u8>)>> {
    db.query_row("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .optional()
}

/// All rows, oldest first: prepare with this, read with [`each`].
pub(crate) fn all(db: &Connection) -> rusqlite::Result<Statement<'_>> {
    db.prepare(&format!("{SELECT} ORDER BY number"))
}

/// The next row of [`all`].
pub(crate) fn each(rows: &mut Rows<'_>) -> rusqlite::Result<Option<AuditRow>> {
    rows.next()?.map(read).transpose()
}

/// Rows of a case, oldest first.
pub(crate) fn of_application(db: &Connection, application: Uuid) -> rusqlite::Result<Vec<AuditRow>> {
    db.prepare(&format!("{SELECT} WHERE application = ?1 ORDER BY number"))?
        .query_map([application.to_string()], read)?
        .collect()
}

/// So many rows below a number, newest first.
pub(crate) fn below(db: &Connection, number: u64, most: u32) -> rusqlite::Result<Vec<AuditRow>> {
    db.prepare(&format!("{SELECT} WHERE number < ?1 ORDER BY number DESC LIMIT ?2"))?
        .query_map((number.min(i64::MAX as u64), most), read)?
        .collect()
}

const SELECT: &str = "SELECT number, at, actor, act, application, submission, details, before, hash FROM audit";

fn read(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        number: row.get(0)?,
        at: time(row.get(1)?),
        actor: row.get(2)?,
        act: row.get(3)?,
        application: row.get(4)?,
        submission: row.get(5)?,
        details: row.get(6)?,
        before: row.get(7)?,
        hash: row.get(8)?,
    })
}
