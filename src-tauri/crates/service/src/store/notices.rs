//! Table `notices`.

use certdesk_contract::notice::{MOST, Notice, NoticeSubject};
use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use super::{from_json, from_word, json, millis, time};

/// Adds a notice, unread. `once`: what it is the only notice of; where that is known already, nothing happens.
pub(crate) fn add(
    db: &Connection,
    account: i64,
    subject: &NoticeSubject,
    once: Option<&str>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO notices (id, account, at, subject, once) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (once) DO NOTHING",
        (Uuid::now_v7().to_string(), account, millis(at), json(subject), once),
    )
    .map(drop)
}

/// Whether there is, or was lately, a notice of that.
pub(crate) fn is_known(db: &Connection, once: &str) -> rusqlite::Result<bool> {
    let found: Option<i64> = super::find(db, "SELECT 1 FROM notices WHERE once = ?1", [once])?;
    Ok(found.is_some())
}

/// Takes back what was said of a case at this very instant: a later state has come over it.
pub(crate) fn take_back(db: &Connection, application: Uuid, at: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "DELETE FROM notices WHERE at = ?2 AND json_extract(subject, '$.application') = ?1
         AND account = (SELECT account FROM applications WHERE id = ?1)",
        (application.to_string(), millis(at)),
    )
    .map(drop)
}

/// Newest first.
pub(crate) fn of_account(db: &Connection, account: i64) -> rusqlite::Result<Vec<Notice>> {
    db.prepare(&format!("{SHOWN} ORDER BY at DESC, id DESC LIMIT ?2"))?.query_map((account, MOST), read)?.collect()
}

/// One of an account's, where it is shown.
pub(crate) fn shown(db: &Connection, account: i64, id: Uuid) -> rusqlite::Result<Option<Notice>> {
    db.prepare_cached(&format!("{SHOWN} AND id = ?2"))?.query_row((account, id.to_string()), read).optional()
}

/// A reminder of a certificate that was succeeded or revoked since is none any more.
const SHOWN: &str = "SELECT id, at, read, subject FROM notices WHERE account = ?1
    AND NOT (json_extract(subject, '$.kind') = 'expiry' AND EXISTS (
      SELECT 1 FROM certificates WHERE serial = json_extract(subject, '$.serial')
      AND (status = 'revoked' OR successor IS NOT NULL)))";

fn read(row: &Row<'_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        id: from_word(&row.get::<_, String>(0)?)?,
        at: time(row.get(1)?),
        read: row.get(2)?,
        subject: from_json::<NoticeSubject>(&row.get::<_, String>(3)?)?,
    })
}

/// Notes that its reader has seen one; another's is left alone.
pub(crate) fn set_read(db: &Connection, account: i64, id: Uuid) -> rusqlite::Result<()> {
    db.execute("UPDATE notices SET read = 1 WHERE id = ?2 AND account = ?1", (account, id.to_string())).map(drop)
}

pub(crate) fn forget_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM notices WHERE at < ?1", [millis(at)]).map(drop)
}
