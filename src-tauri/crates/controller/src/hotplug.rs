//! What is plugged in, told as soon as one driver knows it.
//!
//! Every driver is asked about once a second by a task of its own (design §5.6: poll and compare), so that one that hangs,
//! crashes or waits for somebody's PIN pad holds up no other. What a driver said last stands until it says something else.
//! A helper that fails again and again is started at growing intervals (`certdesk_token::module`); until then its last
//! failure is its answer.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use certdesk_domain::Timestamp;
use certdesk_token::{Module, TokenError, TokenInfo};
use futures_util::future::join_all;
use tokio::{sync::watch, time::timeout};

use crate::{
    Controller, Inner,
    certificates::Standings,
    failure::{Failure, LocalCode},
    folding::{Folded, Look, fold},
    keys::{Driver, Drivers, Seen, SessionKey, key_view},
    view::{Event, FailingDriver, KeyState, KeyStrip},
};

/// How often a driver is asked.
const POLL: Duration = Duration::from_secs(1);

/// Every how many polls the objects on a token are read again although nothing points to a change: another program may
/// have written to it.
const THOROUGH: u32 = 30;

/// How long a look at all keys waits for a driver that has answered before.
const PATIENCE: Duration = Duration::from_secs(1);

/// The same for one that has not: loading it takes its time.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);

/// How long the keys wait for what is kept about them: which drivers are wanted, what was said of certificates. A key
/// store may be waiting for a person, and the keys are shown meanwhile; a driver that is not wanted is then asked until
/// that is known.
const KEPT_PATIENCE: Duration = Duration::from_secs(2);

/// How long the key of a session may be out: long enough to put it into another port, short enough not to leave a session
/// behind for whoever sits down next. Nothing that needs the key can be done meanwhile, and afterwards it wants its PIN.
const ABSENCE: Duration = Duration::from_secs(10);

/// The drivers, each with what it said last.
#[derive(Default)]
pub(crate) struct Hotplug {
    watched: Mutex<AllWatched>,
    /// Held while a strip is put together and told, so that none overtakes a newer one.
    telling: Mutex<()>,
    absence: Mutex<Absence>,
}

#[derive(Clone)]
struct AllWatched {
    /// In the order in which they are asked for a token that several show.
    drivers: Vec<Arc<Watched>>,
    /// What is the case where there is none.
    without: KeyState,
}

impl Default for AllWatched {
    fn default() -> Self {
        Self { drivers: Vec::new(), without: KeyState::Reading }
    }
}

struct Watched {
    driver: Driver,
    /// Counts the wishes for a fresh answer.
    wishes: watch::Sender<u64>,
    /// The last wish that was served.
    served: watch::Sender<u64>,
    last: Mutex<Option<Result<Vec<TokenInfo>, TokenError>>>,
}

/// Where the key of the session was, and since when it is not there any more.
#[derive(Default)]
struct Absence {
    key: Option<SessionKey>,
    driver: Option<PathBuf>,
    since: Option<Instant>,
}

impl Hotplug {
    /// The tokens of all drivers, in a stable order. One that several drivers show is there once.
    pub(crate) fn tokens(&self) -> Vec<Seen> {
        let (mut tokens, _) = self.shown();
        tokens.sort_by(|a, b| a.info.id.cmp(&b.info.id));
        tokens
    }

    /// Modules that show a key another module shows better, once for each such key.
    pub(crate) fn folded(&self) -> Vec<PathBuf> {
        self.shown().1.into_iter().map(|folded| folded.token.module.path().to_owned()).collect()
    }

    fn shown(&self) -> (Vec<Seen>, Vec<Folded<Seen>>) {
        let mut shown = Vec::new();
        for watched in self.watched() {
            if let Some(Ok(tokens)) = &*watched.last() {
                let module = &watched.driver.module;
                shown.extend(tokens.iter().map(|info| Seen { info: info.clone(), module: module.clone() }));
            }
        }
        fold(shown, |seen| Look::at(seen.module.path(), &seen.info))
    }

