//! My applications, as the service told them last: readable offline, and found by what they say (`search`).

use std::collections::HashSet;

use certdesk_contract::application::Application;
use certdesk_domain::{Business, State};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{from_json, to_json, word};
use crate::{
    Cache, CacheError, Search,
    search::{Match, Words},
};

const TABLE: &str = "application";

/// So many rows at most are looked at for one answer: a question that the index takes for nearly all, and the rows
/// themselves do not, ends here.
const MOST_LOOKED_AT: usize = 2000;

/// What was found, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Each with where the words were found.
    pub applications: Vec<(Application, Vec<Match>)>,
    /// There are more.
    pub more: bool,
}

/// Which applications are listed: those that were handed in and fit all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Of this business.
    pub business: Option<Business>,
    /// In this state.
    pub state: Option<State>,
    /// Begun in this year, four digits.
    pub year: Option<String>,
    /// Found by these words.
    pub search: Option<Search>,
}

/// Where a page ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Whose turn, last change, case.
    After(u8, String, String),
    /// Position.
    Below(i64),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// What waits for the applicant first, then what changed last; where words were asked for, the newest first.
    pub applications: Vec<Application>,
    /// Where the next page begins, where there is one. A page may be short, even empty, and still have a next.
    pub next: Option<Place>,
}

/// How many applications are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Their business.
    pub business: Business,
    /// Their state.
    pub state: State,
    /// The year they were begun in; empty where that is unknown.
    pub year: String,
    /// How many there are,
    pub count: u32,
    /// and for how many of them it is the applicant's turn.
    pub yours: u32,
}

