//! What lies on this computer, as a person meets it: kept by a key store, by a passphrase or not at all; lost keys,
//! damaged files, files of other versions.
#![allow(clippy::unwrap_used, reason = "a stage that cannot be set is a failed test")]

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, mpsc},
    time::Duration,
};

use certdesk_cache::{Cache, CacheKey, Draft};
use certdesk_controller::{
    Controller, Failure, LocalCode, Options, Uuid,
    doctor::Machine,
    picker::NoPicker,
    storage::{DemoKeyStore, KeyStore, KeyStoreError, NoKeyStore},
    view::{KeyKeeping, KeyState, Locale, Settings, StorageQuestion, StorageState, StorageTrouble, StorageView, Theme},
};
use certdesk_domain::{Business, Timestamp};
use tempfile::TempDir;

const PASSPHRASE: &str = "金山大道的猫不吃鱼";

/// A key store that does as it is told.
#[derive(Default)]
struct Store {
    keys: Mutex<HashMap<Uuid, CacheKey>>,
    refusal: Mutex<Option<KeyStoreError>>,
    /// Each call is held up until something comes.
    hold: Option<Mutex<mpsc::Receiver<()>>>,
}

impl Store {
    fn refuse(&self, refusal: Option<KeyStoreError>) {
        *self.refusal.lock().unwrap() = refusal;
    }

    fn ask(&self) -> Result<MutexGuard<'_, HashMap<Uuid, CacheKey>>, KeyStoreError> {
        if let Some(hold) = &self.hold {
            let _ = hold.lock().unwrap().recv();
        }
        let refusal = self.refusal.lock().unwrap().clone();
        refusal.map_or_else(|| Ok(self.keys.lock().unwrap()), Err)
    }
}

impl KeyStore for Store {
    fn key(&self, name: Uuid) -> Result<Option<CacheKey>, KeyStoreError> {
        Ok(self.ask()?.get(&name).cloned())
    }

    fn keep(&self, name: Uuid, key: &CacheKey) -> Result<(), KeyStoreError> {
        self.ask()?.insert(name, key.clone());
        Ok(())
    }
}

/// A computer: a folder and a key store; the program is started on it as often as one likes.
struct Computer {
    folder: TempDir,
    store: Arc<Store>,
}

impl Computer {
    fn new() -> Self {
        Self::with(Store::default())
    }

