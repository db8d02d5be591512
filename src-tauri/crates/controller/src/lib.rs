//! The program without a window: everything a person can do, as methods of [`Controller`], and events for what happens
//! unasked. The window, the command line and the journey tests all drive this; only `src-tauri/src` knows Tauri.
//!
//! Rooms: [`account`](self) (agreement, registration, login), `keys` (drivers and logins), `hotplug` (what is
//! plugged in), `pin` (prompts), `guide`
//! (draft, form, handing in), `files` (picked, looked at, shown), `fields` (what can be typed, and its merge), `sync` (drafts and the service), `uploads` (one
//! ordered queue), `outbox` (acts that wait for the service), `issuance` (制证), `cases` (my applications), `changes` (what the service has by now), `certificates` (mine, and removing old ones),
//! `acts` (taking back, receipts), `notices`, `calendar`, `personal` (用户信息), `local_data`, `offline` (reading after a start without the service), `recovery` (without key or
//! password), `network` (proxy, bandwidth, sleep), `drivers`, `modules`, `profiles`, `doctor` (检查本机), `query` (without login), `search` (one box for everything), `announcements` (what is revoked), `media` (loopback door for the video
//! player), `storage` (the cache and its key), `demo`.
//!
//! Tasks run beside the calls: one for each driver asks it once a second what is plugged in, one empties the upload queue,
//! one tells the service of drafts, one sends the outbox, one notices when the computer slept. Everything else happens inside the method that was
//! called, so a test can await it.

mod account;
mod acts;
pub mod announcements;
pub mod bindings;
mod calendar;
mod cases;
mod certificates;
mod changes;
pub mod command;
mod convert;
pub mod crash;
mod demo;
pub mod doctor;
mod drivers;
pub mod failure;
mod fields;
pub mod file_facts;
mod files;
mod folding;
mod form_signature;
mod guide;
mod hotplug;
pub mod installed;
mod issuance;
mod keys;
mod local_data;
mod media;
mod modules;
mod network;
mod notices;
mod offline;
mod outbox;
mod personal;
pub mod picker;
mod pin;
mod predecessor;
mod profiles;
mod query;
mod recovery;
mod search;
pub mod storage;
mod sync;
mod uploads;
pub mod view;

