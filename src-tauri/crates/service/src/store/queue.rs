//! The reviewers' queue: what was handed in, over the tables of applications and accounts.

use certdesk_contract::{account::Circumstance, application::Submission};
use certdesk_domain::{Business, State, Timestamp};
use rusqlite::Connection;
use uuid::Uuid;

use super::{find, from_json, from_word, time, word};

/// What is asked for.
#[derive(Clone, Default)]
pub(crate) struct Wanted {
    /// Only what waits for the service.
    pub(crate) waiting: bool,
    pub(crate) state: Option<State>,
    pub(crate) business: Option<Business>,
    /// Part of the number, of the unit's name or of the person's.
    pub(crate) search: Option<String>,
}

/// One line of the queue.
pub(crate) struct Queued {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    pub(crate) business: Business,
    pub(crate) state: State,
    /// Name of the unit; of a person their own.
    pub(crate) applicant: String,
    pub(crate) is_person: bool,
    /// When it was handed in last.
    pub(crate) handed_in: Timestamp,
    pub(crate) submissions: u32,
    /// What happened to the key, where it was reported.
    pub(crate) circumstance: Option<Circumstance>,
    /// Who gave the first of two decisions about what was handed in last.
    pub(crate) first: Option<String>,
}

/// One page: what waits for the service first, of that revocations first, and then the oldest first. Answers how many
/// lines there are on all pages, too.
pub(crate) fn page(db: &Connection, wanted: &Wanted, skip: u32, most: u32) -> rusqlite::Result<(Vec<Queued>, u32)> {
    let search = wanted.search.as_ref().map(|text| format!("%{}%", literal(text)));
    let parameters = (wanted.waiting, wanted.state.map(word), wanted.business.map(word), search.as_deref(), skip, most);
    let total =
        db.query_row(&format!("SELECT count(*) {MATCHING} AND ?5 >= 0 AND ?6 >= 0"), parameters.clone(), |row| {
            row.get(0)
        })?;
    let lines = db
        .prepare(&format!(
            "SELECT a.id, a.number, a.business, a.state,
               coalesce(json_extract(c.registration, '$.organisation.name'), json_extract(c.registration, '$.contact.name')),
               json_extract(c.registration, '$.organisation') IS NULL,
               coalesce((SELECT max(at) FROM submissions WHERE application = a.id), a.created_at) AS handed_in,
               (SELECT count(*) FROM submissions WHERE application = a.id) AS submissions, f.submissions, f.actor, a.circumstance
             {MATCHING}
             ORDER BY a.state IN {WAITING} DESC, a.state IN {WAITING} AND a.business = 'revoke' DESC, handed_in, a.id
             LIMIT ?6 OFFSET ?5"
        ))?
        .query_map(parameters, |row| {
            let state: State = from_word(&row.get::<_, String>(3)?)?;
            let submissions: u32 = row.get(7)?;
            let is_current = row.get::<_, Option<u32>>(8)? == Some(submissions) && super::word(state) == "in_review";
            Ok(Queued {
                id: from_word(&row.get::<_, String>(0)?)?,
                number: row.get(1)?,
                business: from_word(&row.get::<_, String>(2)?)?,
                state,
                applicant: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                is_person: row.get(5)?,
                handed_in: time(row.get(6)?),
                submissions,
                circumstance: row.get::<_, Option<String>>(10)?.map(|word| from_word(&word)).transpose()?,
                first: row.get::<_, Option<String>>(9)?.filter(|_| is_current),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok((lines, total))
}

/// What was handed in before the latest submission.
pub(crate) fn submission_before(db: &Connection, application: Uuid) -> rusqlite::Result<Option<Submission>> {
    let body: Option<String> = find(
        db,
        "SELECT body FROM submissions WHERE application = ?1 ORDER BY id DESC LIMIT 1 OFFSET 1",
        [application.to_string()],
    )?;
    body.map(|body| from_json(&body)).transpose()
}

const WAITING: &str = "('submitted', 'in_review')";

const MATCHING: &str = "FROM applications a JOIN accounts c ON c.id = a.account
    LEFT JOIN first_decisions f ON f.application = a.id
    WHERE a.number IS NOT NULL AND (NOT ?1 OR a.state IN ('submitted', 'in_review'))
      AND (?2 IS NULL OR a.state = ?2) AND (?3 IS NULL OR a.business = ?3)
      AND (?4 IS NULL OR a.number LIKE ?4 ESCAPE '\\'
        OR coalesce(json_extract(c.registration, '$.organisation.name'), json_extract(c.registration, '$.contact.name')) LIKE ?4 ESCAPE '\\')";

/// Text that LIKE takes as it is.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