impl Cache {
    /// Keeps one application, over what was known of it.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put_application(&self, account: &str, application: &Application) -> Result<(), CacheError> {
        put(&self.connection(), account, application)
    }

    /// The applications of an account, newest first (UUIDv7 tells).
    ///
    /// # Errors
    /// Those of the file.
    pub fn applications(&self, account: &str) -> Result<Vec<Application>, CacheError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT content FROM application WHERE account = ?1 ORDER BY id DESC")?;
        statement.query_map([account], |row| row.get::<_, String>(0))?.map(|text| from_json(TABLE, &text?)).collect()
    }

    /// Applications of an account that were handed in and fit, at most `most`: that of the number asked for, those whose
    /// numbers begin so, then the newest.
    ///
    /// # Errors
    /// Those of the file.
    pub fn find_applications(&self, account: &str, search: &Search, most: usize) -> Result<Found, CacheError> {
        let connection = self.connection();
        let mut found = Found { applications: Vec::new(), more: false };
        let mut seen = HashSet::new();
        let mut take = |row: &Row<'_>| -> Result<bool, CacheError> {
            let case: Application = from_json(TABLE, &row.get::<_, String>(0)?)?;
            let matches = search.matches(&Words::of_application(&case)).filter(|_| case.state != State::Draft);
            if let Some(matches) = matches.filter(|_| seen.insert(case.id)) {
                found.more = found.applications.len() == most;
                if !found.more {
                    found.applications.push((case, matches));
                }
            }
            Ok(found.more)
        };
        if let Some(number) = search.number() {
            let mut by_number = connection.prepare_cached(
                "SELECT content FROM application WHERE account = ?1 AND number >= ?2 AND number < ?2 || char(0x10FFFF)
                 ORDER BY number DESC",
            )?;
            for begin in [format!("{NUMBERS}{number}"), number] {
                if look_at(by_number.query([account, begin.as_str()])?, &mut take)? {
                    return Ok(found);
                }
            }
        }
        let mut by_words = connection.prepare_cached(
            "SELECT application.content FROM application_words CROSS JOIN application
             ON application.position = application_words.rowid
             WHERE application_words MATCH ?2 AND application.account = ?1 ORDER BY application_words.rowid DESC",
        )?;
        look_at(by_words.query([account, search.question(account).as_str()])?, &mut take)?;
        Ok(found)
    }

    /// The page of a list that begins at a place, `most` applications at most. Reads what is on the page and no more,
    /// however long the list.
    ///
    /// # Errors
    /// Those of the file.
    pub fn list_applications(
        &self,
        account: &str,
        wanted: &Wanted,
        from: Option<&Place>,
        most: usize,
    ) -> Result<Page, CacheError> {
        let connection = self.connection();
        if let Some(search) = &wanted.search {
            let below = if let Some(Place::Below(position)) = from { *position } else { i64::MAX };
            return list_found(&connection, account, wanted, search, below, most);
        }
        let (first, mut changed, mut id) = match from {
            Some(Place::After(turn, changed, id)) => (*turn, changed.clone(), id.clone()),
            _ => (0, LAST.to_owned(), String::new()),
        };
        let mut page = Page { applications: Vec::new(), next: None };
        for turn in first..TURNS {
            let mut values: Vec<Value> = [account, &changed, &id].map(|text| text.to_owned().into()).to_vec();
            values.extend([
                i64::from(turn).into(),
                i64::try_from(most + 1 - page.applications.len()).unwrap_or(1).into(),
            ]);
            let conditions = conditions(wanted, &mut values)?;
            let mut statement = connection.prepare_cached(&format!(
                "SELECT found.changed, found.id, application.content FROM
                   (SELECT position, changed, id FROM application INDEXED BY application_order
                    WHERE account = ?1 AND turn = ?4 AND (changed, id) < (?2, ?3) AND state != 'draft' {conditions}
                    ORDER BY changed DESC, id DESC LIMIT ?5) AS found
                 CROSS JOIN application USING (position) ORDER BY found.changed DESC, found.id DESC"
            ))?;
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                if page.applications.len() == most {
                    return Ok(page);
                }
                page.next = Some(Place::After(turn, row.get(0)?, row.get(1)?));
                page.applications.push(from_json(TABLE, &row.get::<_, String>(2)?)?);
            }
            (changed, id) = (LAST.to_owned(), String::new());
        }
        page.next = None;
        Ok(page)
    }

    /// How many applications of an account were handed in and fit a search, by what they can be narrowed by.
    ///
    /// # Errors
    /// Those of the file.
    pub fn count_applications(&self, account: &str, search: Option<&Search>) -> Result<Vec<Alike>, CacheError> {
        let connection = self.connection();
        let mut values = vec![account.to_owned()];
        let found = search.map_or("", |search| {
            values.push(search.question(account));
            "AND position IN (SELECT rowid FROM application_words WHERE application_words MATCH ?2)"
        });
        let mut statement = connection.prepare_cached(&format!(
            "SELECT json_quote(business), json_quote(state), coalesce(year, ''), count(*), sum(turn = 0) FROM application
             WHERE account = ?1 AND state != 'draft' {found} GROUP BY business, state, year ORDER BY business, state, year"
        ))?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut alike = Vec::new();
        while let Some(row) = rows.next()? {
            alike.push(Alike {
                business: from_json(TABLE, &row.get::<_, String>(0)?)?,
                state: from_json(TABLE, &row.get::<_, String>(1)?)?,
                year: row.get(2)?,
                count: row.get(3)?,
                yours: row.get(4)?,
            });
        }
        Ok(alike)
    }

    /// One application of an account.
    ///
    /// # Errors
    /// Those of the file.
    pub fn application(&self, account: &str, id: Uuid) -> Result<Option<Application>, CacheError> {
        let text: Option<String> = self
            .connection()
            .prepare_cached("SELECT content FROM application WHERE account = ?1 AND id = ?2")?
            .query_row([account, &id.to_string()], |row| row.get(0))
            .optional()?;
        text.map(|text| from_json(TABLE, &text)).transpose()
    }
}