    /// How many keys a driver shows, as it said last; a driver that has not answered yet does not answer.
    pub(crate) fn said(&self, module: &Path) -> Option<Result<usize, TokenError>> {
        let watched = self.of(module)?;
        let unanswered = TokenError::Hung { call: "list".into(), after: FIRST_PATIENCE };
        let said = watched.last().clone().unwrap_or(Err(unanswered));
        Some(said.map(|tokens| tokens.len()))
    }

    /// Watches these drivers and no others. One that is watched already keeps what it said.
    fn watch(&self, drivers: &Drivers, inner: &Weak<Inner>) {
        let mut held = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = drivers.usable.iter().map(|driver| {
            let same = held.drivers.iter().find(|known| known.driver.is(driver));
            same.cloned().unwrap_or_else(|| {
                let watched = Arc::new(Watched {
                    driver: driver.clone(),
                    wishes: watch::Sender::new(0),
                    served: watch::Sender::new(0),
                    last: Mutex::default(),
                });
                tokio::spawn(ask_on_and_on(Arc::downgrade(&watched), inner.clone()));
                watched
            })
        });
        let drivers_watched = watched.collect();
        *held = AllWatched { drivers: drivers_watched, without: drivers.none_to_ask().unwrap_or(KeyState::NoKey) };
    }

    fn all_watched(&self) -> AllWatched {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn watched(&self) -> Vec<Arc<Watched>> {
        self.all_watched().drivers
    }

    fn of(&self, module: &Path) -> Option<Arc<Watched>> {
        self.watched().into_iter().find(|watched| watched.driver.module.path() == module)
    }

    /// The first driver that showed such a token when it answered last.
    fn that_shows(&self, is_it: impl Fn(&TokenInfo) -> bool) -> Option<Arc<Watched>> {
        let shows = |watched: &Arc<Watched>| matches!(&*watched.last(), Some(Ok(shown)) if shown.iter().any(&is_it));
        self.watched().into_iter().find(shows)
    }

    fn strip(&self, standings: &Standings, now: Timestamp) -> KeyStrip {
        let mut keys: Vec<_> = self.tokens().iter().map(|seen| key_view(seen, standings, now)).collect();
        keys.sort_by(|a, b| (&a.label, &a.serial).cmp(&(&b.label, &b.serial)));
        let AllWatched { drivers, without } = self.all_watched();
        let mut failing = Vec::new();
        let mut reading = false;
        for watched in drivers {
            match &*watched.last() {
                None => reading = true,
                Some(Ok(_)) => {}
                Some(Err(error)) => failing.push(FailingDriver {
                    driver: watched.driver.file_name.clone(),
                    failure: Failure::from(error.clone()),
                }),
            }
        }
        let state = match failing.first().cloned() {
            _ if !keys.is_empty() => KeyState::Present,
            Some(FailingDriver { driver, failure }) => KeyState::DriverFailed { driver, failure },
            None if reading => KeyState::Reading,
            None => without,
        };
        KeyStrip { state, keys, failing }
    }

    /// Since when the session's key is out; `None` while it is in, or while nobody can tell: a driver that fails says
    /// nothing about its keys.
    fn absent_since(&self, key: Option<SessionKey>) -> Option<Instant> {
        let mut absence = self.absence.lock().unwrap_or_else(PoisonError::into_inner);
        if absence.key != key {
            *absence = Absence { key, ..Absence::default() };
        }
        let key = absence.key.clone()?;
        let is_it = |token: &TokenInfo| {
            token.id == key.id || token.certificates.iter().any(|held| held.der == key.certificate_der)
        };
        if let Some(holder) = self.that_shows(is_it) {
            absence.driver = Some(holder.driver.module.path().to_owned());
            absence.since = None;
            return None;
        }
        let holder = absence.driver.as_deref().and_then(|module| self.of(module));
        let says_so = holder.is_some_and(|held| matches!(&*held.last(), Some(Ok(_))));
        if !says_so {
            return None;
        }
        Some(*absence.since.get_or_insert_with(Instant::now))
    }
}

impl Watched {
    fn last(&self) -> MutexGuard<'_, Option<Result<Vec<TokenInfo>, TokenError>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an answer to a question that is put after this call.
    async fn ask_anew(&self) {
        let mut served = self.served.subscribe();
        let mut wish = 0;
        self.wishes.send_modify(|wishes| {
            *wishes += 1;
            wish = *wishes;
        });
        // The sender is our own: it cannot be gone.
        let _ = served.wait_for(|served| *served >= wish).await;
    }

