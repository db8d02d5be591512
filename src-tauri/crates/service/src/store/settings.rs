//! Table `settings`: what the service was started with and the commands beside it must know too.

use rusqlite::Connection;

use super::find;

/// Whether approving or rejecting needs two members of staff.
const TWO_PERSONS: &str = "two_persons";

pub(crate) fn two_persons(db: &Connection) -> rusqlite::Result<bool> {
    let value: Option<String> = find(db, "SELECT value FROM settings WHERE name = ?1", [TWO_PERSONS])?;
    Ok(value.as_deref() == Some("on"))
}

pub(crate) fn set_two_persons(db: &Connection, on: bool) -> rusqlite::Result<()> {
    let value = if on { "on" } else { "off" };
    db.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", (TWO_PERSONS, value)).map(drop)
}