/// What is known already is not written again: a list that is told anew costs nothing.
pub(super) fn put(connection: &Connection, account: &str, application: &Application) -> Result<(), CacheError> {
    connection
        .prepare_cached(
            "INSERT INTO application (account, id, content) VALUES (?1, ?2, ?3)
             ON CONFLICT (account, id) DO UPDATE SET content = excluded.content WHERE content != excluded.content",
        )?
        .execute((account, application.id.to_string(), to_json(TABLE, application)?))?;
    Ok(())
}

/// Comes after every time.
const LAST: &str = "\u{10FFFF}";

/// The applicant's turn, the service's, nobody's.
const TURNS: u8 = 3;

/// What narrows a list besides its words, as SQL, with its values behind those there are.
fn conditions(wanted: &Wanted, values: &mut Vec<Value>) -> Result<String, CacheError> {
    let business = wanted.business.map(|business| word(TABLE, &business)).transpose()?;
    let state = wanted.state.map(|state| word(TABLE, &state)).transpose()?;
    let mut sql = String::new();
    for (column, value) in [("business", business), ("state", state), ("year", wanted.year.clone())] {
        if let Some(value) = value {
            values.push(value.into());
            sql.push_str(&format!(" AND {column} = ?{}", values.len()));
        }
    }
    Ok(sql)
}

fn list_found(
    connection: &Connection,
    account: &str,
    wanted: &Wanted,
    search: &Search,
    below: i64,
    most: usize,
) -> Result<Page, CacheError> {
    let mut values: Vec<Value> = vec![account.to_owned().into(), search.question(account).into(), below.into()];
    let conditions = conditions(wanted, &mut values)?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT application_words.rowid, application.content FROM application_words CROSS JOIN application
         ON application.position = application_words.rowid
         WHERE application_words MATCH ?2 AND application_words.rowid < ?3 AND application.account = ?1 {conditions}
         ORDER BY application_words.rowid DESC"
    ))?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = Page { applications: Vec::new(), next: None };
    for _ in 0..MOST_LOOKED_AT {
        let Some(row) = rows.next()? else {
            page.next = None;
            break;
        };
        if page.applications.len() == most {
            break;
        }
        page.next = Some(Place::Below(row.get(0)?));
        let case: Application = from_json(TABLE, &row.get::<_, String>(1)?)?;
        page.applications.extend(search.matches(&Words::of_application(&case)).map(|_| case));
    }
    Ok(page)
}

/// How numbers of applications begin.
const NUMBERS: &str = "CD";

