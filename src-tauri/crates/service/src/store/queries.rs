//! 查询服务: table `query_counts`, and the applications that fit what an outsider knows.

use certdesk_contract::query::Query;
use certdesk_domain::{AccountKind, Business, IdKind, State, Timestamp};
use rusqlite::{Connection, ToSql};

use super::{from_word, json, time, word};

/// More than this many are nobody's own.
const MOST_FOUND: usize = 20;

/// What is read of an application: nothing that an outsider may not know.
pub(crate) struct Found {
    pub(crate) number: String,
    pub(crate) business: Business,
    pub(crate) state: State,
    pub(crate) updated_at: Timestamp,
}

/// Counts one more question for `item` in this hour and answers how many that makes.
pub(crate) fn count(db: &Connection, hour: i64, item: &[u8]) -> rusqlite::Result<u32> {
    db.query_row(
        "INSERT INTO query_counts (hour, item, count) VALUES (?1, ?2, 1)
         ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
        (hour, item),
        |row| row.get(0),
    )
}

pub(crate) fn forget_before(db: &Connection, hour: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM query_counts WHERE hour < ?1", [hour]).map(drop)
}

/// The applications that everything given belongs to, newest first.
pub(crate) fn find(db: &Connection, query: &Query) -> rusqlite::Result<Vec<Found>> {
    let accounts = account_identities(&query.identity);
    let mut parameters: Vec<(&str, &dyn ToSql)> = Vec::new();
    for (name, parameter, value) in [
        ("number", ":number", &query.number),
        ("identity", ":identity", &query.identity),
        ("phone", ":phone", &query.phone),
    ] {
        if query.given().any(|(given, _)| given == name) {
            parameters.push((parameter, value));
        }
    }
    if !query.identity.is_empty() {
        parameters.push((":accounts", &accounts));
    }
    db.prepare(&sql(query))?
        .query_map(&*parameters, |row| {
            Ok(Found {
                number: row.get(0)?,
                business: from_word(&row.get::<_, String>(1)?)?,
                state: from_word(&row.get::<_, String>(2)?)?,
                updated_at: time(row.get(3)?),
            })
        })?
        .collect()
}

fn sql(query: &Query) -> String {
    let mut sql = "SELECT a.number, a.business, a.state, (SELECT max(at) FROM history WHERE application = a.id)
         FROM applications a WHERE a.number IS NOT NULL"
        .to_owned();
    for (name, _) in query.given() {
        sql += match name {
            "number" => " AND a.number = :number",
            "phone" => " AND json_extract(a.handler, '$.phone') = :phone",
            _ => {
                " AND (json_extract(a.handler, '$.credit_code') = :identity
                    OR json_extract(a.handler, '$.person.id_number') = :identity
                    OR a.account IN (SELECT id FROM accounts WHERE identity IN (SELECT value FROM json_each(:accounts))))"
            }
        };
    }
    format!("{sql} ORDER BY a.created_at DESC, a.id DESC LIMIT {MOST_FOUND}")
}

/// What column `identity` of `accounts` is for each applicant with this number, as a JSON list.
pub(super) fn account_identities(number: &str) -> String {
    let of = |kind: AccountKind| match kind.is_organisation() {
        true => vec![format!("{}:{number}", word(kind))],
        false => IdKind::ALL.iter().map(|document| format!("{}:{}:{number}", word(kind), word(document))).collect(),
    };
    json(&AccountKind::ALL.into_iter().flat_map(of).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_makes_the_service_read_every_application() {
        let db = Connection::open_in_memory().expect("SQLite opens");
        for schema in super::super::MIGRATIONS {
            db.execute_batch(schema).expect("the schema is sound");
        }
        for (number, identity, phone) in [("N", "I", ""), ("N", "", "P"), ("", "I", "P"), ("N", "I", "P")] {
            let query = Query { number: number.into(), identity: identity.into(), phone: phone.into() };
            let plan: Vec<String> = db
                .prepare(&format!("EXPLAIN QUERY PLAN {}", sql(&query)))
                .and_then(|mut plan| plan.raw_query().mapped(|row| row.get(3)).collect())
                .expect("SQLite explains");
            assert!(!plan.iter().any(|step| step.starts_with("SCAN a")), "{number}{identity}{phone}: {plan:#?}");
            assert!(find(&db, &query).expect("an empty database can be asked").is_empty());
        }
    }
}