    fn with(store: Store) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), store: Arc::new(store) }
    }

    fn start(&self) -> Controller {
        self.start_with(self.store.clone())
    }

    fn start_with(&self, key_store: Arc<dyn KeyStore>) -> Controller {
        Controller::start(Options {
            data: self.data(),
            service: None,
            demo: None,
            modules: Vec::new(),
            token_host: "no such helper".into(),
            token_environment: Vec::new(),
            picker: Arc::new(NoPicker),
            key_store,
            machine: Machine::here(),
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("数据 data")
    }

    fn cache(&self) -> PathBuf {
        self.data().join("certdesk.db")
    }

    /// Ends the program. Its last task lets go of the file a moment later: SQLite then takes the log away.
    async fn stop(&self, certdesk: Controller) {
        drop(certdesk);
        let log = self.data().join("certdesk.db-wal");
        let closed = async {
            while log.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), closed).await.expect("the file is closed");
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.data()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Caches that were set aside.
    fn aside(&self) -> Vec<String> {
        let ours = |name: &String| {
            name.starts_with("certdesk.db.set-aside-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        };
        self.files().into_iter().filter(ours).collect()
    }
}

/// Waits until the cache is open, or a person is asked.
async fn settled(certdesk: &Controller) -> StorageView {
    let mut events = certdesk.events();
    // Whoever reads the settings opens the cache; where a person is asked first, that waits.
    let opening = certdesk.clone();
    tokio::spawn(async move { opening.load_settings().await });
    loop {
        let view = certdesk.storage().await.unwrap();
        if !matches!(view.state, StorageState::Opening) {
            return view;
        }
        tokio::time::timeout(Duration::from_secs(30), events.recv()).await.expect("it settles").unwrap();
    }
}

/// Something that can be found again.
async fn keep_something(certdesk: &Controller) {
    certdesk.save_settings(Settings { locale: Locale::En, theme: Theme::Dark }).await.unwrap();
}

async fn is_kept(certdesk: &Controller) -> bool {
    certdesk.load_settings().await;
    certdesk.home().await.unwrap().settings.locale == Locale::En
}

fn kept(view: &StorageView) -> Option<KeyKeeping> {
    if let StorageState::Open { kept } = view.state { Some(kept) } else { None }
}

fn asked(view: &StorageView) -> Option<StorageQuestion> {
    if let StorageState::Asking { question, .. } = view.state { Some(question) } else { None }
}

fn refused(answer: Result<impl std::fmt::Debug, Failure>, code: LocalCode) {
    let failure = answer.expect_err("it must not go through");
    assert!(failure.is(code), "{code:?} expected, {failure:?} found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_store_keeps_the_key_and_nobody_is_asked() {
    let computer = Computer::new();
    let certdesk = computer.start();
    let view = settled(&certdesk).await;
    assert_eq!((kept(&view), &view.notice), (Some(KeyKeeping::KeyStore), &None));
    keep_something(&certdesk).await;
    computer.stop(certdesk).await;
    assert!(is_kept(&computer.start()).await, "the next start reads it");
    assert_eq!(computer.store.keys.lock().unwrap().len(), 1, "by the one key there is");
    let bytes = std::fs::read(computer.cache()).unwrap();
    assert_ne!(&bytes[..16], b"SQLite format 3\0", "and the file is encrypted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_page_waits_for_no_key_store() {
    let (let_go, hold) = mpsc::channel();
    let computer = Computer::with(Store { hold: Some(Mutex::new(hold)), ..Store::default() });
    let certdesk = computer.start();
    let home = tokio::time::timeout(Duration::from_secs(5), certdesk.home()).await.expect("home answers").unwrap();
    assert!(matches!(home.storage.state, StorageState::Opening), "while the key store is being asked");
    let writer = certdesk.clone();
    let writing = tokio::spawn(async move { keep_something(&writer).await });
    // It answers at last, for a new key and for the proof that it was kept.
    let_go.send(()).unwrap();
    let_go.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(30), writing).await.expect("what waited is done").unwrap();
    assert_eq!(kept(&certdesk.storage().await.unwrap()), Some(KeyKeeping::KeyStore));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_strip_waits_neither_for_a_key_store_nor_for_a_person() {
    let (_let_go, hold) = mpsc::channel();
    let silent = Computer::with(Store { hold: Some(Mutex::new(hold)), ..Store::default() });
    let asking = Computer::new();
    asking.store.refuse(Some(KeyStoreError::Away("no such service".into())));
    for computer in [silent, asking] {
        let certdesk = computer.start();
        let mut events = certdesk.events();
        let shown = async {
            while certdesk.home().await.unwrap().keys.state == KeyState::Reading {
                events.recv().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), shown).await.expect("the strip says how the keys stand");
        let state = certdesk.storage().await.unwrap().state;
        assert!(!matches!(state, StorageState::Open { .. }), "while nothing is open yet: {state:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_store_that_never_answers_keeps_nobody_from_working() {
    let (let_go, hold) = mpsc::channel();
    let computer = Computer::with(Store { hold: Some(Mutex::new(hold)), ..Store::default() });
    let certdesk = computer.start();
    assert!(matches!(certdesk.home().await.unwrap().storage.state, StorageState::Opening));
    let view = certdesk.keep_nothing().await.unwrap();
    assert_eq!(kept(&view), Some(KeyKeeping::Memory));
    keep_something(&certdesk).await;
    assert!(!computer.cache().exists(), "nothing was written");
    // Too late: what the person chose stays.
    drop(let_go);
    assert_eq!(kept(&certdesk.storage().await.unwrap()), Some(KeyKeeping::Memory));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_store_a_person_chooses_a_passphrase_and_is_asked_for_it_ever_after() {
    let computer = Computer::new();
    let start = || computer.start_with(Arc::new(NoKeyStore));
    let certdesk = start();
    assert_eq!(asked(&settled(&certdesk).await), Some(StorageQuestion::ChooseKeeping));
    refused(certdesk.choose_passphrase("1234567".into()).await, LocalCode::PassphraseTooShort);
    refused(certdesk.unlock_storage(PASSPHRASE.into()).await, LocalCode::BadCommand);
    let view = certdesk.choose_passphrase(PASSPHRASE.into()).await.unwrap();
    assert_eq!(kept(&view), Some(KeyKeeping::Passphrase));
    keep_something(&certdesk).await;

    let certdesk = start();
    assert_eq!(asked(&settled(&certdesk).await), Some(StorageQuestion::Passphrase));
    refused(certdesk.unlock_storage("金山大道的狗不吃鱼".into()).await, LocalCode::WrongPassphrase);
    refused(certdesk.choose_passphrase("another passphrase".into()).await, LocalCode::BadCommand);
    certdesk.unlock_storage(PASSPHRASE.into()).await.unwrap();
    assert!(is_kept(&certdesk).await, "what was kept is there");
    let wrong = certdesk.change_passphrase("wrong, wrong".into(), "another passphrase".into()).await;
    refused(wrong, LocalCode::WrongPassphrase);
    refused(certdesk.change_passphrase(PASSPHRASE.into(), "short".into()).await, LocalCode::PassphraseTooShort);
    certdesk.change_passphrase(PASSPHRASE.into(), "another passphrase".into()).await.unwrap();

    let certdesk = start();
    settled(&certdesk).await;
    refused(certdesk.unlock_storage(PASSPHRASE.into()).await, LocalCode::WrongPassphrase);
    certdesk.unlock_storage("another passphrase".into()).await.unwrap();
    assert!(is_kept(&certdesk).await, "the new one opens the same data");
    assert_eq!(computer.aside(), [""; 0], "nothing was set aside on the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_passphrase_is_a_clean_start_that_deletes_nothing() {
    let computer = Computer::new();
    let certdesk = computer.start_with(Arc::new(NoKeyStore));
    settled(&certdesk).await;
    certdesk.choose_passphrase(PASSPHRASE.into()).await.unwrap();
    keep_something(&certdesk).await;
    // Windows renames no file that somebody holds.
    computer.stop(certdesk).await;
    let certdesk = computer.start_with(Arc::new(NoKeyStore));
    settled(&certdesk).await;
    let view = certdesk.begin_storage_anew().await.unwrap();
    assert_eq!(asked(&view), Some(StorageQuestion::ChooseKeeping), "there is still no key store");
    let view = certdesk.keep_nothing().await.unwrap();
    let notice = view.notice.expect("it is told");
    assert_eq!(notice.trouble, StorageTrouble::BegunAnew);
    assert_eq!(computer.aside(), [notice.file], "the old file is there, under the name that was told");
    assert_eq!(certdesk.storage_notice_read().await.unwrap().notice, None, "and that was read");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_kept_leaves_nothing_and_touches_nothing() {
    let computer = Computer::new();
    let certdesk = computer.start();
    settled(&certdesk).await;
    keep_something(&certdesk).await;
    computer.stop(certdesk).await;
    let before = std::fs::read(computer.cache()).unwrap();

    computer.store.refuse(Some(KeyStoreError::Locked("prompt dismissed".into())));
    let certdesk = computer.start();
    assert_eq!(
        asked(&settled(&certdesk).await),
        Some(StorageQuestion::KeyStoreAway),
        "the key is there, not to be had"
    );
    refused(certdesk.choose_passphrase(PASSPHRASE.into()).await, LocalCode::BadCommand);
    certdesk.keep_nothing().await.unwrap();
    assert!(!is_kept(&certdesk).await, "this run knows nothing of what is kept");
    keep_something(&certdesk).await;
    computer.stop(certdesk).await;
    assert_eq!(std::fs::read(computer.cache()).unwrap(), before, "which lies as it was");

    let certdesk = computer.start();
    settled(&certdesk).await;
    computer.store.refuse(None);
    let view = certdesk.retry_storage().await.unwrap();
    assert_eq!((kept(&view), view.notice), (Some(KeyKeeping::KeyStore), None), "unlocked, it opens");
    assert!(is_kept(&certdesk).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_a_clean_start_told_in_a_sentence() {
    for emptied in [true, false] {
        let computer = Computer::new();
        let certdesk = computer.start();
        settled(&certdesk).await;
        keep_something(&certdesk).await;
        computer.stop(certdesk).await;
        // Emptied, or with another key under the same name.
        {
            let mut keys = computer.store.keys.lock().unwrap();
            if emptied { keys.clear() } else { keys.values_mut().for_each(|key| *key = CacheKey::random()) }
        }
        let certdesk = computer.start();
        let view = settled(&certdesk).await;
        let notice = view.notice.clone().expect("it is told");
        assert_eq!((kept(&view), notice.trouble), (Some(KeyKeeping::KeyStore), StorageTrouble::KeyLost));
        assert_eq!(computer.aside(), [notice.file], "the old file is kept");
        assert!(!is_kept(&certdesk).await, "and nobody reads it");
        keep_something(&certdesk).await;
        computer.stop(certdesk).await;
        let certdesk = computer.start();
        assert_eq!(settled(&certdesk).await.notice, None, "told once");
        assert!(is_kept(&certdesk).await, "and the new one is kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_gone_or_garbled_is_a_lost_key() {
    for garbled in [None, Some("{\"version\":1}")] {
        let computer = Computer::new();
        let certdesk = computer.start();
        settled(&certdesk).await;
        computer.stop(certdesk).await;
        let lock = computer.data().join("certdesk.lock.json");
        match garbled {
            None => std::fs::remove_file(lock).unwrap(),
            Some(text) => std::fs::write(lock, text).unwrap(),
        }
        let view = settled(&computer.start()).await;
        assert_eq!(view.notice.map(|notice| notice.trouble), Some(StorageTrouble::KeyLost), "{garbled:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_told_apart_from_a_lost_key() {
    let computer = Computer::new();
    let certdesk = computer.start();
    settled(&certdesk).await;
    keep_something(&certdesk).await;
    computer.stop(certdesk).await;
    let mut bytes = std::fs::read(computer.cache()).unwrap();
    bytes[3000] ^= 0xA5;
    std::fs::write(computer.cache(), bytes).unwrap();
    let certdesk = computer.start();
    let notice = settled(&certdesk).await.notice.expect("it is told");
    assert_eq!(notice.trouble, StorageTrouble::Damaged);
    assert_eq!(computer.aside(), [notice.file], "the damaged file is kept");
    keep_something(&certdesk).await;
}

/// Damaged where only some of it lies: told when it is come across, and mended at the next start.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_of_a_damaged_file_is_here_again() {
    let computer = Computer::new();
    let certdesk = computer.start();
    settled(&certdesk).await;
    keep_something(&certdesk).await;
    computer.stop(certdesk).await;
    let key = computer.store.keys.lock().unwrap().values().next().cloned().unwrap();
    {
        let cache = Cache::open(&computer.cache(), &key).unwrap();
        for number in 1..=60 {
            let draft = Draft::new(Uuid::from_u128(number), "qy1", Business::New, "handler", Timestamp::UNIX_EPOCH);
            cache.create_draft(&draft).unwrap();
        }
    }
    let sound = std::fs::read(computer.cache()).unwrap();
    let mut damaged = sound.clone();
    let last = sound.len() / 4096 - 1;
    damaged[last * 4096 + 2000] ^= 0xA5;
    std::fs::write(computer.cache(), damaged).unwrap();
    // As the program leaves it when it comes across the damage.
    std::fs::write(computer.data().join("certdesk.damaged"), "").unwrap();

    let certdesk = computer.start();
    let notice = settled(&certdesk).await.notice.expect("it is told");
    let salvaged = notice.salvaged.expect("with what was brought over");
    assert!(salvaged.drafts > 30 && salvaged.drafts < 60 && !salvaged.all, "most of it: {salvaged:?}");
    assert_eq!(computer.aside(), [notice.file], "the damaged file is kept");
    assert!(is_kept(&certdesk).await, "what was kept is here");
    computer.stop(certdesk).await;
    let names = std::fs::read_dir(computer.data()).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(
        !names.iter().any(|name| name.contains("salvag") || name.contains("damaged")),
        "nothing is left: {names:?}"
    );
    let again = computer.start();
    assert_eq!(settled(&again).await.notice, None, "the next start finds all well");
}

/// Killed after the new cache was whole and before it took its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_a_damaged_file_is_mended_loses_nothing_of_it() {
    let computer = Computer::new();
    let certdesk = computer.start();
    settled(&certdesk).await;
    keep_something(&certdesk).await;
    computer.stop(certdesk).await;
    std::fs::rename(computer.cache(), computer.data().join("certdesk.db.salvaged")).unwrap();
    let certdesk = computer.start();
    assert!(is_kept(&certdesk).await, "what was brought over is here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_later_version_is_left_alone_and_said_so() {
    let computer = Computer::new();
    let certdesk = computer.start();
    settled(&certdesk).await;
    computer.stop(certdesk).await;
    let key = computer.store.keys.lock().unwrap().values().next().cloned().unwrap();
    let key: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let later = rusqlite::Connection::open(computer.cache()).unwrap();
    later.execute_batch(&format!("PRAGMA key = \"x'{key}'\"; PRAGMA user_version = 4711")).unwrap();
    drop(later);
    let before = std::fs::read(computer.cache()).unwrap();
    let certdesk = computer.start();
    assert_eq!(asked(&settled(&certdesk).await), Some(StorageQuestion::Newer));
    certdesk.keep_nothing().await.unwrap();
    keep_something(&certdesk).await;
    assert_eq!(std::fs::read(computer.cache()).unwrap(), before, "it lies as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_asks_nobody_and_its_key_says_what_it_is() {
    let computer = Computer::new();
    let start = || computer.start_with(Arc::new(DemoKeyStore::new(&computer.data())));
    let certdesk = start();
    assert_eq!(kept(&settled(&certdesk).await), Some(KeyKeeping::Demo));
    keep_something(&certdesk).await;
    assert!(is_kept(&start()).await, "the next start finds it");
    let text = std::fs::read_to_string(computer.data().join("demo-key.json")).unwrap();
    assert!(text.contains("DEMO ONLY"), "whoever finds the file knows what it is");
}
