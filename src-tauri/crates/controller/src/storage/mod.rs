//! What lies on this computer, and the key to it.
//!
//! The cache is encrypted with a random key that the system's key store keeps. Where there is none a person chooses: a
//! passphrase, or nothing is kept beyond this run. A cache whose key is lost, or that is damaged, is set aside (never
//! deleted), a new one is begun, and the window says so.
//!
//! The first paint waits for none of this: the cache is opened beside it, and whoever needs it waits for it to be open.

mod key_store;
mod lock;

#[cfg(feature = "fuzz")]
pub use lock::read_bytes as read_lock;
pub(crate) use lock::{MEMORY_KIB, PASSES};

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use certdesk_cache::{Cache, CacheError, CacheKey, Salvaged};
use certdesk_domain::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use key_store::{DemoKeyStore, KeyStore, KeyStoreError, NoKeyStore, SystemKeyStore};
use lock::{Kept, Lock};

use crate::{
    Controller,
    convert::{internal, not_written},
    failure::{Failure, LocalCode},
    view::{
        Event, KeyKeeping, SalvagedView, StorageNotice, StorageQuestion, StorageState, StorageTrouble, StorageView,
    },
};

/// Characters a passphrase has at least.
const SHORTEST_PASSPHRASE: usize = 8;

const CACHE: &str = "certdesk.db";
const LOCK: &str = "certdesk.lock.json";
/// Is there where the cache was found damaged while it was in use: the next start looks after it.
const DAMAGED: &str = "certdesk.damaged";
/// A new cache while it takes over what a damaged one had, and when it has.
const SALVAGING: &str = "certdesk.db.salvaging";
const SALVAGED: &str = "certdesk.db.salvaged";
/// Files of the program's own.
const OWN: &str = "signed";
/// Begins the name of a folder that belongs to one run which keeps nothing.
const RUN: &str = "run-";

/// The cache, as far as it is open.
pub(crate) struct Storage {
    held: watch::Sender<Held>,
    notice: Mutex<Option<StorageNotice>>,
    /// One act that opens or changes the lock at a time.
    acting: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
enum Held {
    /// Nobody asked for it yet.
    Closed,
    /// The key store is being asked, or the file opened.
    Opening,
    /// A person is asked.
    Asking(StorageQuestion, Option<Failure>),
    /// It cannot be opened now; the next who needs it tries again.
    Failed(Failure),
    Open(Opened),
}

/// An open cache.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) cache: Cache,
    /// Folder of the files of the program's own that belong to it.
    files: PathBuf,
    kept: KeyKeeping,
}

impl Default for Storage {
    fn default() -> Self {
        Self { held: watch::Sender::new(Held::Closed), notice: Mutex::default(), acting: tokio::sync::Mutex::default() }
    }
}

impl Controller {
    /// Where the data of this computer stands, and what is to be told about it.
    pub async fn storage(&self) -> Result<StorageView, Failure> {
        Ok(self.storage_view())
    }

    pub(crate) fn storage_view(&self) -> StorageView {
        let state = match &*self.inner.storage.held.borrow() {
            Held::Closed | Held::Opening => StorageState::Opening,
            Held::Asking(question, failure) => StorageState::Asking { question: *question, failure: failure.clone() },
            Held::Failed(failure) => StorageState::Failed { failure: failure.clone() },
            Held::Open(opened) => StorageState::Open { kept: opened.kept },
        };
        StorageView { state, notice: self.inner.storage.notice().clone() }
    }

    /// The open cache. Waits while it is opened and while a person is asked how.
    pub(crate) async fn opened(&self) -> Result<Opened, Failure> {
        let mut held = self.inner.storage.held.subscribe();
        self.begin_opening();
        let settled = held.wait_for(|held| matches!(held, Held::Open(_) | Held::Failed(_))).await.map_err(internal)?;
        match &*settled {
            Held::Open(opened) => Ok(opened.clone()),
            Held::Failed(failure) => Err(failure.clone()),
            _ => Err(LocalCode::Internal.into()),
        }
    }

