//! Table `drafts`: what is typed of a case that is not handed in, so that it can be gone on with on another computer.

use certdesk_contract::application::DraftContent;
use certdesk_domain::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use super::{find, from_json, json, millis};

pub(crate) fn of(db: &Connection, application: Uuid) -> rusqlite::Result<Option<DraftContent>> {
    let text: Option<String> =
        find(db, "SELECT content FROM drafts WHERE application = ?1", [application.to_string()])?;
    text.map(|text| from_json(&text)).transpose()
}

pub(crate) fn put(db: &Connection, application: Uuid, content: &DraftContent, at: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO drafts (application, content, changed_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET content = excluded.content, changed_at = excluded.changed_at",
        (application.to_string(), json(content), millis(at)),
    )
    .map(drop)
}

pub(crate) fn forget(db: &Connection, application: Uuid) -> rusqlite::Result<()> {
    db.execute("DELETE FROM drafts WHERE application = ?1", [application.to_string()]).map(drop)
}

/// Forgets what nobody went on with.
pub(crate) fn forget_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM drafts WHERE changed_at < ?1", [millis(at)]).map(drop)
}
