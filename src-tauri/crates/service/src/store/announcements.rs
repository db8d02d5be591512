//! Tables `announcements` and `announcement_grams`: what is public of a revocation, and how it is found.

use certdesk_contract::announcement::Announcement;
use rusqlite::{Connection, Row, types::Value};

use super::{find, from_word, millis, time, word};

/// Which announcements are asked for. All of it must fit.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) name: Option<String>,
    /// First digits of the serial number, lower-case hex.
    pub(crate) serial: Option<String>,
    /// Numbers from here on.
    pub(crate) least: Option<i64>,
    /// Numbers below this.
    pub(crate) below: Option<i64>,
}

pub(crate) fn add(db: &Connection, announcement: &Announcement) -> rusqlite::Result<()> {
    let number: i64 = db.query_row(
        "INSERT INTO announcements (serial, subject, revoked_at, reason, crl_number)
         VALUES (?1, ?2, ?3, ?4, ?5) RETURNING number",
        (
            &announcement.serial,
            &announcement.subject,
            millis(announcement.revoked_at),
            word(announcement.reason),
            announcement.crl_number,
        ),
        |row| row.get(0),
    )?;
    let grams = grams(&announcement.subject).join(" ");
    db.execute("INSERT INTO announcement_grams (rowid, grams) VALUES (?1, ?2)", (number, grams)).map(drop)
}

/// Time of the latest one, milliseconds.
pub(crate) fn latest(db: &Connection) -> rusqlite::Result<Option<i64>> {
    find(db, "SELECT revoked_at FROM announcements ORDER BY number DESC LIMIT 1", ())
}

/// Number of the first one at or after a time, milliseconds. `None`: there is none.
pub(crate) fn first_since(db: &Connection, at: i64) -> rusqlite::Result<Option<i64>> {
    find(db, "SELECT number FROM announcements WHERE revoked_at >= ?1 ORDER BY revoked_at, number LIMIT 1", [at])
}

/// Newest first, with their numbers.
pub(crate) fn page(db: &Connection, wanted: &Wanted, most: usize) -> rusqlite::Result<Vec<(i64, Announcement)>> {
    let mut conditions = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    // Numbers lie in one column or the other, so that each table finds its place without the other's help.
    let grams = wanted.name.as_deref().map(question);
    let number = if grams.is_some() { "g.rowid" } else { "a.number" };
    if let Some(least) = wanted.least {
        conditions.push(format!("{number} >= ?"));
        values.push(least.into());
    }
    if let Some(below) = wanted.below {
        conditions.push(format!("{number} < ?"));
        values.push(below.into());
    }
    if let Some(serial) = &wanted.serial {
        // `g` comes after every hex digit. The plus keeps the order of numbers from being the way to look.
        conditions.push("a.serial >= ? AND a.serial < ?".into());
        values.push(serial.clone().into());
        values.push(format!("{serial}g").into());
    }
    let mut tables = "announcements a".to_owned();
    if let Some(question) = grams {
        tables = "announcement_grams g CROSS JOIN announcements a ON a.number = g.rowid".to_owned();
        conditions.push("g.announcement_grams MATCH ?".into());
        values.push(question.into());
    }
    let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
    let order = if wanted.serial.is_some() { format!("+{number}") } else { number.to_owned() };
    values.push(i64::try_from(most).unwrap_or(i64::MAX).into());
    db.prepare_cached(&format!(
        "SELECT a.number, a.serial, a.subject, a.revoked_at, a.reason, a.crl_number FROM {tables}
         WHERE {conditions} ORDER BY {order} DESC LIMIT ?"
    ))?
    .query_map(rusqlite::params_from_iter(values), read)?
    .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Announcement)> {
    let announcement = Announcement {
        serial: row.get(1)?,
        subject: row.get(2)?,
        revoked_at: time(row.get(3)?),
        reason: from_word(&row.get::<_, String>(4)?)?,
        crl_number: row.get(5)?,
    };
    Ok((row.get(0)?, announcement))
}

/// Each character with the one after it, the last alone; five hex digits a character, so that no tokenizer has to know
/// it, not even the rarest.
fn grams(text: &str) -> Vec<String> {
    let codes: Vec<String> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .map(|c| format!("{:05x}", u32::from(c) & 0xF_FFFF))
        .collect();
    (0..codes.len()).map(|at| codes[at..codes.len().min(at + 2)].concat()).collect()
}

/// The same of a part of a name, as FTS5 asks: one character begins a pair, more are pairs in a row.
fn question(part: &str) -> String {
    match grams(part).as_slice() {
        [] => "\"\"".to_owned(),
        [one] => format!("{one}*"),
        [pairs @ .., _] => format!("\"{}\"", pairs.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_into_pairs_and_asked_for_by_them() {
        assert_eq!(grams("王䶮"), ["0738b04dae", "04dae"]);
        assert_eq!(question("王"), "0738b*");
        assert_eq!(question("王䶮"), "\"0738b04dae\"");
        assert_eq!(grams("A b"), ["0006100062", "00062"], "case and gaps do not matter");
    }
}