/// Shows row after row until `take` has enough; whether it has.
fn look_at(
    mut rows: rusqlite::Rows<'_>,
    take: &mut impl FnMut(&Row<'_>) -> Result<bool, CacheError>,
) -> Result<bool, CacheError> {
    for _ in 0..MOST_LOOKED_AT {
        let Some(row) = rows.next()? else { break };
        if take(row)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use certdesk_contract::application::HistoryEntry;
    use certdesk_domain::form::Handler;

    fn application(state: State) -> Application {
        Application {
            id: Uuid::now_v7(),
            number: Some("CD20261122000017".into()),
            business: Business::New,
            state,
            next_actor: state.next_actor(),
            handler: None,
            particulars: Default::default(),
            submissions: 0,
            receipts: Vec::new(),
            attachments: Vec::new(),
            remarks: Vec::new(),
            reason: None,
            history: Vec::new(),
            certificate_subject: None,
        }
    }

    #[test]
    fn the_list_is_as_the_service_told_it_last() {
        let cache = Cache::in_memory().unwrap();
        let (old, new) = (application(State::Completed), application(State::Submitted));
        put_all(&cache, "acct", &[old.clone(), new.clone()]);
        cache.put_application("other", &old).unwrap();
        assert_eq!(cache.applications("acct").unwrap(), [new.clone(), old.clone()], "newest first");
        let moved = Application { state: State::InReview, ..new.clone() };
        cache.put_application("acct", &moved).unwrap();
        assert_eq!(cache.application("acct", new.id).unwrap(), Some(moved.clone()));
        assert_eq!(cache.applications("acct").unwrap(), [moved, old.clone()], "what was known of it is over");
        assert_eq!(cache.applications("other").unwrap(), [old], "another account's list is its own");
    }

    fn put_all(cache: &Cache, account: &str, applications: &[Application]) {
        applications.iter().for_each(|application| cache.put_application(account, application).unwrap());
    }

    fn of_number(number: u32, holder: &str) -> Application {
        Application {
            number: Some(format!("CD20261122{number:06}")),
            certificate_subject: Some(holder.to_owned()),
            ..application(State::Completed)
        }
    }

    fn numbers(cache: &Cache, account: &str, question: &str) -> Vec<String> {
        let Some(search) = Search::of(question) else { return Vec::new() };
        let found = cache.find_applications(account, &search, 3).unwrap();
        found.applications.into_iter().map(|(case, _)| case.number.unwrap_or_default()).collect()
    }

    #[test]
    fn the_number_asked_for_comes_first_and_then_the_newest() {
        let cache = Cache::in_memory().unwrap();
        let cases: Vec<_> = (1..=5).map(|number| of_number(number, "福州云帆 CD20261122000002")).collect();
        put_all(&cache, "qy1", &cases);
        let named = |numbers: &[u32]| numbers.iter().map(|n| format!("CD20261122{n:06}")).collect::<Vec<_>>();
        assert_eq!(numbers(&cache, "qy1", "云帆"), named(&[5, 4, 3]), "the newest, and no more than asked for");
        assert_eq!(
            numbers(&cache, "qy1", "cd20261122000002"),
            named(&[2]),
            "a number of seven digits and more is no word"
        );
        assert_eq!(numbers(&cache, "qy1", "20261122"), named(&[5, 4, 3]), "begun");
        assert_eq!(numbers(&cache, "qy1", "0002"), named(&[2]), "by its last digits");
        let all = Search::of("fzyf").unwrap();
        assert!(cache.find_applications("qy1", &all, 3).unwrap().more, "that there are more is said");
        assert!(!cache.find_applications("qy1", &all, 5).unwrap().more);
    }

    #[test]
    fn two_accounts_on_one_computer_find_nothing_of_each_other() {
        let cache = Cache::in_memory().unwrap();
        let case = of_number(7, "福州云帆");
        cache.put_application("qy1", &case).unwrap();
        cache.put_application("qy2", &of_number(8, "泉州王䶮")).unwrap();
        for question in ["云帆", "云", "yf", "CD2026", "000007", &case.number.clone().unwrap()] {
            assert!(!numbers(&cache, "qy1", question).is_empty(), "{question} is the one's");
            let others = numbers(&cache, "qy2", question);
            assert!(!others.contains(&case.number.clone().unwrap()), "{question} is nobody else's: {others:?}");
        }
    }

    #[test]
    fn a_list_is_paged_narrowed_and_counted_whatever_its_order() {
        let cache = Cache::in_memory().unwrap();
        let states = [State::Submitted, State::NeedsCorrection, State::Completed, State::Draft, State::InReview];
        let entry = |state, minute: i64| HistoryEntry {
            state,
            at: certdesk_domain::Timestamp::UNIX_EPOCH + time::Duration::minutes(minute % 7),
            note: None,
        };
        let cases: Vec<_> = (0..60)
            .map(|n| {
                let state = states[n as usize % states.len()];
                let business = if n % 3 == 0 { Business::Renew } else { Business::New };
                let holder = if n % 2 == 0 { "福州云帆" } else { "泉州王䶮" };
                Application {
                    business,
                    state,
                    next_actor: state.next_actor(),
                    history: vec![entry(state, n.into())],
                    ..of_number(n, holder)
                }
            })
            .collect();
        put_all(&cache, "qy1", &cases);
        put_all(&cache, "qy2", &cases[..3]);
        let listed = |wanted: &Wanted, most: usize| {
            let (mut all, mut from) = (Vec::new(), None);
            loop {
                let page = cache.list_applications("qy1", wanted, from.as_ref(), most).unwrap();
                assert!(page.applications.len() <= most, "a page is bounded");
                all.extend(page.applications);
                from = page.next;
                if from.is_none() {
                    return all;
                }
            }
        };
        let mut expected: Vec<_> = cases.iter().filter(|case| case.state != State::Draft).cloned().collect();
        let turn = |case: &Application| match case.next_actor {
            certdesk_domain::NextActor::Applicant => 0,
            certdesk_domain::NextActor::Service => 1,
            certdesk_domain::NextActor::Nobody => 2,
        };
        expected.sort_by_key(|case| (turn(case), std::cmp::Reverse((case.history[0].at, case.id))));
        for most in [1, 7, 12, 100] {
            assert_eq!(listed(&Wanted::default(), most), expected, "{most} a page: each once, in order");
        }
        let renewals = Wanted {
            business: Some(Business::Renew),
            state: Some(State::InReview),
            year: Some("1970".into()),
            search: None,
        };
        let fits = |case: &&Application| case.business == Business::Renew && case.state == State::InReview;
        assert_eq!(listed(&renewals, 2), expected.iter().filter(fits).cloned().collect::<Vec<_>>());
        let found = Wanted { search: Search::of("云帆"), ..renewals };
        let mut named: Vec<_> = cases
            .iter()
            .filter(fits)
            .filter(|case| case.certificate_subject.as_deref() == Some("福州云帆"))
            .cloned()
            .collect();
        named.reverse();
        assert_eq!(listed(&found, 2), named, "the newest first");
        let counts = cache.count_applications("qy1", None).unwrap();
        assert_eq!(counts.iter().map(|alike| alike.count).sum::<u32>(), 48);
        assert_eq!(counts.iter().map(|alike| alike.yours).sum::<u32>(), 12, "what came back waits for its applicant");
        let named = cache.count_applications("qy1", Search::of("云帆").as_ref()).unwrap();
        assert_eq!(named.iter().map(|alike| alike.count).sum::<u32>(), 24);
    }

    /// Every token of the index.
    fn tokens(cache: &Cache) -> Vec<String> {
        let connection = cache.connection();
        connection
            .execute_batch(
                "CREATE VIRTUAL TABLE IF NOT EXISTS temp.tokens USING fts5vocab(main, application_words, row)",
            )
            .unwrap();
        let mut tokens = connection.prepare("SELECT term FROM temp.tokens").unwrap();
        tokens.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn the_index_follows_its_rows() {
        let cache = Cache::in_memory().unwrap();
        let case = of_number(7, "福州云帆");
        cache.put_application("qy1", &case).unwrap();
        let moved = Application { certificate_subject: Some("泉州王䶮".into()), ..case.clone() };
        cache.put_application("qy1", &moved).unwrap();
        assert_eq!(numbers(&cache, "qy1", "云帆"), Vec::<String>::new(), "what is not said any more finds nothing");
        assert_eq!(numbers(&cache, "qy1", "王䶮").len(), 1);
        cache.put_application("qy1", &Application { state: State::Draft, ..moved.clone() }).unwrap();
        assert_eq!(
            numbers(&cache, "qy1", "王䶮"),
            Vec::<String>::new(),
            "a case that was not handed in is shown as a draft"
        );
        cache.put_application("qy1", &moved).unwrap();
        cache.put_application("qy2", &case).unwrap();
        cache.forget("qy1").unwrap();
        assert_eq!(numbers(&cache, "qy1", "王䶮"), Vec::<String>::new());
        assert_eq!(numbers(&cache, "qy2", "云帆").len(), 1, "another account's stays");
        assert!(tokens(&cache).iter().all(|token| !token.contains('䶮')), "no token is left of what was forgotten");
    }

    #[test]
    fn an_index_is_made_of_the_rows_of_an_earlier_version() {
        let connection = crate::schema::tests::of_version(3);
        let case = of_number(7, "福州云帆");
        let content = serde_json::to_string(&case).unwrap();
        let row = ("qy1", case.id.to_string(), content);
        connection.execute("INSERT INTO application (account, id, content) VALUES (?1, ?2, ?3)", row).unwrap();
        let cache = Cache::prepare(connection, None).unwrap();
        assert_eq!(cache.applications("qy1").unwrap(), [case], "nothing is lost");
        assert_eq!(numbers(&cache, "qy1", "云帆").len(), 1, "and all is found");
    }

    #[test]
    fn no_number_of_a_document_and_no_phone_is_in_the_index() {
        let cache = Cache::in_memory().unwrap();
        let mut case = of_number(7, "福州云帆");
        let mut handler = Handler::default();
        for (field, value) in [
            ("person.name", "王䶮"),
            ("person.id_number", "35010219900307001X"),
            ("phone", "13850194477"),
            ("email", "sender@example.com"),
            ("credit_code", "91350100M000100Y43"),
            ("address.detail", "金山大道 88 号"),
        ] {
            assert!(handler.set(field, value));
        }
        case.handler = Some(handler);
        case.particulars.changes.insert("contact.id_number".into(), "35010219900307001X".into());
        case.particulars.changes.insert("contact.name".into(), "林小满".into());
        case.reason = Some("身份证 35010219900307001X 与电话 138 5019 4477 不符".into());
        cache.put_application("qy1", &case).unwrap();
        for word in ["王䶮", "小满", "不符", "000007"] {
            assert_eq!(numbers(&cache, "qy1", word).len(), 1, "{word} is found");
        }
        for private in ["3501", "0307", "9003", "1385", "4477", "5019", "sender", "9135", "m000", "金山"] {
            assert_eq!(numbers(&cache, "qy1", private), Vec::<String>::new(), "{private} is not");
            let tokens = tokens(&cache);
            let own = |token: &&String| token[6..].starts_with(private) || token[6..].ends_with(private);
            assert_eq!(tokens.iter().find(own), None, "{private} stands in no token");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn every_part_of_a_text_finds_it(
            holder in "[\u{4E00}-\u{9FFF}\u{3400}-\u{3430}\u{20000}-\u{20020}A-Za-z0-9（）()·々 .-]{2,24}",
            note in "\\PC{0,24}",
        ) {
            let cache = Cache::in_memory().unwrap();
            let mut case = of_number(7, &holder);
            case.reason = Some(note.clone());
            cache.put_application("qy1", &case).unwrap();
            for text in [&holder, &note] {
                let letters: Vec<char> = text.chars().collect();
                for part in letters.windows(2).chain(letters.chunks(1)).chain(letters.windows(5)) {
                    let part: String = part.iter().collect();
                    let Some(search) = Search::of(&part) else { continue };
                    let words = Words::of_application(&case);
                    let found = cache.find_applications("qy1", &search, 1).unwrap();
                    let fits = search.matches(&words).is_some();
                    proptest::prop_assert_eq!(found.applications.len(), usize::from(fits), "{} in {}", part, text);
                    let digits = text.chars().filter(|c| c.is_numeric()).count();
                    proptest::prop_assert!(fits || digits >= 7, "{} is a part of {}", part, text);
                }
            }
        }

        #[test]
        fn whatever_is_typed_gets_an_answer(question in "\\PC{0,40}|[\"*^:(){}+-]{0,12}|(AND|OR|NOT|NEAR|text:|䶮|😀| |\"|\u{0}){0,9}", much in 0_usize..3000) {
            let cache = Cache::in_memory().unwrap();
            cache.put_application("qy1", &of_number(7, "福州云帆")).unwrap();
            for question in [question.clone(), question.repeat(much / question.len().max(1))] {
                if let Some(search) = Search::of(&question) {
                    cache.find_applications("qy1", &search, 3).unwrap();
                }
            }
        }
    }
}