    /// Whether the cache is open. Waits while it is opened, for so long at most, and never for a person.
    pub(crate) async fn is_open_within(&self, patience: Duration) -> bool {
        let mut held = self.inner.storage.held.subscribe();
        if matches!(*held.borrow(), Held::Closed) {
            self.begin_opening();
        }
        let settled = held.wait_for(|held| !matches!(held, Held::Closed | Held::Opening));
        let settled = tokio::time::timeout(patience, settled).await;
        matches!(settled.as_ref().map(Result::as_deref), Ok(Ok(Held::Open(_))))
    }

    /// Folder of the files of the program's own that belong to the open cache.
    pub(crate) fn own_files(&self) -> PathBuf {
        match &*self.inner.storage.held.borrow() {
            Held::Open(opened) => opened.files.clone(),
            _ => self.inner.options.data.join(OWN),
        }
    }

    /// The cache was found damaged: the next start sets it aside, and brings over what can be read.
    pub(crate) fn note_damage(&self) {
        let kept =
            matches!(&*self.inner.storage.held.borrow(), Held::Open(opened) if opened.kept != KeyKeeping::Memory);
        if kept && let Err(error) = fs::write(self.inner.options.data.join(DAMAGED), "") {
            tracing::warn!(kind = ?error.kind(), "that the local data is damaged was not written down");
        }
    }

    /// Opens the cache beside whatever else happens, unless it is open, or somebody is at it.
    fn begin_opening(&self) {
        let begin = |held: &mut Held| {
            let idle = matches!(held, Held::Closed | Held::Failed(_));
            if idle {
                *held = Held::Opening;
            }
            idle
        };
        if self.inner.storage.held.send_if_modified(begin) {
            let controller = self.clone();
            // A task of its own: whoever asked first may not wait for the end.
            tokio::spawn(async move { controller.open_storage(Wish::AsKept).await });
        }
    }

    async fn open_storage(&self, wish: Wish) {
        let (data, store) = (self.inner.options.data.clone(), self.inner.options.key_store.clone());
        let now = Timestamp::now_utc();
        let opened = tokio::task::spawn_blocking(move || open(&data, &*store, wish, now)).await;
        let (held, notice) = match opened.map_err(internal).flatten() {
            Ok(outcome) => outcome,
            Err(failure) => (Held::Failed(failure), None),
        };
        self.settle_storage(held, notice);
    }

    /// Takes what opening led to, unless a person decided otherwise meanwhile.
    fn settle_storage(&self, held: Held, notice: Option<StorageNotice>) {
        if matches!(&*self.inner.storage.held.borrow(), Held::Open(_)) {
            return;
        }
        if notice.is_some() {
            *self.inner.storage.notice() = notice;
        }
        self.inner.storage.held.send_replace(held);
        self.emit(Event::Storage { storage: self.storage_view() });
    }

    /// Asks the key store once more, or looks at the file once more.
    pub async fn retry_storage(&self) -> Result<StorageView, Failure> {
        self.act_on_storage(Wish::AsKept).await
    }

    /// Keeps nothing beyond this run. What lies on the computer stays as it is.
    pub async fn keep_nothing(&self) -> Result<StorageView, Failure> {
        // Not behind the others: a key store that never answers must not keep a person from going on.
        let opened = tokio::task::spawn_blocking({
            let data = self.inner.options.data.clone();
            move || in_memory(&data)
        });
        let opened = opened.await.map_err(internal)??;
        self.settle_storage(Held::Open(opened), None);
        Ok(self.storage_view())
    }

    /// Locks what will be kept on this computer with a passphrase, where there is no key store.
    ///
    /// # Errors
    /// `passphrase_too_short`; `bad_command` where nobody is asked for one.
    pub async fn choose_passphrase(&self, passphrase: String) -> Result<StorageView, Failure> {
        let passphrase = long_enough(passphrase)?;
        self.must_be_asked(&[StorageQuestion::ChooseKeeping])?;
        self.act_on_storage(Wish::NewPassphrase(passphrase)).await
    }

