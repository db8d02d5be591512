//! Table `catalogues`: every catalogue that was served.

use certdesk_contract::catalogue::Catalogue;
use certdesk_domain::Timestamp;
use rusqlite::Connection;

use super::{find, from_json, json, millis};

/// Keeps a catalogue; `false` where another one has the same version.
pub(crate) fn keep(db: &Connection, catalogue: &Catalogue, at: Timestamp) -> rusqlite::Result<bool> {
    let body = json(catalogue);
    db.execute(
        "INSERT INTO catalogues (version, body, served_at) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET served_at = ?3",
        (&catalogue.version, &body, millis(at)),
    )?;
    let kept: Option<String> = find(db, "SELECT body FROM catalogues WHERE version = ?1", [&catalogue.version])?;
    Ok(kept.as_deref() == Some(&body))
}

/// The one served last.
pub(crate) fn latest(db: &Connection) -> rusqlite::Result<Option<Catalogue>> {
    let body: Option<String> = find(db, "SELECT body FROM catalogues ORDER BY served_at DESC LIMIT 1", [])?;
    body.map(|body| from_json(&body)).transpose()
}
