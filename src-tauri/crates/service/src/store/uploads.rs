//! Table `uploads`. A row's `received` never runs ahead of the bytes that are safely in its file.

use certdesk_domain::{FileKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use super::{from_json, from_word, json, millis, time};

/// How far an upload has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadState {
    /// Takes bytes.
    Open,
    /// All bytes are here and are what was announced.
    Complete,
    /// Expired, terminated or spoiled; the file is gone or going.
    Gone,
}

/// One upload.
#[derive(Clone)]
pub(crate) struct UploadRow {
    pub(crate) id: Uuid,
    pub(crate) account: i64,
    pub(crate) application: Uuid,
    pub(crate) requirement: String,
    pub(crate) file_name: String,
    /// Kinds of file the requirement takes.
    pub(crate) kinds: Vec<FileKind>,
    pub(crate) length: u64,
    pub(crate) received: u64,
    /// `Upload-Metadata` as it came.
    pub(crate) metadata: String,
    /// SHA-256 the client announced, lower-case hex.
    pub(crate) announced: Option<String>,
    pub(crate) state: UploadState,
    pub(crate) expires_at: Timestamp,
}

pub(crate) fn add(db: &Connection, upload: &UploadRow) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO uploads (id, account, application, requirement, file_name, kinds, length, received, metadata, announced, state, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        rusqlite::params![
            upload.id.to_string(),
            upload.account,
            upload.application.to_string(),
            upload.requirement,
            upload.file_name,
            json(&upload.kinds),
            upload.length,
            upload.received,
            upload.metadata,
            upload.announced,
            state_word(upload.state),
            millis(upload.expires_at),
        ],
    )
    .map(drop)
}

pub(crate) fn by_id(db: &Connection, id: Uuid) -> rusqlite::Result<Option<UploadRow>> {
    db.query_row(&format!("{SELECT} WHERE id = ?1"), [id.to_string()], read).optional()
}

/// Counts bytes as received. `sha256` is told with the last of them. `false` where the upload moved on meanwhile.
pub(crate) fn advance(
    db: &Connection,
    upload: &UploadRow,
    received: u64,
    sha256: Option<&str>,
    expires_at: Timestamp,
) -> rusqlite::Result<bool> {
    let state = if sha256.is_some() { UploadState::Complete } else { UploadState::Open };
    let changed = db.execute(
        "UPDATE uploads SET received = ?3, sha256 = ?4, state = ?5, expires_at = ?6
         WHERE id = ?1 AND received = ?2 AND state = 'open'",
        (upload.id.to_string(), upload.received, received, sha256, state_word(state), millis(expires_at)),
    )?;
    Ok(changed == 1)
}

pub(crate) fn set_gone(db: &Connection, id: Uuid) -> rusqlite::Result<()> {
    db.execute("UPDATE uploads SET state = 'gone' WHERE id = ?1", [id.to_string()]).map(drop)
}

/// How many uploads of a case are there.
pub(crate) fn count_of(db: &Connection, application: Uuid) -> rusqlite::Result<u32> {
    db.query_row(
        "SELECT count(*) FROM uploads WHERE application = ?1 AND state <> 'gone'",
        [application.to_string()],
        |row| row.get(0),
    )
}

/// How many bytes the uploads of an account may come to that are in no submission.
pub(crate) fn bytes_of(db: &Connection, account: i64) -> rusqlite::Result<u64> {
    db.query_row(
        "SELECT coalesce(sum(length), 0) FROM uploads WHERE account = ?1 AND state <> 'gone'
         AND NOT EXISTS (SELECT 1 FROM attachments WHERE upload = uploads.id)",
        [account],
        |row| row.get(0),
    )
}

/// Forgets uploads that are gone since long.
pub(crate) fn forget_gone_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "DELETE FROM uploads WHERE state = 'gone' AND expires_at < ?1
         AND NOT EXISTS (SELECT 1 FROM attachments WHERE upload = uploads.id)",
        [millis(at)],
    )
    .map(drop)
}

/// Ends the uploads of a case that nothing handed in names; their files are to be removed.
pub(crate) fn end_unused(db: &Connection, application: Uuid) -> rusqlite::Result<Vec<Uuid>> {
    let which = format!("application = ?1 AND state <> 'gone' AND NOT {HANDED_IN}");
    let unused = ids(db, &which, [application.to_string()])?;
    unused.iter().try_for_each(|upload| set_gone(db, *upload))?;
    Ok(unused)
}

/// Uploads past their time that nothing handed in refers to.
pub(crate) fn expired(db: &Connection, at: Timestamp) -> rusqlite::Result<Vec<Uuid>> {
    ids(db, &format!("state <> 'gone' AND expires_at < ?1 AND NOT {HANDED_IN}"), [millis(at)])
}

/// Whether any submission named this upload: then its file is evidence and stays.
pub(crate) fn is_handed_in(db: &Connection, id: Uuid) -> rusqlite::Result<bool> {
    db.query_row(&format!("SELECT {HANDED_IN} FROM uploads WHERE id = ?1"), [id.to_string()], |row| row.get(0))
}

const HANDED_IN: &str =
    "EXISTS (SELECT 1 FROM submissions s WHERE s.application = uploads.application AND instr(s.body, uploads.id))";

/// All uploads that have a file.
pub(crate) fn alive(db: &Connection) -> rusqlite::Result<Vec<Uuid>> {
    ids(db, "state <> 'gone'", [])
}

fn ids(db: &Connection, which: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<Vec<Uuid>> {
    db.prepare(&format!("SELECT id FROM uploads WHERE {which}"))?
        .query_map(parameters, |row| from_word(&row.get::<_, String>(0)?))?
        .collect()
}

const SELECT: &str = "SELECT id, account, application, requirement, file_name, kinds, length, received, metadata, announced, state, expires_at FROM uploads";

fn read(row: &Row<'_>) -> rusqlite::Result<UploadRow> {
    Ok(UploadRow {
        id: from_word(&row.get::<_, String>(0)?)?,
        account: row.get(1)?,
        application: from_word(&row.get::<_, String>(2)?)?,
        requirement: row.get(3)?,
        file_name: row.get(4)?,
        kinds: from_json(&row.get::<_, String>(5)?)?,
        length: row.get(6)?,
        received: row.get(7)?,
        metadata: row.get(8)?,
        announced: row.get(9)?,
        state: match row.get::<_, String>(10)?.as_str() {
            "open" => UploadState::Open,
            "complete" => UploadState::Complete,
            _ => UploadState::Gone,
        },
        expires_at: time(row.get(11)?),
    })
}

fn state_word(state: UploadState) -> &'static str {
    match state {
        UploadState::Open => "open",
        UploadState::Complete => "complete",
        UploadState::Gone => "gone",
    }
}
