//! 注销公告: everybody looks up who was revoked.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use certdesk_contract::{
    ProblemCode,
    announcement::{AnnouncementPage, AnnouncementQuery, PAGE},
};
use rusqlite::Connection;

use crate::{
    failure::Outcome,
    portal::Portal,
    store::{
        self,
        announcements::{self, Wanted},
    },
};

/// Longest text that is searched for, characters.
const LONGEST_SEARCH: usize = 100;
/// So many hex digits, one of them no letter, are the beginning of a serial number.
const SERIAL_DIGITS: usize = 8;

/// One page of what is announced.
pub(crate) async fn look_up(portal: &Arc<Portal>, query: AnnouncementQuery) -> Outcome<AnnouncementPage> {
    let wanted = wanted(&query)?;
    let range = (query.from.map(store::millis), query.to.map(store::millis));
    portal.store.read(move |db| page(db, wanted, range)).await
}

/// Reads a question.
fn wanted(query: &AnnouncementQuery) -> Outcome<Wanted> {
    let search = query.search.trim();
    if search.chars().count() > LONGEST_SEARCH {
        return Err(ProblemCode::BadRequest.into());
    }
    let mut wanted = Wanted::default();
    if let Some(cursor) = &query.cursor {
        wanted.below = Some(number_of(cursor).ok_or(ProblemCode::BadRequest)?);
    }
    let serial = plain(search);
    let is_hex = serial.bytes().all(|b| b.is_ascii_hexdigit()) && serial.bytes().any(|b| b.is_ascii_digit());
    if serial.len() >= SERIAL_DIGITS && is_hex {
        wanted.serial = Some(serial);
    } else if !search.is_empty() {
        wanted.name = Some(search.to_owned());
    }
    Ok(wanted)
}

/// A serial number as kept, however it was grouped.
pub(crate) fn plain(serial: &str) -> String {
    let digits: String = serial.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '-')).collect();
    digits.trim_start_matches('0').to_ascii_lowercase()
}

fn page(db: &Connection, mut wanted: Wanted, (from, to): (Option<i64>, Option<i64>)) -> Outcome<AnnouncementPage> {
    if let Some(from) = from {
        let Some(least) = announcements::first_since(db, from)? else {
            return Ok(AnnouncementPage { announcements: Vec::new(), next: None });
        };
        wanted.least = Some(least);
    }
    if let Some(after) = to.map(|to| announcements::first_since(db, to)).transpose()?.flatten() {
        wanted.below = Some(wanted.below.map_or(after, |below| below.min(after)));
    }
    let mut rows = announcements::page(db, &wanted, PAGE + 1)?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|(number, _)| cursor_of(*number));
    Ok(AnnouncementPage { announcements: rows.into_iter().map(|(_, announcement)| announcement).collect(), next })
}

fn cursor_of(number: i64) -> String {
    URL_SAFE_NO_PAD.encode(number.to_be_bytes())
}

fn number_of(cursor: &str) -> Option<i64> {
    URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok().map(i64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use certdesk_contract::announcement::Announcement;
    use certdesk_domain::{RevocationReason, Timestamp};

    use super::*;
    use crate::store::Store;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("portal.db")).unwrap();
        (folder, store)
    }

    fn announcement(i: i64) -> Announcement {
        const UNITS: [&str; 5] =
            ["福州云帆测试科技有限公司", "厦门海沧林测试商行", "泉州市王䶮工作室", "Fuzhou Sail Ltd", "林小满"];
        Announcement {
            serial: format!("5f{i:030x}"),
            subject: format!("{}{i}", UNITS[i as usize % UNITS.len()]),
            revoked_at: Timestamp::UNIX_EPOCH + time::Duration::minutes(i),
            reason: RevocationReason::Superseded,
            crl_number: i as u64,
        }
    }

    fn ask(store: &Store, query: &AnnouncementQuery) -> AnnouncementPage {
        let range = (query.from.map(store::millis), query.to.map(store::millis));
        store.act_now(|db| page(db, wanted(query)?, range)).unwrap()
    }

    fn search(text: &str) -> AnnouncementQuery {
        AnnouncementQuery { search: text.into(), ..Default::default() }
    }

    #[test]
    fn announcements_are_found_by_any_part_of_a_name_by_serial_and_by_time() {
        let (_folder, store) = store();
        store.act_now(|db| Ok((0..500).try_for_each(|i| announcements::add(db, &announcement(i)))?)).unwrap();
        for (text, who) in [("云帆", 0), ("限公司", 0), ("海沧", 1), ("䶮", 2), ("王䶮", 2), ("SAIL", 3), ("小满", 4)]
        {
            let page = ask(&store, &search(text));
            assert_eq!(page.announcements.len(), PAGE, "{text} is in a hundred names");
            assert_eq!(page.announcements[0], announcement(495 + who), "{text}: the newest comes first");
            let rest = ask(&store, &AnnouncementQuery { cursor: page.next, ..search(text) });
            assert_eq!(rest.announcements.len(), PAGE, "the second half");
            assert_eq!(rest.announcements[0], announcement(245 + who), "goes on where the first ended");
            assert_eq!(rest.next, None, "and there is no third");
        }
        assert_eq!(ask(&store, &search("帆云")).announcements, [], "the order of characters counts");
        assert_eq!(ask(&store, &search("\" OR 1 *")).announcements, [], "signs of a query language mean nothing");
        let serial = announcement(77).serial;
        assert_eq!(ask(&store, &search(&serial)).announcements, [announcement(77)], "by serial number");
        let grouped: Vec<_> = serial.as_bytes().chunks(2).map(|c| std::str::from_utf8(c).unwrap()).collect();
        assert_eq!(ask(&store, &search(&grouped.join(":").to_uppercase())).announcements, [announcement(77)]);
        let at = |minute| Some(Timestamp::UNIX_EPOCH + time::Duration::minutes(minute));
        let between = AnnouncementQuery { from: at(10), to: at(13), ..Default::default() };
        let found = ask(&store, &between).announcements;
        assert_eq!(found, [announcement(12), announcement(11), announcement(10)], "the end is not part of it");
        let early = AnnouncementQuery { from: at(501), ..Default::default() };
        assert_eq!(ask(&store, &early).announcements, [], "nothing since");
        let forged = AnnouncementQuery { cursor: Some("../../".into()), ..Default::default() };
        assert!(wanted(&forged).is_err(), "a cursor that nobody gave is refused");
    }
}
