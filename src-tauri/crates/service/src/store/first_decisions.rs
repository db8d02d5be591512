//! Table `first_decisions`: the first of two, until the second.

use certdesk_contract::application::Review;
use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use uuid::Uuid;

use super::{from_json, json, millis, time};

/// A decision that waits for a second member of staff.
#[derive(Clone, Debug, Serialize)]
pub struct FirstDecision {
    /// Which submission was looked at.
    pub submissions: u32,
    /// Who decided.
    pub actor: String,
    /// What.
    pub review: Review,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
}

pub(crate) fn of(db: &Connection, application: Uuid) -> rusqlite::Result<Option<FirstDecision>> {
    db.query_row(
        "SELECT submissions, actor, review, at FROM first_decisions WHERE application = ?1",
        [application.to_string()],
        |row| {
            Ok(FirstDecision {
                submissions: row.get(0)?,
                actor: row.get(1)?,
                review: from_json(&row.get::<_, String>(2)?)?,
                at: time(row.get(3)?),
            })
        },
    )
    .optional()
}

pub(crate) fn set(db: &Connection, application: Uuid, first: &FirstDecision) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO first_decisions (application, submissions, actor, review, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (application.to_string(), first.submissions, &first.actor, json(&first.review), millis(first.at)),
    )
    .map(drop)
}

pub(crate) fn forget(db: &Connection, application: Uuid) -> rusqlite::Result<()> {
    db.execute("DELETE FROM first_decisions WHERE application = ?1", [application.to_string()]).map(drop)
}