    /// Unlocks what is kept on this computer.
    ///
    /// # Errors
    /// `wrong_passphrase`.
    pub async fn unlock_storage(&self, passphrase: String) -> Result<StorageView, Failure> {
        self.must_be_asked(&[StorageQuestion::Passphrase])?;
        let view = self.act_on_storage(Wish::Unlock(Zeroizing::new(passphrase))).await?;
        match &view.state {
            StorageState::Asking { failure: Some(failure), .. } if failure.is(LocalCode::WrongPassphrase) => {
                Err(failure.clone())
            }
            _ => Ok(view),
        }
    }

    /// Another passphrase for the same data.
    ///
    /// # Errors
    /// `wrong_passphrase`, `passphrase_too_short`; `bad_command` where none locks the data.
    pub async fn change_passphrase(&self, current: String, replacement: String) -> Result<(), Failure> {
        let (current, replacement) = (Zeroizing::new(current), long_enough(replacement)?);
        let _acting = self.inner.storage.acting.lock().await;
        let by_passphrase = |held: &Held| matches!(held, Held::Open(Opened { kept: KeyKeeping::Passphrase, .. }));
        if !by_passphrase(&self.inner.storage.held.borrow()) {
            return Err(LocalCode::BadCommand.into());
        }
        let path = self.inner.options.data.join(LOCK);
        let change = move || -> Result<(), Failure> {
            let lock = Lock::read(&path).ok().flatten().ok_or(LocalCode::StorageFailed)?;
            let key = lock.open(&current).ok_or(LocalCode::WrongPassphrase)?;
            Lock::by_passphrase(lock.name, &key, &replacement).write(&path).map_err(not_written)
        };
        tokio::task::spawn_blocking(change).await.map_err(internal)?
    }

    /// Begins anew where what is kept cannot be opened: it is set aside, not deleted.
    pub async fn begin_storage_anew(&self) -> Result<StorageView, Failure> {
        self.must_be_asked(&[StorageQuestion::Passphrase, StorageQuestion::KeyStoreAway, StorageQuestion::Newer])?;
        self.act_on_storage(Wish::Anew).await
    }

    /// What was told about the data was read.
    pub async fn storage_notice_read(&self) -> Result<StorageView, Failure> {
        *self.inner.storage.notice() = None;
        Ok(self.storage_view())
    }

    async fn act_on_storage(&self, wish: Wish) -> Result<StorageView, Failure> {
        let _acting = self.inner.storage.acting.lock().await;
        if !matches!(&*self.inner.storage.held.borrow(), Held::Open(_)) {
            self.open_storage(wish).await;
        }
        Ok(self.storage_view())
    }

    fn must_be_asked(&self, questions: &[StorageQuestion]) -> Result<(), Failure> {
        match &*self.inner.storage.held.borrow() {
            Held::Asking(question, _) if questions.contains(question) => Ok(()),
            _ => Err(LocalCode::BadCommand.into()),
        }
    }
}