use std::{
    collections::HashMap,
    ffi::OsString,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use certdesk_cache::{Cache, Document};
use certdesk_contract::{ProblemCode, account::ConsentReceipt, account::ConsentSubject, catalogue::Catalogue};
use certdesk_domain::Timestamp;
use certdesk_portal::{Fetched, Portal, PortalConfig};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{OnceCell, broadcast};
use url::Url;

pub use certdesk_token::Pin;
pub use demo::Demo;
pub use failure::{Failure, LocalCode};
pub use pin::{PinEntry, Ticket};
pub use uuid::Uuid;

use failure::FailureCode;
use view::{Event, Home, KeyState, KeyStrip, ServiceState, SessionView, Settings};

/// What a start of the program is given.
pub struct Options {
    /// Folder for local state; made when missing.
    pub data: PathBuf,
    /// Address of the service, `https://host[:port]`.
    pub service: Option<String>,
    /// The demo's own root and secret; `None` outside the demo.
    pub demo: Option<Demo>,
    /// PKCS#11 modules to use in place of what the profiles find.
    pub modules: Vec<PathBuf>,
    /// The helper program that loads them.
    pub token_host: PathBuf,
    /// Extra environment for the helper, for example `SOFTHSM2_CONF` in tests.
    pub token_environment: Vec<(OsString, OsString)>,
    /// How files are asked for.
    pub picker: Arc<dyn picker::Picker>,
    /// The computer that the doctor looks at.
    pub machine: doctor::Machine,
    /// Who keeps the key of what is kept here.
    pub key_store: Arc<dyn storage::KeyStore>,
}

/// The program. Cheap to clone.
#[derive(Clone)]
pub struct Controller {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    portal: Result<Portal, Failure>,
    /// Opened by the first who needs it: the first paint waits for neither disk nor key store.
    storage: storage::Storage,
    settings_read: OnceCell<()>,
    standings_read: OnceCell<()>,
    modules_read: OnceCell<()>,
    profiles_read: OnceCell<()>,
    published: profiles::Published,
    keys: keys::Keys,
    prompts: pin::Prompts,
    uploads: uploads::Uploads,
    sync: sync::Sync,
    outbox: outbox::Outbox,
    offline: offline::Offline,
    media: media::Media,
    /// Held while a signed form gets its owner, and while those without one are removed.
    signed_forms: tokio::sync::Mutex<()>,
    renewal: changes::Renewal,
    /// Held while notices are looked at, and what was told of them is written.
    notices: tokio::sync::Mutex<()>,
    drivers: drivers::Drivers,
    doctor: doctor::Doctor,
    events: broadcast::Sender<Event>,
    state: Mutex<State>,
}

/// What is held in memory. The lock is never held across an await.
struct State {
    session: Option<SessionView>,
    /// The key that logged in.
    session_key: Option<keys::SessionKey>,
    strip: KeyStrip,
    /// What the service said of certificates, of whatever account.
    standings: certificates::Standings,
    service: ServiceState,
    settings: Settings,
    catalogue: Option<Catalogue>,
    network: view::NetworkSettings,
    catalogue_asked: Option<Instant>,
    consents: HashMap<ConsentSubject, ConsentReceipt>,
    /// Key and name of a change of password whose answer is not known.
    password_change: Option<(Uuid, Uuid)>,
    unread_notices: u32,
    changes_asked: Option<Instant>,
    dropped: Vec<PathBuf>,
}

impl Controller {
    /// Makes the program and starts its tasks. Touches neither disk nor network nor token before it returns.
    ///
    /// Must be called inside a tokio runtime.
    pub fn start(options: Options) -> Self {
        let portal = portal(&options);
        let service = ServiceState {
            address: options.service.clone().unwrap_or_default(),
            reachable: None,
            seen_at: None,
            failure: portal.as_ref().err().cloned(),
        };
        let state = State {
            session: None,
            session_key: None,
            strip: KeyStrip { state: KeyState::Reading, keys: Vec::new(), failing: Vec::new() },
            standings: certificates::Standings::default(),
            service,
            settings: Settings::default(),
            catalogue: None,
            network: view::NetworkSettings::default(),
            catalogue_asked: None,
            consents: HashMap::new(),
            password_change: None,
            unread_notices: 0,
            changes_asked: None,
            dropped: Vec::new(),
        };
        let controller = Self {
            inner: Arc::new(Inner {
                keys: keys::Keys::new(&options),
                options,
                portal,
                storage: storage::Storage::default(),
                settings_read: OnceCell::new(),
                standings_read: OnceCell::new(),
                modules_read: OnceCell::new(),
                profiles_read: OnceCell::new(),
                published: profiles::Published::default(),
                prompts: pin::Prompts::default(),
                uploads: uploads::Uploads::default(),
                sync: sync::Sync::default(),
                outbox: outbox::Outbox::default(),
                offline: offline::Offline::default(),
                media: media::Media::default(),
                signed_forms: tokio::sync::Mutex::default(),
                renewal: changes::Renewal::default(),
                notices: tokio::sync::Mutex::default(),
                drivers: drivers::Drivers::default(),
                doctor: doctor::Doctor::default(),
                events: broadcast::Sender::new(256),
                state: Mutex::new(state),
            }),
        };
        tokio::spawn(hotplug::watch(Arc::downgrade(&controller.inner)));
        tokio::spawn(uploads::run(Arc::downgrade(&controller.inner)));
        tokio::spawn(sync::run(Arc::downgrade(&controller.inner)));
        tokio::spawn(outbox::run(Arc::downgrade(&controller.inner)));
        tokio::spawn(network::watch(Arc::downgrade(&controller.inner)));
        controller
    }

    /// What happens unasked, from now on. A reader that falls 256 events behind misses the oldest and should ask anew.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Everything the home screen shows.
    pub async fn home(&self) -> Result<Home, Failure> {
        // Before the first page is drawn in the wrong language. The shell asked for them at the start, so they are here
        // by now; a slow disk does not hold up the first paint.
        let _ = tokio::time::timeout(SETTINGS_PATIENCE, self.load_settings()).await;
        let (drafts, withdrawals) = match self.account_name() {
            Ok(account) => (self.draft_summaries(account.clone()).await?, self.queued_withdrawals(account).await?),
            Err(_) => (Vec::new(), Vec::new()),
        };
        let state = self.state();
        Ok(Home {
            session: state.session.clone(),
            keys: state.strip.clone(),
            service: state.service.clone(),
            settings: state.settings.clone(),
            demo: self.inner.options.demo.is_some(),
            drafts,
            withdrawals,
            unread_notices: state.unread_notices,
            storage: self.storage_view(),
        })
    }

    /// Keeps language and look.
    pub async fn save_settings(&self, settings: Settings) -> Result<(), Failure> {
        // First, so that what was kept before cannot come in over this choice.
        self.load_settings().await;
        self.state().settings = settings.clone();
        self.with_cache(move |cache| cache.put_setting("settings", &settings)).await
    }

    /// Reads language, look and network settings of the last start, once; the defaults where there are none.
    pub async fn load_settings(&self) {
        let load = async || {
            match self.with_cache(|cache| cache.setting::<Settings>("settings")).await {
                Ok(kept) => self.state().settings = kept.unwrap_or_default(),
                Err(failure) => tracing::warn!(code = ?failure.code, "settings not read"),
            }
            if let Err(failure) = self.load_network().await {
                tracing::warn!(code = ?failure.code, "network settings not read");
            }
        };
        self.inner.settings_read.get_or_init(load).await;
    }

    /// A second start of the program was noticed: tells the window.
    pub fn second_start(&self) {
        self.emit(Event::SecondStart);
    }

    /// Files were dropped at a point of the window (CSS pixels). They stay in Rust; the page answers with
    /// [`Controller::add_dropped`] once it knows what lies there.
    pub fn dropped(&self, paths: Vec<PathBuf>, x: f64, y: f64) {
        let count = u32::try_from(paths.len()).unwrap_or(u32::MAX);
        self.state().dropped = paths;
        self.emit(Event::Dropped { x, y, count });
    }

    /// The regions packaged with the program.
    pub async fn regions(&self) -> Result<Vec<certdesk_domain::region::Region>, Failure> {
        Ok(certdesk_domain::region::all().to_vec())
    }

    /// What the service asks for. Answered from what is known, renewed behind; fetched only where nothing is known.
    pub async fn catalogue(&self) -> Result<Catalogue, Failure> {
        let known = self.state().catalogue.clone();
        let known = match known {
            Some(known) => Some(known),
            None => self.kept_catalogue().await?,
        };
        let Some(known) = known else { return self.fetch_catalogue().await };
        if !self.catalogue_is_due() {
            return Ok(known);
        }
        let renew = self.clone();
        tokio::spawn(async move {
            if let Err(failure) = renew.fetch_catalogue().await {
                tracing::info!(code = ?failure.code, "catalogue not renewed");
            }
        });
        Ok(known)
    }

    /// Whether to ask again, now: a guide that asks with every field it saves must not fetch with every field.
    fn catalogue_is_due(&self) -> bool {
        let mut state = self.state();
        let due = state.catalogue_asked.is_none_or(|asked| asked.elapsed() >= CATALOGUE_LIFE);
        if due {
            state.catalogue_asked = Some(Instant::now());
        }
        due
    }

    /// Passes an answer on. Where the service names a newer text than was accepted, that text is here before the
    /// failure is told, so that it can be read and accepted at once.
    async fn consented<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        if answer.as_ref().is_err_and(|failure| failure.is_said(ProblemCode::StaleConsent))
            && let Err(failure) = self.fetch_catalogue().await
        {
            tracing::info!(code = ?failure.code, "catalogue not renewed");
        }
        answer
    }

    async fn kept_catalogue(&self) -> Result<Option<Catalogue>, Failure> {
        self.kept(CATALOGUE.to_owned()).await
    }

    async fn fetch_catalogue(&self) -> Result<Catalogue, Failure> {
        let kept = self.with_cache(|cache| cache.document(CATALOGUE)).await?;
        let etag = kept.as_ref().and_then(|document| document.etag.clone());
        let answer = self.portal()?.catalogue(etag.as_deref()).await;
        let catalogue = match (self.noted(answer)?, kept) {
            (Fetched::New { value, etag }, _) => {
                self.keep(CATALOGUE.to_owned(), etag, &value).await?;
                value
            }
            (Fetched::NotModified, Some(kept)) => serde_json::from_value(kept.json).map_err(convert::internal)?,
            (Fetched::NotModified, None) => return Err(LocalCode::ServiceGarbled.into()),
        };
        let mut state = self.state();
        state.catalogue = Some(catalogue.clone());
        state.catalogue_asked = Some(Instant::now());
        Ok(catalogue)
    }

    /// A document of the cache. One that a later version wrote and this one cannot read counts as not there.
    async fn kept<T: DeserializeOwned>(&self, name: String) -> Result<Option<T>, Failure> {
        let kept = self.with_cache(move |cache| cache.document(&name)).await?;
        Ok(kept.and_then(|document| serde_json::from_value(document.json).ok()))
    }

    /// What the service answers, kept under a name; when it is away what it answered last, `otherwise` where it never did.
    async fn or_as_last_seen<T: Serialize + DeserializeOwned>(
        &self,
        name: String,
        answer: Result<T, certdesk_portal::PortalError>,
        otherwise: impl FnOnce(Failure) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self.noted(answer) {
            Ok(value) => {
                self.keep(name, None, &value).await?;
                Ok(value)
            }
            Err(failure) if failure.is_away() => self.kept(name).await?.map_or_else(|| otherwise(failure), Ok),
            Err(failure) => Err(failure),
        }
    }

    async fn keep<T: Serialize>(&self, name: String, etag: Option<String>, value: &T) -> Result<(), Failure> {
        let json = serde_json::to_value(value).map_err(convert::internal)?;
        self.with_cache(move |cache| cache.put_document(&name, &Document { etag, json })).await
    }

    fn portal(&self) -> Result<&Portal, Failure> {
        self.inner.portal.as_ref().map_err(Clone::clone)
    }

    /// Passes an answer of the service on and notes on the way whether the service is there and whether the session is.
    fn noted<T>(&self, answer: Result<T, certdesk_portal::PortalError>) -> Result<T, Failure> {
        // Not sent: that says nothing about the service.
        if matches!(answer, Err(certdesk_portal::PortalError::HeldBack)) {
            return answer.map_err(Failure::from);
        }
        let answer = answer.map_err(Failure::from);
        let reachable = match &answer {
            Ok(_) => true,
            Err(failure) => matches!(failure.code, FailureCode::Service(_)),
        };
        let shown = match &answer {
            Err(failure) if !reachable => Some(failure.clone()),
            _ => self.portal()?.clock_skew().and_then(wrong_clock),
        };
        if let Err(failure) = &answer
            && failure.is(LocalCode::ProxyLoginNeeded)
            && failure.detail.as_deref() == Some(network::REFUSED)
        {
            self.forget_refused_login();
        }
        let mut state = self.state();
        let changed = state.service.reachable != Some(reachable) || state.service.failure != shown;
        let back = reachable && state.service.reachable == Some(false);
        state.service.reachable = Some(reachable);
        if reachable {
            state.service.seen_at = Some(Timestamp::now_utc());
        }
        state.service.failure = shown;
        let service = state.service.clone();
        drop(state);
        if changed {
            self.emit(Event::Service { service });
        }
        if back {
            self.back_online();
        }
        match answer {
            Err(failure) if failure.is_session_end() && self.state().session.is_some() => {
                self.end_session(Some(LocalCode::SessionEnded.into()));
                Err(LocalCode::SessionEnded.into())
            }
            other => {
                // It may be the certificate that logged in; then the session is over too.
                if other.as_ref().is_err_and(Failure::is_certificate_end) {
                    self.inner.sync.doubt_session();
                }
                other
            }
        }
    }

    /// Runs `work` on the cache, off the async threads.
    async fn with_cache<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Cache) -> Result<T, certdesk_cache::CacheError> + Send + 'static,
    {
        let cache = self.opened().await?.cache;
        let done = tokio::task::spawn_blocking(move || work(&cache)).await.map_err(convert::internal)?;
        if matches!(done, Err(certdesk_cache::CacheError::Corrupt)) {
            self.note_damage();
        }
        done.map_err(Failure::from)
    }

    /// The time as the service has it: certificates begin and end by it, also where this computer's clock is wrong.
    fn service_now(&self) -> Timestamp {
        let skew = self.inner.portal.as_ref().ok().and_then(Portal::clock_skew);
        Timestamp::now_utc() - skew.filter(|skew| skew.abs() > CLOCK_TOLERANCE).unwrap_or_default()
    }

    fn account_name(&self) -> Result<String, Failure> {
        let state = self.state();
        let session = state.session.as_ref().ok_or(LocalCode::SessionEnded)?;
        Ok(session.account.name.clone())
    }

    fn emit(&self, event: Event) {
        // Nobody listening is fine: the command line often is not.
        let _ = self.inner.events.send(event);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

const CATALOGUE: &str = "catalogue";

/// How long a catalogue is taken as it is before the service is asked whether it still holds.
const CATALOGUE_LIFE: Duration = Duration::from_secs(60);

/// How long the first paint waits for language and look.
const SETTINGS_PATIENCE: Duration = Duration::from_millis(300);

/// A clock that is off by more than this makes certificates look expired and logins look late.
const CLOCK_TOLERANCE: time::Duration = time::Duration::minutes(5);

/// Says so where this computer's clock is off. `skew`: how much it is ahead of the service's.
fn wrong_clock(skew: time::Duration) -> Option<Failure> {
    let off = skew.abs() > CLOCK_TOLERANCE;
    off.then(|| clock_wrong(skew))
}

/// `skew`: how much this computer's clock is ahead of the service's.
fn clock_wrong(skew: time::Duration) -> Failure {
    Failure::new(LocalCode::ClockWrong).with_detail(format!("{} min", skew.whole_minutes()))
}

/// Makes the folder for local state, readable for its owner alone where the system has such modes.
fn private_folder(path: &std::path::Path) -> std::io::Result<()> {
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path)
}

