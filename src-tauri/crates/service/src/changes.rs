//! Delta sync (see [`certdesk_contract::change`]): what changed for an account since it was asked last.
//!
//! Triggers note each change of a thing (`store/changes.rs`), in places that grow with the commits. A cursor is such a place
//! with the time up to which certificates were told as they are, because some change by time alone; while everything is
//! being told, also how far that is. It is signed with a key of the service, and the signature covers the account and this
//! run of the service: after a start, which may be one on a restored backup, all cursors are gone and everything is told
//! anew.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use certdesk_contract::{
    ProblemCode,
    change::{Changes, ChangesQuery, DraftMark, Gone, LONGEST_CURSOR, PAGE, Part},
};
use certdesk_domain::{Business, Timestamp};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use time::Duration;
use uuid::Uuid;

use crate::{
    drafts,
    failure::Outcome,
    hidden::Hidden,
    portal::Portal,
    random,
    sessions::Caller,
    store::{
        accounts::Account,
        applications, certificates,
        changes::{self, Kind},
        millis, notices, time,
    },
};

/// Changes are remembered this long; who comes back later is told everything.
pub(crate) const KEPT_DAYS: i64 = 30;

/// A page ends once it has so many bytes of JSON.
const PAGE_BYTES: usize = 512 * 1024;

/// A clock may be set back by so much; by more, what certificates were told as may be of the future.
const CLOCK_TOLERANCE: Duration = Duration::minutes(1);

/// What a page is made with.
pub(crate) struct Desk<'a> {
    pub(crate) hidden: &'a Hidden,
    pub(crate) epoch: &'a Epoch,
    pub(crate) catalogue: &'a certdesk_contract::catalogue::Catalogue,
    /// Most things on a page.
    pub(crate) most: usize,
}

/// A run of the service.
pub(crate) struct Epoch(String);

impl Epoch {
    pub(crate) fn new() -> Self {
        Self(random::token(16))
    }
}

/// What a cursor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// Changes up to here were told.
    place: i64,
    /// Certificates were told as they are then, milliseconds since 1970.
    time: i64,
    /// While everything is being told: how far, as a place in [`Kind::ALL`] and a name.
    whole: Option<(usize, Option<String>)>,
}

/// The page after the caller's cursor.
pub(crate) async fn page(portal: &Arc<Portal>, caller: Caller, query: ChangesQuery) -> Outcome<Changes> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            crate::notices::remind(&act.catalogue.reminder_days, db, Some(caller.account.id), now)?;
            let desk = Desk { hidden: &act.hidden, epoch: &act.epoch, catalogue: &act.catalogue, most: PAGE };
            desk.page(db, &caller.account, query.cursor.as_deref(), now)
        })
        .await
}

