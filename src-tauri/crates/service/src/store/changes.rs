//! Table `changes`, which triggers write, and what is told of things page by page.

use rusqlite::{Connection, Row};

use super::{find, millis};
use certdesk_domain::Timestamp;

/// What a change is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Application,
    Certificate,
    Notice,
    Draft,
}

impl Kind {
    /// In the order in which everything is told.
    pub(crate) const ALL: [Self; 4] = [Self::Application, Self::Certificate, Self::Notice, Self::Draft];

    fn word(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Certificate => "certificate",
            Self::Notice => "notice",
            Self::Draft => "draft",
        }
    }
}

/// The place of the latest change of whatever account.
pub(crate) fn last_place(db: &Connection) -> rusqlite::Result<i64> {
    Ok(find(db, "SELECT seq FROM sqlite_sequence WHERE name = 'changes'", [])?.unwrap_or(0))
}

/// Changes up to this place are not remembered one by one.
pub(crate) fn forgotten_until(db: &Connection) -> rusqlite::Result<i64> {
    Ok(find(db, "SELECT value FROM counters WHERE name = 'changes_forgotten'", [])?.unwrap_or(0))
}

/// What changed of an account after a place: place, kind and name, in that order.
pub(crate) fn after(
    db: &Connection,
    account: i64,
    place: i64,
    most: usize,
) -> rusqlite::Result<Vec<(i64, Kind, String)>> {
    db.prepare_cached("SELECT place, kind, id FROM changes WHERE account = ?1 AND place > ?2 ORDER BY place LIMIT ?3")?
        .query_map((account, place, most), |row| {
            let word: String = row.get(1)?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word);
            Ok((row.get(0)?, kind.ok_or(rusqlite::Error::InvalidQuery)?, row.get(2)?))
        })?
        .collect()
}

/// Names of an account's things of one kind above a name, in their order: of cases and notices the oldest first.
pub(crate) fn names(
    db: &Connection,
    account: i64,
    kind: Kind,
    above: Option<&str>,
    most: usize,
) -> rusqlite::Result<Vec<String>> {
    let sql = match kind {
        Kind::Application => "SELECT id FROM applications WHERE account = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        Kind::Certificate => {
            "SELECT serial FROM certificates WHERE account = ?1 AND serial > ?2 ORDER BY serial LIMIT ?3"
        }
        Kind::Notice => "SELECT id FROM notices WHERE account = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        Kind::Draft => {
            "SELECT id FROM applications WHERE account = ?1 AND id > ?2
             AND EXISTS (SELECT 1 FROM drafts WHERE application = id) ORDER BY id LIMIT ?3"
        }
    };
    let read = |row: &Row<'_>| row.get(0);
    db.prepare_cached(sql)?.query_map((account, above.unwrap_or_default(), most), read)?.collect()
}

/// Certificates of an account whose record time alone changed between two times: their end, or the end of `grace` days
/// after it in which they could be renewed, lies there.
pub(crate) fn overtaken(
    db: &Connection,
    account: i64,
    grace_days: u16,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(
        "SELECT serial FROM certificates WHERE account = ?1 AND status <> 'revoked'
         AND (not_after >= ?2 AND not_after < ?3 OR not_after + ?4 >= ?2 AND not_after + ?4 < ?3) ORDER BY serial",
    )?
    .query_map((account, millis(from), millis(to), i64::from(grace_days) * 86_400_000), |row| row.get(0))?
    .collect()
}

/// Forgets changes of longer ago than so many days, by the clock that wrote them.
pub(crate) fn forget_older_than(db: &Connection, days: i64) -> rusqlite::Result<()> {
    forget(db, "at < (unixepoch() - ?1 * 86400) * 1000", days)
}

/// Forgets all there is: whoever asks is told everything.
pub(crate) fn forget_all(db: &Connection) -> rusqlite::Result<()> {
    forget(db, "place > ?1", 0)
}

fn forget(db: &Connection, which: &str, parameter: i64) -> rusqlite::Result<()> {
    db.execute(
        &format!(
            "INSERT INTO counters (name, value)
             SELECT 'changes_forgotten', place FROM (SELECT max(place) AS place FROM changes WHERE {which})
             WHERE place IS NOT NULL
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
        ),
        [parameter],
    )?;
    db.execute(&format!("DELETE FROM changes WHERE {which}"), [parameter]).map(drop)
}