impl Storage {
    fn notice(&self) -> std::sync::MutexGuard<'_, Option<StorageNotice>> {
        self.notice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be done with what lies there.
enum Wish {
    /// Open it as it is kept.
    AsKept,
    /// Open it with this passphrase.
    Unlock(Zeroizing<String>),
    /// There is nothing to open yet: lock what will be there with this passphrase.
    NewPassphrase(Zeroizing<String>),
    /// Set it aside.
    Anew,
}

/// The files of a folder.
struct Place {
    data: PathBuf,
    now: Timestamp,
    notice: Option<StorageNotice>,
}

fn open(
    data: &Path,
    store: &dyn KeyStore,
    wish: Wish,
    now: Timestamp,
) -> Result<(Held, Option<StorageNotice>), Failure> {
    crate::private_folder(data).map_err(not_written)?;
    remove_runs(data);
    let mut place = Place { data: data.to_owned(), now, notice: None };
    let held = place.open(store, wish)?;
    Ok((held, place.notice))
}

impl Place {
    fn open(&mut self, store: &dyn KeyStore, wish: Wish) -> Result<Held, Failure> {
        let mut lock = match Lock::read(&self.lock()) {
            Ok(lock) => lock,
            Err(Some(error)) => return Err(not_written(error)),
            // Without it nobody knows which key it was.
            Err(None) => {
                self.set_aside(StorageTrouble::KeyLost)?;
                None
            }
        };
        if matches!(wish, Wish::Anew) && lock.is_some() {
            self.set_aside(StorageTrouble::BegunAnew)?;
            lock = None;
        }
        let Some(lock) = lock else { return self.begin(store, wish) };
        match (&lock.kept, wish) {
            (Kept::Passphrase(_), Wish::Unlock(passphrase)) => match lock.open(&passphrase) {
                Some(key) => self.open_cache(&key, KeyKeeping::Passphrase),
                None => {
                    let wrong = Failure::new(LocalCode::WrongPassphrase);
                    Ok(Held::Asking(StorageQuestion::Passphrase, Some(wrong)))
                }
            },
            (Kept::Passphrase(_), _) => Ok(Held::Asking(StorageQuestion::Passphrase, None)),
            (Kept::KeyStore, _) => match store.key(lock.name) {
                Ok(Some(key)) if lock.is_of(&key) => self.open_cache(&key, kept_by(store)),
                Ok(_) => {
                    self.set_aside(StorageTrouble::KeyLost)?;
                    self.begin(store, Wish::AsKept)
                }
                Err(error) => Ok(Held::Asking(StorageQuestion::KeyStoreAway, Some(error.into()))),
            },
        }
    }

    /// A new lock, for a new cache or for the plain one of an earlier version of the program.
    fn begin(&mut self, store: &dyn KeyStore, wish: Wish) -> Result<Held, Failure> {
        let (name, key) = (Uuid::now_v7(), CacheKey::random());
        let (lock, kept) = if let Wish::NewPassphrase(passphrase) = wish {
            (Lock::by_passphrase(name, &key, &passphrase), KeyKeeping::Passphrase)
        } else {
            let kept = store.keep(name, &key).and_then(|()| store.key(name));
            match kept {
                Ok(Some(read)) if read == key => {}
                Ok(_) => {
                    let failure = KeyStoreError::Away("what was kept is not there".to_owned()).into();
                    return Ok(Held::Asking(StorageQuestion::ChooseKeeping, Some(failure)));
                }
                Err(error) => return Ok(Held::Asking(StorageQuestion::ChooseKeeping, Some(error.into()))),
            }
            (Lock::in_store(name, &key), kept_by(store))
        };
        // A cache that is encrypted and whose lock is gone has no key any more.
        if Cache::is_encrypted(&self.cache()).map_err(Failure::from)? {
            self.set_aside(StorageTrouble::KeyLost)?;
        }
        // The lock first: a cache without one could not be opened again.
        lock.write(&self.lock()).map_err(not_written)?;
        self.open_cache(&key, kept)
    }

    fn open_cache(&mut self, key: &CacheKey, kept: KeyKeeping) -> Result<Held, Failure> {
        // A kill came between the damaged file's leaving and the new one's taking its place.
        if !self.cache().exists() && self.salvaged().exists() {
            fs::rename(self.salvaged(), self.cache()).map_err(not_written)?;
        }
        let opened = match self.data.join(DAMAGED).exists() {
            true => Err(CacheError::Corrupt),
            false => Cache::open(&self.cache(), key),
        };
        let cache = match opened {
            // The key is right, so it is the file.
            Err(CacheError::Corrupt) => self.begin_from_damaged(key)?,
            Err(error @ CacheError::Newer { .. }) => {
                return Ok(Held::Asking(StorageQuestion::Newer, Some(error.into())));
            }
            other => other?,
        };
        Ok(Held::Open(Opened { cache, files: self.data.join(OWN), kept }))
    }

