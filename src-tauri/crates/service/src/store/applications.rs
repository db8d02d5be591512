//! Tables `applications`, `history`, `submissions`, `attachments`: one case and its story.

use certdesk_contract::{
    account::Circumstance,
    application::{Application, AttachmentRecord, FormSigner, HistoryEntry, Remark, Submission},
};
use certdesk_domain::{
    Business, RequirementId, State, Timestamp,
    form::{Handler, Particulars},
};
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use super::{from_json, from_word, json, millis, time, word};

/// One case, without its story and files.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) id: Uuid,
    pub(crate) account: i64,
    pub(crate) number: Option<String>,
    pub(crate) business: Business,
    pub(crate) state: State,
    pub(crate) handler: Option<Handler>,
    pub(crate) particulars: Particulars,
    /// 挂失: what happened to the key.
    pub(crate) circumstance: Option<Circumstance>,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) reason: Option<String>,
    pub(crate) subject: Option<String>,
}

impl Case {
    /// A case as it begins.
    pub(crate) fn new(id: Uuid, account: i64, business: Business, certificate: Option<String>) -> Self {
        Self {
            id,
            account,
            number: None,
            business,
            state: State::Draft,
            handler: None,
            particulars: Particulars { certificate, ..Particulars::default() },
            circumstance: None,
            remarks: Vec::new(),
            reason: None,
            subject: None,
        }
    }
}

/// Adds a case as [`Case::new`] makes it, with the first entry of its history.
pub(crate) fn add(db: &Connection, case: &Case, at: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO applications (id, account, business, state, particulars, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (case.id.to_string(), case.account, word(case.business), word(case.state), json(&case.particulars), millis(at)),
    )?;
    add_history(db, case.id, &HistoryEntry { state: case.state, at, note: None })
}

/// Writes everything that can change.
pub(crate) fn update(db: &Connection, case: &Case) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE applications SET number = ?2, state = ?3, handler = ?4, remarks = ?5, reason = ?6, subject = ?7,
           particulars = ?8, circumstance = ?9 WHERE id = ?1",
        (
            case.id.to_string(),
            &case.number,
            word(case.state),
            case.handler.as_ref().map(json),
            json(&case.remarks),
            &case.reason,
            &case.subject,
            json(&case.particulars),
            case.circumstance.map(word),
        ),
    )
    .map(drop)
}

pub(crate) fn by_id(db: &Connection, id: Uuid) -> rusqlite::Result<Option<Case>> {
    db.query_row(&format!("{SELECT} WHERE id = ?1"), [id.to_string()], read).optional()
}

pub(crate) fn by_number(db: &Connection, number: &str) -> rusqlite::Result<Option<Case>> {
    db.query_row(&format!("{SELECT} WHERE number = ?1"), [number], read).optional()
}

/// The case about a certificate that has not ended: one at most, by the table's own rule.
pub(crate) fn open_about(db: &Connection, serial: &str) -> rusqlite::Result<Option<Case>> {
    db.query_row(
        &format!(
            "{SELECT} WHERE json_extract(particulars, '$.certificate') = ?1
             AND state NOT IN ('completed', 'rejected', 'withdrawn')"
        ),
        [serial],
        read,
    )
    .optional()
}

/// The case of 注销 that ended with the certificate revoked.
pub(crate) fn revocation_of(db: &Connection, serial: &str) -> rusqlite::Result<Option<Case>> {
    db.query_row(
        &format!(
            "{SELECT} WHERE json_extract(particulars, '$.certificate') = ?1
             AND business = 'revoke' AND state = 'completed' ORDER BY created_at DESC LIMIT 1"
        ),
        [serial],
        read,
    )
    .optional()
}

/// Newest first.
pub(crate) fn of_account(db: &Connection, account: i64) -> rusqlite::Result<Vec<Case>> {
    db.prepare(&format!("{SELECT} WHERE account = ?1 ORDER BY created_at DESC, id DESC"))?
        .query_map([account], read)?
        .collect()
}

/// Everything ever handed in: what waits for the service first, oldest first within both.
pub(crate) fn handed_in(db: &Connection) -> rusqlite::Result<Vec<Case>> {
    db.prepare(&format!(
        "{SELECT} WHERE number IS NOT NULL ORDER BY state NOT IN ('submitted', 'in_review'), created_at, id"
    ))?
    .query_map([], read)?
    .collect()
}

pub(crate) fn count_in_state(db: &Connection, account: i64, state: State) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM applications WHERE account = ?1 AND state = ?2", (account, word(state)), |row| {
        row.get(0)
    })
}

/// Cases an account opened since then.
pub(crate) fn count_since(db: &Connection, account: i64, since: Timestamp) -> rusqlite::Result<u32> {
    db.query_row(
        "SELECT count(*) FROM applications WHERE account = ?1 AND created_at > ?2",
        (account, millis(since)),
        |row| row.get(0),
    )
}