/// Writes a small file for its owner alone in the place of the one before; it is on the disk before it takes its place, and
/// has taken it when this returns. Its folder is made where it is not there.
fn replace_file(
    path: &std::path::Path,
    write: impl FnOnce(&mut std::fs::File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let new = path.with_extension("new");
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    write(&mut file)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// The names in a folder are on the disk. Where folders cannot be opened, the system sees to it.
fn sync_folder(folder: &std::path::Path) -> std::io::Result<()> {
    if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

fn portal(options: &Options) -> Result<Portal, Failure> {
    let address = options.service.as_deref().ok_or(LocalCode::NoServiceAddress)?;
    let base = Url::parse(address).map_err(|_| LocalCode::BadServiceAddress)?;
    let config = PortalConfig {
        base,
        extra_roots: options.demo.iter().map(|demo| demo.root_der.clone()).collect(),
        user_agent: concat!("certdesk/", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let portal = Portal::new(config)?;
    let helper = certdesk_token::HostProgram { path: options.token_host.clone(), environment: Vec::new() };
    portal.run_scripts_by(Arc::new(network::InHelper(helper)));
    Ok(portal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_off_by_a_day_is_told_and_a_few_seconds_are_not() {
        assert_eq!(wrong_clock(time::Duration::seconds(-40)), None, "forty seconds disturb nobody");
        let day = wrong_clock(time::Duration::days(-1)).expect("a day is told");
        assert!(day.is(LocalCode::ClockWrong), "in its own words");
        assert_eq!(day.detail.as_deref(), Some("-1440 min"), "with the difference");
    }
}