    /// Sets a damaged cache aside and begins a new one with what could be read of it. All of that is on the disk before
    /// the damaged file leaves its place.
    fn begin_from_damaged(&mut self, key: &CacheKey) -> Result<Cache, Failure> {
        let (begun, done) = (self.data.join(SALVAGING), self.salvaged());
        for left in [&begun, &done] {
            certdesk_cache::remove_with_log(left)?;
        }
        let salvaged = Cache::open(&begun, key).and_then(|new| new.salvage(&self.cache(), key));
        let salvaged = match salvaged {
            Err(CacheError::DiskFull) => return Err(LocalCode::DiskFull.into()),
            Ok(salvaged) => {
                fs::rename(&begun, &done).and_then(|()| crate::sync_folder(&self.data)).map_err(not_written)?;
                Some(salvaged)
            }
            Err(error) => {
                tracing::warn!(%error, "nothing could be brought over from a damaged file");
                certdesk_cache::remove_with_log(&begun)?;
                None
            }
        };
        self.set_aside_cache(StorageTrouble::Damaged)?;
        if salvaged.is_some() {
            fs::rename(&done, self.cache()).map_err(not_written)?;
        }
        let cache = Cache::open(&self.cache(), key)?;
        let _ = fs::remove_file(self.data.join(DAMAGED));
        if let (Some(notice), Some(Salvaged { drafts, files, applications, all })) = (&mut self.notice, salvaged) {
            notice.salvaged = Some(SalvagedView { drafts, files, applications, all });
        }
        Ok(cache)
    }

    /// Takes cache and lock out of the way. The program's own files go with the cache whose rows name them.
    fn set_aside(&mut self, trouble: StorageTrouble) -> Result<(), Failure> {
        self.set_aside_cache(trouble)?;
        let lock = self.lock();
        certdesk_cache::set_aside(&lock, &self.mark())?;
        Ok(())
    }

    fn set_aside_cache(&mut self, trouble: StorageTrouble) -> Result<(), Failure> {
        let Some(aside) = certdesk_cache::set_aside(&self.cache(), &self.mark())? else { return Ok(()) };
        // What is brought over from a damaged file names them still.
        if trouble != StorageTrouble::Damaged {
            certdesk_cache::set_aside(&self.data.join(OWN), &self.mark())?;
        }
        let file = aside.file_name().unwrap_or_default().to_string_lossy().into_owned();
        tracing::warn!(?trouble, "the local data was set aside");
        self.notice = Some(StorageNotice { trouble, file, salvaged: None });
        Ok(())
    }

    fn salvaged(&self) -> PathBuf {
        self.data.join(SALVAGED)
    }

    fn cache(&self) -> PathBuf {
        self.data.join(CACHE)
    }

    fn lock(&self) -> PathBuf {
        self.data.join(LOCK)
    }

    /// `20261123-0755`
    fn mark(&self) -> String {
        let at = self.now;
        format!("{}{:02}{:02}-{:02}{:02}", at.year(), u8::from(at.month()), at.day(), at.hour(), at.minute())
    }
}

fn kept_by(store: &dyn KeyStore) -> KeyKeeping {
    if store.is_demo() { KeyKeeping::Demo } else { KeyKeeping::KeyStore }
}

fn in_memory(data: &Path) -> Result<Opened, Failure> {
    let files = data.join(format!("{RUN}{}", Uuid::now_v7()));
    Ok(Opened { cache: Cache::in_memory()?, files, kept: KeyKeeping::Memory })
}

/// Folders of earlier runs that kept nothing: a run that was killed leaves its own.
fn remove_runs(data: &Path) {
    let entries = fs::read_dir(data).into_iter().flatten().flatten();
    let runs = entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(RUN)));
    for run in runs {
        if let Err(error) = fs::remove_dir_all(run.path()) {
            tracing::info!(kind = ?error.kind(), "what an earlier run left was not removed");
        }
    }
}

fn long_enough(passphrase: String) -> Result<Zeroizing<String>, Failure> {
    let passphrase = Zeroizing::new(passphrase);
    if passphrase.chars().count() < SHORTEST_PASSPHRASE {
        return Err(LocalCode::PassphraseTooShort.into());
    }
    Ok(passphrase)
}

impl From<KeyStoreError> for Failure {
    fn from(error: KeyStoreError) -> Self {
        let code = match error {
            KeyStoreError::Away(_) => LocalCode::KeyStoreAway,
            KeyStoreError::Locked(_) => LocalCode::KeyStoreLocked,
        };
        Failure::new(code).with_detail(error.to_string())
    }
}