pub(crate) fn add_history(db: &Connection, id: Uuid, entry: &HistoryEntry) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO history (application, state, at, note) VALUES (?1, ?2, ?3, ?4)",
        (id.to_string(), word(entry.state), millis(entry.at), &entry.note),
    )
    .map(drop)
}

/// Whether a case reached a state at this very instant.
pub(crate) fn was_in_state_at(db: &Connection, id: Uuid, state: State, at: Timestamp) -> rusqlite::Result<bool> {
    let found: Option<i64> = super::find(
        db,
        "SELECT 1 FROM history WHERE application = ?1 AND state = ?2 AND at = ?3",
        (id.to_string(), word(state), millis(at)),
    )?;
    Ok(found.is_some())
}

/// Keeps a submission as it came and makes its files the case's files.
pub(crate) fn add_submission(
    db: &Connection,
    id: Uuid,
    submission: &Submission,
    at: Timestamp,
) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO submissions (application, at, body) VALUES (?1, ?2, ?3)",
        (id.to_string(), millis(at), json(submission)),
    )?;
    db.execute("DELETE FROM attachments WHERE application = ?1", [id.to_string()])?;
    for (place, attachment) in submission.attachments.iter().enumerate() {
        db.execute(
            "INSERT INTO attachments (application, place, requirement, upload) VALUES (?1, ?2, ?3, ?4)",
            (id.to_string(), place, &attachment.requirement.0, attachment.upload.to_string()),
        )?;
    }
    Ok(())
}

/// Notes whose key signed a file of the latest submission.
pub(crate) fn set_signed_by(db: &Connection, id: Uuid, upload: Uuid, signer: &FormSigner) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE attachments SET signed_by = ?3 WHERE application = ?1 AND upload = ?2",
        (id.to_string(), upload.to_string(), json(signer)),
    )
    .map(drop)
}

/// What was handed in last, once something was.
pub(crate) fn last_submission(db: &Connection, id: Uuid) -> rusqlite::Result<Option<Submission>> {
    db.query_row(
        "SELECT body FROM submissions WHERE application = ?1 ORDER BY id DESC LIMIT 1",
        [id.to_string()],
        |row| from_json(&row.get::<_, String>(0)?),
    )
    .optional()
}

/// How often a case was handed in.
pub(crate) fn count_submissions(db: &Connection, id: Uuid) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM submissions WHERE application = ?1", [id.to_string()], |row| row.get(0))
}

/// The files of the latest submission.
pub(crate) fn attachments(db: &Connection, id: Uuid) -> rusqlite::Result<Vec<AttachmentRecord>> {
    db.prepare(
        "SELECT a.requirement, a.upload, u.file_name, u.length, u.sha256, a.signed_by
         FROM attachments a JOIN uploads u ON u.id = a.upload WHERE a.application = ?1 ORDER BY a.place",
    )?
    .query_map([id.to_string()], |row| {
        Ok(AttachmentRecord {
            requirement: RequirementId(row.get(0)?),
            upload: from_word(&row.get::<_, String>(1)?)?,
            file_name: row.get(2)?,
            bytes: row.get(3)?,
            sha256: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            signed_by: row.get::<_, Option<String>>(5)?.map(|text| from_json(&text)).transpose()?,
        })
    })?
    .collect()
}

/// The case as the contract tells it.
pub(crate) fn view(db: &Connection, case: Case) -> rusqlite::Result<Application> {
    let history = db
        .prepare("SELECT state, at, note FROM history WHERE application = ?1 ORDER BY id")?
        .query_map([case.id.to_string()], |row| {
            Ok(HistoryEntry { state: from_word(&row.get::<_, String>(0)?)?, at: time(row.get(1)?), note: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(Application {
        id: case.id,
        number: case.number,
        business: case.business,
        state: case.state,
        next_actor: case.state.next_actor(),
        handler: case.handler,
        particulars: case.particulars,
        submissions: count_submissions(db, case.id)?,
        receipts: super::evidence::of_application(db, case.id)?,
        attachments: attachments(db, case.id)?,
        remarks: case.remarks,
        reason: case.reason,
        history,
        certificate_subject: case.subject,
    })
}

const SELECT: &str = "SELECT id, account, number, business, state, handler, remarks, reason, subject, particulars,
    circumstance FROM applications";

fn read(row: &Row<'_>) -> rusqlite::Result<Case> {
    let handler: Option<String> = row.get(5)?;
    let circumstance: Option<String> = row.get(10)?;
    Ok(Case {
        id: from_word(&row.get::<_, String>(0)?)?,
        account: row.get(1)?,
        number: row.get(2)?,
        business: from_word(&row.get::<_, String>(3)?)?,
        state: from_word(&row.get::<_, String>(4)?)?,
        handler: handler.map(|text| from_json(&text)).transpose()?,
        remarks: from_json(&row.get::<_, String>(6)?)?,
        reason: row.get(7)?,
        subject: row.get(8)?,
        particulars: from_json(&row.get::<_, String>(9)?)?,
        circumstance: circumstance.map(|word| from_word(&word)).transpose()?,
    })
}