    fn patience(&self) -> Duration {
        if self.last().is_some() { PATIENCE } else { FIRST_PATIENCE }
    }
}

/// Asks one driver until it is watched no more. Never two questions at once: who wishes for an answer meanwhile gets the
/// next.
async fn ask_on_and_on(watched: Weak<Watched>, inner: Weak<Inner>) {
    let Some((module, mut wishes)) = watched.upgrade().map(|it| (it.driver.module.clone(), it.wishes.subscribe()))
    else {
        return;
    };
    let mut before = 0;
    for round in 0u32.. {
        let serving = *wishes.borrow_and_update();
        let wished = serving != std::mem::replace(&mut before, serving);
        let answer = answer_of(&module, wished || round % THOROUGH == 0).await;
        let (Some(watched), Some(inner)) = (watched.upgrade(), inner.upgrade()) else { return };
        let changed = watched.last().as_ref() != Some(&answer);
        if changed {
            *watched.last() = Some(answer);
            let controller = Controller { inner };
            controller.tell_keys();
            controller.mind_session_key();
        }
        watched.served.send_replace(serving);
        drop(watched);
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            changed = wishes.changed() => if changed.is_err() { return },
        }
    }
}

async fn answer_of(module: &Module, thorough: bool) -> Result<Vec<TokenInfo>, TokenError> {
    if thorough { module.list().await } else { module.poll().await }
}

/// Runs until the program ends: looks which drivers there are, and once a second whether time alone changed anything.
pub(crate) async fn watch(inner: Weak<Inner>) {
    let mut pace = tokio::time::interval(POLL);
    let patient_until = Instant::now() + KEPT_PATIENCE;
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        let controller = Controller { inner };
        controller.load_kept(patient_until.saturating_duration_since(Instant::now())).await;
        controller.watch_drivers().await;
        controller.look_for_undriven().await;
        controller.tell_keys();
        controller.mind_session_key();
        controller.mind_idle_reader();
        controller.poll_changes();
        controller.poll_profiles();
    }
}

impl Controller {
    /// Asks all drivers now. One that does not answer within a second keeps what it said last; its answer is told when it
    /// comes.
    pub async fn refresh_keys(&self) -> Result<KeyStrip, Failure> {
        self.load_kept(KEPT_PATIENCE).await;
        self.watch_drivers().await;
        let watched = self.inner.keys.hotplug.watched();
        join_all(watched.iter().map(|watched| timeout(watched.patience(), watched.ask_anew()))).await;
        self.look_for_undriven().await;
        Ok(self.tell_keys())
    }

    /// Asks the driver that shows this key now, and waits for it alone.
    ///
    /// # Errors
    /// Those of the driver. A key that is not there (any more) is no error here.
    pub(crate) async fn refresh_key(&self, id: &str) -> Result<(), Failure> {
        let Some(watched) = self.inner.keys.hotplug.that_shows(|token| token.id == id) else {
            self.refresh_keys().await?;
            return Ok(());
        };
        watched.ask_anew().await;
        self.tell_keys();
        match &*watched.last() {
            Some(Err(error)) => Err(error.clone().into()),
            _ => Ok(()),
        }
    }

    /// Reads what is kept about keys, where that can be read without a person.
    async fn load_kept(&self, patience: Duration) {
        self.load_profiles().await;
        if self.is_open_within(patience).await {
            self.load_standings().await;
            self.load_module_choices().await;
        }
    }