impl Desk<'_> {
    /// The page after a cursor, of one state of the store.
    pub(crate) fn page(
        &self,
        db: &Connection,
        account: &Account,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Outcome<Changes> {
        let begin = || Ok(Cursor { place: changes::last_place(db)?, time: millis(now), whole: Some((0, None)) });
        let cursor = cursor.map_or_else(begin, |cursor| self.open(account.id, cursor))?;
        let forgotten = cursor.place < changes::forgotten_until(db)?;
        if forgotten || cursor.time > millis(now + CLOCK_TOLERANCE) {
            return Err(ProblemCode::ChangesGone.into());
        }
        let page = Page::new(self, db, account, now);
        match &cursor.whole {
            Some((kind, above)) => page.of_everything(&cursor, *kind, above.clone()),
            None => page.since(&cursor),
        }
    }

    fn seal(&self, account: i64, cursor: &Cursor) -> Outcome<String> {
        let payload = serde_json::to_string(cursor)?;
        let mut bytes = self.hidden.hash("changes", &self.signed(account, &payload));
        bytes.extend_from_slice(payload.as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn open(&self, account: i64, cursor: &str) -> Outcome<Cursor> {
        let gone = || ProblemCode::ChangesGone;
        let bytes = if cursor.len() <= LONGEST_CURSOR { URL_SAFE_NO_PAD.decode(cursor).ok() } else { None };
        let bytes = bytes.ok_or_else(gone)?;
        let (hash, payload) = bytes.split_at_checked(32).ok_or_else(gone)?;
        let payload = std::str::from_utf8(payload).map_err(|_| gone())?;
        if !self.hidden.is_hash(hash, "changes", &self.signed(account, payload)) {
            return Err(gone().into());
        }
        Ok(serde_json::from_str(payload)?)
    }

    fn signed(&self, account: i64, payload: &str) -> String {
        format!("{}\0{account}\0{payload}", self.epoch.0)
    }
}

/// A page in the making.
struct Page<'a> {
    desk: &'a Desk<'a>,
    db: &'a Connection,
    account: &'a Account,
    now: Timestamp,
    told: Changes,
    things: usize,
    bytes: usize,
}

impl<'a> Page<'a> {
    fn new(desk: &'a Desk<'a>, db: &'a Connection, account: &'a Account, now: Timestamp) -> Self {
        let told = Changes {
            part: Part::Since,
            applications: Vec::new(),
            certificates: Vec::new(),
            notices: Vec::new(),
            drafts: Vec::new(),
            gone: Gone::default(),
            cursor: String::new(),
            more: false,
        };
        Self { desk, db, account, now, told, things: 0, bytes: 0 }
    }

    fn of_everything(mut self, from: &Cursor, first: usize, mut above: Option<String>) -> Outcome<Changes> {
        for (place, kind) in Kind::ALL.into_iter().enumerate().skip(first) {
            for name in changes::names(self.db, self.account.id, kind, above.take().as_deref(), self.desk.most)? {
                self.add(kind, &name)?;
                if self.is_full() {
                    return self.end(Part::Whole, Cursor { whole: Some((place, Some(name))), ..from.clone() }, true);
                }
            }
        }
        let changed = !changes::after(self.db, self.account.id, from.place, 1)?.is_empty();
        let more = changed || !self.overtaken(from, millis(self.now))?.is_empty();
        self.end(Part::WholeEnd, Cursor { whole: None, ..from.clone() }, more)
    }

    fn since(mut self, from: &Cursor) -> Outcome<Changes> {
        let until = from.time.max(millis(self.now));
        let overtaken = self.overtaken(from, until)?;
        for serial in &overtaken {
            self.add(Kind::Certificate, serial)?;
        }
        (self.things, self.bytes) = (0, 0);
        for (place, kind, name) in changes::after(self.db, self.account.id, from.place, self.desk.most)? {
            // A thing is told once a page.
            if kind == Kind::Certificate && overtaken.contains(&name) {
                self.things += 1;
            } else {
                self.add(kind, &name)?;
            }
            if self.is_full() {
                return self.end(Part::Since, Cursor { place, time: until, whole: None }, true);
            }
        }
        let place = changes::last_place(self.db)?;
        self.end(Part::Since, Cursor { place, time: until, whole: None }, false)
    }

    /// Certificates that time alone has changed since they were told.
    fn overtaken(&self, from: &Cursor, until: i64) -> Outcome<Vec<String>> {
        let grace = self.desk.catalogue.renewal.grace_days;
        Ok(changes::overtaken(self.db, self.account.id, grace, time(from.time), time(until))?)
    }

    fn end(mut self, part: Part, cursor: Cursor, more: bool) -> Outcome<Changes> {
        self.told.cursor = self.desk.seal(self.account.id, &cursor)?;
        Ok(Changes { part, more, ..self.told })
    }

    fn is_full(&self) -> bool {
        self.things >= self.desk.most || self.bytes >= PAGE_BYTES
    }

    /// Tells a thing as it is now, or that it is not there.
    fn add(&mut self, kind: Kind, name: &str) -> Outcome<()> {
        self.things += 1;
        self.bytes += match kind {
            Kind::Application => {
                let id = uuid(name)?;
                let case = applications::by_id(self.db, id)?.filter(|case| case.account == self.account.id);
                let case = case.map(|case| applications::view(self.db, case)).transpose()?;
                tell(case, id, &mut self.told.applications, &mut self.told.gone.applications)?
            }
            Kind::Certificate => {
                let row = certificates::by_serial(self.db, name)?.filter(|row| row.account == self.account.id);
                let catalogue = self.desk.catalogue;
                let offered = catalogue.offer(Business::Renew, self.account.registration.kind);
                let record = row.map(|row| row.record(offered.map(|_| &catalogue.renewal), self.now));
                tell(record, name.to_owned(), &mut self.told.certificates, &mut self.told.gone.certificates)?
            }
            Kind::Notice => {
                let id = uuid(name)?;
                let notice = notices::shown(self.db, self.account.id, id)?;
                tell(notice, id, &mut self.told.notices, &mut self.told.gone.notices)?
            }
            Kind::Draft => {
                let id = uuid(name)?;
                let etag = drafts::etag(self.db, self.account, id)?;
                let mark = etag.map(|etag| DraftMark { application: id, etag });
                tell(mark, id, &mut self.told.drafts, &mut self.told.gone.drafts)?
            }
        };
        Ok(())
    }
}

/// Puts a thing among those that are there, or its name among the others; answers about how many bytes that takes.
fn tell<T: Serialize, N: Serialize>(
    thing: Option<T>,
    name: N,
    there: &mut Vec<T>,
    gone: &mut Vec<N>,
) -> Outcome<usize> {
    match thing {
        Some(thing) => {
            let bytes = serde_json::to_vec(&thing)?.len();
            there.push(thing);
            Ok(bytes)
        }
        None => {
            let bytes = serde_json::to_vec(&name)?.len();
            gone.push(name);
            Ok(bytes)
        }
    }
}

fn uuid(name: &str) -> Outcome<Uuid> {
    Ok(name.parse().map_err(anyhow::Error::new)?)
}

#[cfg(test)]
mod tests {
    use certdesk_cache::Cache;
    use certdesk_contract::{
        application::{Application, DraftContent, HistoryEntry},
        certificate::{CertificateRecord, CertificateStatus},
        notice::{Notice, NoticeSubject},
    };
    use certdesk_domain::{AccountKind, IdKind, State, form::*};
    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::store::{Store, accounts, applications::Case, certificates::CertificateRow, drafts as typed};

    /// Something that happens at the service, or between it and a computer.
    #[derive(Clone, Debug)]
    enum Happening {
        Opened,
        Moved(Index, State),
        Typed(Index, String),
        HandedIn(Index),
        Told(Index),
        Read(Index),
        NoticesForgotten(u8),
        Issued(u8),
        Activated(Index),
        Revoked(Index),
        Succeeded(Index, Index),
        TimePasses(u8),
        /// A page is asked for and taken over.
        Page,
        /// It is asked for, and the answer is lost.
        Lost,
        /// An answer comes that was asked for before the last one was taken over.
        Late,
        Restarted,
        BackedUp,
        /// Stopped, put back as it was, started.
        Restored,
        ChangesForgotten,
    }

    fn happening() -> impl Strategy<Value = Happening> {
        use Happening::*;
        let state = prop::sample::select(vec![
            State::Draft,
            State::Submitted,
            State::NeedsCorrection,
            State::AwaitingIssuance,
            State::Completed,
            State::Withdrawn,
        ]);
        prop_oneof![
            3 => Just(Opened),
            3 => (any::<Index>(), state).prop_map(|(case, state)| Moved(case, state)),
            3 => (any::<Index>(), "[a-c]").prop_map(|(case, text)| Typed(case, text)),
            1 => any::<Index>().prop_map(HandedIn),
            2 => any::<Index>().prop_map(Told),
            1 => any::<Index>().prop_map(Read),
            1 => (0_u8..9).prop_map(NoticesForgotten),
            2 => (1_u8..6).prop_map(Issued),
            1 => any::<Index>().prop_map(Activated),
            1 => any::<Index>().prop_map(Revoked),
            1 => (any::<Index>(), any::<Index>()).prop_map(|(old, new)| Succeeded(old, new)),
            2 => (1_u8..4).prop_map(TimePasses),
            6 => Just(Page),
            2 => Just(Lost),
            1 => Just(Late),
            1 => Just(Restarted),
            1 => Just(BackedUp),
            1 => Just(Restored),
            1 => Just(ChangesForgotten),
        ]
    }

    /// A service with two accounts, and a computer of either.
    struct World {
        folder: tempfile::TempDir,
        store: Store,
        hidden: Hidden,
        epoch: Epoch,
        catalogue: certdesk_contract::catalogue::Catalogue,
        accounts: [Account; 2],
        now: Timestamp,
        cache: Cache,
        serials: u8,
        late: Option<(usize, Option<String>, Changes)>,
    }

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("portal.db")).unwrap();
            let accounts = ["gr1", "gr11"].map(|name| {
                store
                    .act_now(|db| {
                        accounts::add(db, name, &registration(name), "", START)?;
                        Ok(accounts::by_name(db, name)?.expect("it was added just now"))
                    })
                    .unwrap()
            });
            let hidden = Hidden::open(&folder.path().join("query.key")).unwrap();
            let catalogue = crate::catalogue::load(None).unwrap();
            let cache = Cache::in_memory().unwrap();
            let (epoch, now) = (Epoch::new(), START);
            Self { folder, store, hidden, epoch, catalogue, accounts, now, cache, serials: 0, late: None }
        }

        fn file(&self) -> std::path::PathBuf {
            self.folder.path().join("portal.db")
        }

        fn act(&mut self, whose: usize, happening: Happening) {
            let (account, now) = (self.accounts[whose].clone(), self.now);
            let case = |db: &Connection, index: Index| {
                let cases = applications::of_account(db, account.id).unwrap();
                (!cases.is_empty()).then(|| index.get(&cases).clone())
            };
            let certificate = |db: &Connection, index: Index| {
                let rows = certificates::of_account(db, account.id).unwrap();
                (!rows.is_empty()).then(|| index.get(&rows).clone())
            };
            let act = |act: &dyn Fn(&Connection) -> Outcome<()>| self.store.act_now(act).unwrap();
            match happening {
                Happening::Opened => act(&|db| {
                    Ok(applications::add(db, &Case::new(Uuid::now_v7(), account.id, Business::New, None), now)?)
                }),
                Happening::Moved(index, state) => act(&|db| {
                    let Some(mut case) = case(db, index) else { return Ok(()) };
                    case.state = state;
                    applications::update(db, &case)?;
                    Ok(applications::add_history(db, case.id, &HistoryEntry { state, at: now, note: None })?)
                }),
                Happening::Typed(index, text) => act(&|db| {
                    let Some(case) = case(db, index) else { return Ok(()) };
                    let mut content = DraftContent::default();
                    content.handler.email = text.clone();
                    Ok(typed::put(db, case.id, &content, now)?)
                }),
                Happening::HandedIn(index) => act(&|db| {
                    let Some(case) = case(db, index) else { return Ok(()) };
                    Ok(typed::forget(db, case.id)?)
                }),
                Happening::Told(index) => act(&|db| {
                    let Some(row) = certificate(db, index) else { return Ok(()) };
                    let serial = row.serial;
                    let subject =
                        NoticeSubject::Expiry { serial, subject: "王䶮".into(), not_after: row.not_after, days: 7 };
                    Ok(notices::add(db, account.id, &subject, None, now)?)
                }),
                Happening::Read(index) => act(&|db| {
                    let told = notices::of_account(db, account.id)?;
                    let Some(notice) = (!told.is_empty()).then(|| index.get(&told)) else { return Ok(()) };
                    Ok(notices::set_read(db, account.id, notice.id)?)
                }),
                Happening::NoticesForgotten(hours) => {
                    act(&|db| Ok(notices::forget_before(db, now - Duration::hours(hours.into()))?));
                }
                Happening::Issued(days) => {
                    self.serials += 1;
                    let row = certificate_row(&account, self.serials, now, Duration::days(days.into()));
                    self.store
                        .act_now(|db| {
                            applications::add(db, &Case::new(row.application, account.id, Business::New, None), now)?;
                            Ok(certificates::add(db, &row)?)
                        })
                        .unwrap();
                }
                Happening::Activated(index) => act(&|db| {
                    let Some(row) = certificate(db, index) else { return Ok(()) };
                    Ok(certificates::activate(db, &row.serial)?)
                }),
                Happening::Revoked(index) => act(&|db| {
                    let Some(row) = certificate(db, index) else { return Ok(()) };
                    Ok(certificates::revoke(db, &row.serial, now)?)
                }),
                Happening::Succeeded(old, new) => act(&|db| {
                    let (Some(old), Some(new)) = (certificate(db, old), certificate(db, new)) else { return Ok(()) };
                    Ok(certificates::set_successor(db, &old.serial, &new.serial)?)
                }),
                Happening::TimePasses(days) => self.now += Duration::days(days.into()),
                Happening::Page => {
                    self.page(whose);
                }
                Happening::Lost => {
                    let cursor = self.cache.changes_cursor(&account.name).unwrap();
                    self.late = self.ask(whose, cursor.as_deref()).ok().map(|page| (whose, cursor, page));
                }
                Happening::Late => {
                    // It is the page of whoever asked for it.
                    if let Some((whose, cursor, page)) = self.late.take() {
                        let account = &self.accounts[whose];
                        let taken = self.cache.apply_changes(&account.name, cursor.as_deref(), &page, now, || true);
                        let current = self.cache.changes_cursor(&account.name).unwrap();
                        assert!(
                            taken.unwrap().is_none() || current.as_ref() == Some(&page.cursor),
                            "a page is taken over with its cursor, or not at all"
                        );
                    }
                }
                Happening::Restarted => self.restart(),
                Happening::BackedUp => {
                    let backup = self.folder.path().join("backup");
                    let _ = std::fs::remove_file(&backup);
                    let db = Connection::open(self.file()).unwrap();
                    db.execute("VACUUM INTO ?1", [backup.to_str()]).unwrap();
                }
                Happening::Restored => {
                    let backup = self.folder.path().join("backup");
                    if backup.exists() {
                        self.store = Store::open(&self.folder.path().join("away.db")).unwrap();
                        for ending in ["", "-wal", "-shm"] {
                            let _ = std::fs::remove_file(self.folder.path().join(format!("portal.db{ending}")));
                        }
                        std::fs::copy(backup, self.file()).unwrap();
                        self.restart();
                    }
                }
                Happening::ChangesForgotten => act(&|db| Ok(changes::forget_older_than(db, -1)?)),
            }
        }

        /// As the service starts.
        fn restart(&mut self) {
            self.store = Store::open(&self.file()).unwrap();
            self.store.act_now(|db| Ok(changes::forget_all(db)?)).unwrap();
            (self.epoch, self.late) = (Epoch::new(), None);
        }

        fn ask(&self, whose: usize, cursor: Option<&str>) -> Result<Changes, ProblemCode> {
            let desk = Desk { hidden: &self.hidden, epoch: &self.epoch, catalogue: &self.catalogue, most: 3 };
            let page = self.store.act_now(|db| desk.page(db, &self.accounts[whose], cursor, self.now));
            page.map_err(|failure| match failure {
                crate::failure::Failure::Refused(problem) => problem.code,
                broken => panic!("{broken:?}"),
            })
        }

        /// Asks for a page as a computer does; answers whether there is more.
        fn page(&self, whose: usize) -> bool {
            let name = &self.accounts[whose].name;
            let cursor = self.cache.changes_cursor(name).unwrap();
            match self.ask(whose, cursor.as_deref()) {
                Ok(page) => {
                    assert!(page.cursor.len() <= LONGEST_CURSOR);
                    let taken = self.cache.apply_changes(name, cursor.as_deref(), &page, START, || true).unwrap();
                    assert!(taken.is_some(), "nobody else took a page over");
                    page.more
                }
                Err(code) => {
                    assert_eq!(code, ProblemCode::ChangesGone, "nothing else is refused");
                    self.cache.forget_changes_cursor(name).unwrap();
                    true
                }
            }
        }

        /// What the computer has when it has asked for all there is is what the service has.
        fn check(&self) {
            for (whose, account) in self.accounts.iter().enumerate() {
                while self.page(whose) {}
                let (cases, records, told, kept) = self
                    .store
                    .act_now(|db| {
                        let cases = applications::of_account(db, account.id)?;
                        let mut kept = Vec::new();
                        for case in &cases {
                            kept.extend(drafts::etag(db, account, case.id)?.map(|etag| (case.id, Some(etag))));
                        }
                        let cases = cases.into_iter().map(|case| applications::view(db, case));
                        let rule = self.catalogue.offer(Business::Renew, AccountKind::Individual);
                        let rule = rule.map(|_| &self.catalogue.renewal);
                        let rows = certificates::of_account(db, account.id)?;
                        let records: Vec<_> = rows.iter().map(|row| row.record(rule, self.now)).collect();
                        let cases = cases.collect::<Result<Vec<_>, _>>()?;
                        Ok((cases, records, notices::of_account(db, account.id)?, kept))
                    })
                    .unwrap();
                let by_id = |mut cases: Vec<Application>| {
                    cases.sort_by_key(|case| case.id);
                    cases
                };
                assert_eq!(by_id(self.cache.applications(&account.name).unwrap()), by_id(cases), "every case");
                let by_serial = |mut records: Vec<CertificateRecord>| {
                    records.sort_by_key(|record| record.serial.clone());
                    records
                };
                let document = |name: String| self.cache.document(&name).unwrap().map(|document| document.json);
                let seen = document(certdesk_cache::certificates_document(&account.name));
                let seen = seen.map(|json| serde_json::from_value(json).unwrap()).unwrap_or_default();
                assert_eq!(by_serial(seen), by_serial(records), "every certificate");
                let seen = document(certdesk_cache::notices_document(&account.name));
                let seen: Vec<Notice> =
                    seen.map(|json| serde_json::from_value(json["notices"].clone()).unwrap()).unwrap_or_default();
                assert_eq!(seen, told, "every notice, newest first");
                let noted = self.cache.drafts_elsewhere(&account.name).unwrap();
                assert!(kept.iter().all(|draft| noted.contains(draft)), "every draft is to be looked at");
            }
        }
    }

    fn registration(name: &str) -> Registration {
        Registration {
            kind: AccountKind::Individual,
            organisation: None,
            contact: Person { name: "王䶮".into(), id_kind: IdKind::ResidentId, id_number: name.into() },
            phone: "13800138000".into(),
            email: "wang.yan@example.cn".into(),
            address: Address { region: "350102".into(), detail: "测试路 1 号".into() },
        }
    }

    fn certificate_row(account: &Account, number: u8, now: Timestamp, life: Duration) -> CertificateRow {
        CertificateRow {
            serial: format!("{number:02x}"),
            application: Uuid::now_v7(),
            account: account.id,
            key_hash: [number; 32],
            der: vec![0x30, number],
            status: CertificateStatus::Issued,
            not_before: now,
            not_after: now + life,
            successor: None,
            revocation: None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn whatever_happens_in_whatever_order_what_a_computer_has_is_what_the_service_has(
            happenings in prop::collection::vec((0..2_usize, happening()), 0..60)
        ) {
            let mut world = World::new();
            let half = happenings.len() / 2;
            for (place, (whose, happening)) in happenings.into_iter().enumerate() {
                world.act(whose, happening);
                if place == half {
                    world.check();
                }
            }
            world.check();
        }
    }

    #[test]
    fn a_cursor_is_its_accounts_its_runs_and_nobody_elses() {
        let mut world = World::new();
        world.act(0, Happening::Opened);
        let cursor = world.ask(0, None).unwrap().cursor;
        assert!(world.ask(0, Some(&cursor)).is_ok());
        let gone = |cursor: &str, whose| world.ask(whose, Some(cursor)).err() == Some(ProblemCode::ChangesGone);
        assert!(gone(&cursor, 1), "another account's is no cursor");
        for place in 0..cursor.len() {
            let mut forged = cursor.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            // The last character has bits that say nothing.
            assert!(gone(&forged, 0) || place + 1 == cursor.len(), "changed at {place} it is none");
        }
        for odd in ["", "x", "ä", &"A".repeat(LONGEST_CURSOR + 1)] {
            assert!(gone(odd, 0), "{odd} is none");
        }
        world.restart();
        assert_eq!(world.ask(0, Some(&cursor)), Err(ProblemCode::ChangesGone), "and it ends with its run");
    }

    #[test]
    fn one_change_among_many_cases_is_told_in_a_fraction_of_the_bytes() {
        let world = World::new();
        let account = world.accounts[0].clone();
        let all = world
            .store
            .act_now(|db| {
                for _ in 0..500 {
                    applications::add(db, &Case::new(Uuid::now_v7(), account.id, Business::New, None), START)?;
                }
                let cases = applications::of_account(db, account.id)?;
                Ok(cases.into_iter().map(|case| applications::view(db, case)).collect::<Result<Vec<_>, _>>()?)
            })
            .unwrap();
        while world.page(0) {}
        let cursor = world.cache.changes_cursor(&account.name).unwrap();
        let size = |page: &Changes| serde_json::to_vec(page).unwrap().len();
        let nothing = size(&world.ask(0, cursor.as_deref()).unwrap());
        let id = all[250].id;
        let change = |db: &Connection| {
            let mut case = applications::by_id(db, id)?.expect("it is there");
            case.state = State::NeedsCorrection;
            Ok(applications::update(db, &case)?)
        };
        world.store.act_now(change).unwrap();
        let page = world.ask(0, cursor.as_deref()).unwrap();
        assert_eq!(page.applications.iter().map(|case| case.id).collect::<Vec<_>>(), [id], "the one that changed");
        let (whole, one) = (serde_json::to_vec(&all).unwrap().len(), size(&page));
        println!("500 cases: whole {whole} bytes, one change {one}, nothing {nothing}");
        assert!(one * 100 < whole && nothing < 600, "whole {whole}, one change {one}, nothing {nothing}");
    }
}