    async fn watch_drivers(&self) {
        let drivers = self.inner.keys.drivers().await;
        self.inner.keys.hotplug.watch(&drivers, &Arc::downgrade(&self.inner));
    }

    /// Puts the strip together, and tells it where it changed.
    fn tell_keys(&self) -> KeyStrip {
        let hotplug = &self.inner.keys.hotplug;
        let _turn = hotplug.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let standings = self.state().standings.clone();
        let mut strip = hotplug.strip(&standings, self.service_now());
        strip.state = self.explained(strip.state);
        let mut state = self.state();
        let changed = state.strip != strip;
        state.strip = strip.clone();
        drop(state);
        if changed {
            self.emit(Event::Keys { keys: strip.clone() });
        }
        strip
    }

    /// Ends the session of a key that is out for longer than it takes to put it into another port.
    fn mind_session_key(&self) {
        let key = self.state().session_key.clone();
        if self.inner.keys.hotplug.absent_since(key.clone()).is_none_or(|since| since.elapsed() < ABSENCE) {
            return;
        }
        // Of two drivers that notice it together one ends it, and never the session of who logged in meanwhile.
        if self.state().session_key.take_if(|held| Some(&*held) == key.as_ref()).is_none() {
            return;
        }
        tokio::spawn(self.leave_session(Some(LocalCode::SessionKeyPulled.into())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use certdesk_domain::token::PinTries;
    use certdesk_token::{HostProgram, TokenCertificate};
    use proptest::prelude::*;

    const HOLDER: usize = 0;
    const OTHER: usize = 1;

    /// Two drivers that nobody asks; the test says what they said.
    fn two_drivers() -> Hotplug {
        let watched = |file_name: &str| {
            let host = HostProgram { path: "/nonexistent/host".into(), environment: Vec::new() };
            let module = Module::new(host, Path::new("/nonexistent").join(file_name));
            Arc::new(Watched {
                driver: Driver { file_name: file_name.into(), module },
                wishes: watch::Sender::new(0),
                served: watch::Sender::new(0),
                last: Mutex::default(),
            })
        };
        let drivers = vec![watched("a.so"), watched("b.so")];
        Hotplug { watched: Mutex::new(AllWatched { drivers, without: KeyState::NoKey }), ..Hotplug::default() }
    }

    fn say(hotplug: &Hotplug, driver: usize, answer: Result<Vec<TokenInfo>, TokenError>) {
        *hotplug.watched()[driver].last() = Some(answer);
    }

    fn token(id: &str) -> TokenInfo {
        let certificate = |der: &[u8]| TokenCertificate {
            key_id: vec![1],
            label: String::new(),
            der: der.to_vec(),
            has_private_key: true,
        };
        TokenInfo {
            id: id.into(),
            slot: 0,
            reader: String::new(),
            label: String::new(),
            manufacturer: String::new(),
            model: String::new(),
            serial: String::new(),
            tries: PinTries::NoWarning,
            so_tries: PinTries::NoWarning,
            pin_must_change: false,
            pin_min: 4,
            pin_max: 8,
            pin_pad: false,
            initialised: true,
            user_pin_set: true,
            write_protected: false,
            logged_in: false,
            certificates: vec![certificate(id.as_bytes())],
        }
    }

    fn session() -> Option<SessionKey> {
        Some(SessionKey { id: "mine".into(), certificate_der: b"mine".to_vec() })
    }

    fn strip(hotplug: &Hotplug) -> KeyStrip {
        hotplug.strip(&Standings::default(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn each_driver_shows_its_keys_as_soon_as_it_knows_them() {
        let hotplug = two_drivers();
        assert_eq!(strip(&hotplug).state, KeyState::Reading, "before the first answer nothing is said");
        say(&hotplug, OTHER, Ok(vec![token("a key")]));
        assert_eq!(strip(&hotplug).keys.len(), 1, "the one that answered shows its key, the other still reads");
        say(&hotplug, HOLDER, Err(TokenError::Crashed));
        let told = strip(&hotplug);
        assert_eq!(told.state, KeyState::Present, "a driver that fails takes no other's key away");
        assert_eq!(told.failing[0].driver, "a.so", "and is named");
        say(&hotplug, OTHER, Ok(vec![]));
        assert!(matches!(strip(&hotplug).state, KeyState::DriverFailed { .. }), "without a key it is the reason");
        say(&hotplug, HOLDER, Ok(vec![]));
        assert_eq!(strip(&hotplug).state, KeyState::NoKey);
    }

    #[test]
    fn a_token_that_two_drivers_show_is_one_key_and_the_firsts() {
        let hotplug = two_drivers();
        say(&hotplug, HOLDER, Ok(vec![token("both"), token("mine")]));
        say(&hotplug, OTHER, Ok(vec![token("both")]));
        let tokens = hotplug.tokens();
        assert_eq!(tokens.len(), 2, "two tokens are there");
        assert!(tokens.iter().all(|seen| seen.module.path().ends_with("a.so")), "the first driver keeps what it shows");
    }

    #[test]
    fn the_key_of_a_session_is_out_only_when_its_own_driver_says_so() {
        let hotplug = two_drivers();
        assert_eq!(hotplug.absent_since(session()), None, "a key that was never seen is not missed");
        say(&hotplug, HOLDER, Ok(vec![token("mine")]));
        say(&hotplug, OTHER, Ok(vec![]));
        assert_eq!(hotplug.absent_since(session()), None, "it is there");
        say(&hotplug, HOLDER, Err(TokenError::Crashed));
        assert_eq!(hotplug.absent_since(session()), None, "a driver that crashed says nothing about its keys");
        say(&hotplug, HOLDER, Ok(vec![]));
        let since = hotplug.absent_since(session()).expect("now it is missed");
        assert_eq!(hotplug.absent_since(session()), Some(since), "from the first moment on");
        say(&hotplug, HOLDER, Ok(vec![token("mine")]));
        assert_eq!(hotplug.absent_since(session()), None, "put in again, it was never out");
        say(&hotplug, HOLDER, Ok(vec![]));
        assert_ne!(hotplug.absent_since(session()), Some(since), "and is missed anew");
        assert_eq!(hotplug.absent_since(None), None, "a session by password misses no key");
    }

    #[test]
    fn a_certificate_that_moved_to_another_driver_is_there() {
        let hotplug = two_drivers();
        say(&hotplug, HOLDER, Ok(vec![token("mine")]));
        hotplug.absent_since(session());
        say(&hotplug, HOLDER, Ok(vec![]));
        say(&hotplug, OTHER, Ok(vec![TokenInfo { id: "in another port".into(), ..token("mine") }]));
        assert_eq!(hotplug.absent_since(session()), None, "the certificate says which key it is");
    }

    proptest! {
        #[test]
        fn whatever_a_helper_says_of_its_keys_makes_a_strip(
            said in proptest::collection::vec(
                (any::<String>(), any::<String>(), proptest::collection::vec(any::<u8>(), 0..80), any::<bool>(), any::<u32>()),
                0..4,
            ),
            other in any::<bool>(),
        ) {
            let hotplug = two_drivers();
            let tokens = said.into_iter().map(|(id, serial, der, logged_in, pin_max)| {
                let mut token = TokenInfo { serial: serial.clone(), label: serial, logged_in, pin_max, ..token(&id) };
                token.certificates[0].der = der;
                token
            });
            let tokens: Vec<_> = tokens.collect();
            say(&hotplug, HOLDER, Ok(tokens.clone()));
            say(&hotplug, OTHER, if other { Ok(tokens.clone()) } else { Err(TokenError::Crashed) });
            let strip = strip(&hotplug);
            prop_assert!(strip.keys.len() <= 2 * tokens.len());
            prop_assert_eq!(strip.keys.is_empty(), tokens.is_empty(), "a key that is shown is shown");
            prop_assert!(strip.keys.iter().all(|key| hotplug.tokens().iter().any(|seen| seen.info.id == key.id)));
            hotplug.absent_since(session());
        }
    }
}
