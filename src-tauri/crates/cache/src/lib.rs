//! What this computer remembers: drafts, picked files and how far they are, the journal of 制证, and what the service
//! said last. One SQLite file, encrypted page by page (SQLCipher) with a random key.
//!
//! The promise: a call that returned `Ok` is on the disk. Neither `kill -9` nor a power cut takes it back (WAL with
//! `synchronous=FULL`; proven for the first by `tests/kill.rs`). Each act is one transaction, so a reader sees all of
//! it or nothing.
//!
//! Knows the shapes of what it keeps, but neither the network, nor the clock (times come in), nor where its key is kept.
//! Calls block for some milliseconds: the controller keeps them off its loop.

mod error;
mod file;
mod key;
mod salvage;
mod schema;
mod sealed;
pub mod search;
pub mod table;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use error::CacheError;
pub use file::{remove_with_log, set_aside, wipe};
pub use key::{CacheKey, FileKey};
pub use salvage::Salvaged;
pub use sealed::{SealedFile, is_sealed, seal};
pub use search::Search;
pub use table::{
    account::AccountData,
    application::{Alike, Page, Place, Wanted},
    attachment::{Attachment, AttachmentPhase},
    changes::{Applied, certificates_document, notices_document},
    crl::{CrlRecord, CrlWriter, Revocation},
    document::Document,
    draft::{Draft, DraftSync, FormRecord},
    issuance::Issuance,
    offline_login::{KnownAccount, OfflineLogin, OfflineProof},
    outbox::{Outgoing, OutgoingAct, OutgoingState},
};

/// The open file. Clones share it.
#[derive(Clone, Debug)]
pub struct Cache {
    connection: Arc<Mutex<Connection>>,
    /// Where it lies; `None`: in memory.
    path: Option<Arc<PathBuf>>,
}

impl Cache {
    /// Opens the file with its key, made readable for its owner alone if it is not there, and brings it up to date. A file
    /// of an earlier version of the program, which is not encrypted, is encrypted with this key.
    ///
    /// # Errors
    /// [`CacheError::Corrupt`] if it is no such file, if it is damaged, or if it has another key: whoever keeps the key
    /// knows its [`CacheKey::mark`]. [`CacheError::Newer`] if a later version of the program made it.
    pub fn open(path: &Path, key: &CacheKey) -> Result<Self, CacheError> {
        Self::prepare(file::open(path, key)?, Some(path))
    }

    /// Whether there is a file that needs a key: not one of an earlier version of the program, and not an empty one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn is_encrypted(path: &Path) -> Result<bool, CacheError> {
        file::is_encrypted(path)
    }

    /// A cache that forgets all when dropped, where nothing may be kept, and for tests.
    ///
    /// # Errors
    /// As [`Cache::open`].
    pub fn in_memory() -> Result<Self, CacheError> {
        Self::prepare(Connection::open_in_memory()?, None)
    }

    #[cfg(test)]
    fn open_plain(path: &Path) -> Result<Self, CacheError> {
        Self::prepare(Connection::open(path)?, Some(path))
    }

    fn prepare(mut connection: Connection, path: Option<&Path>) -> Result<Self, CacheError> {
        // Another program may hold the file for a moment: the command line tool, a backup.
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is deleted is personal data: overwrite it. What is sorted is too: it never lies in a file of its own.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        schema::migrate(&mut connection, path)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), path: path.map(|path| Arc::new(path.to_owned())) })
    }

    /// Cuts the log, where what was deleted still lies as it was.
    fn cut_log(&self) -> Result<(), CacheError> {
        self.connection().pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))?;
        Ok(())
    }

    /// For a single statement.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held has rolled its transaction back: the connection is as good as before.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of `act` or nothing of it. Takes the write lock first, so what is read inside stays true until the end.
    fn transaction<T>(&self, act: impl FnOnce(&Transaction) -> Result<T, CacheError>) -> Result<T, CacheError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = act(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn key() -> CacheKey {
        CacheKey::from_bytes(&KEY).unwrap()
    }

    #[test]
    fn nothing_in_the_file_or_its_log_can_be_read_without_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certdesk.db");
        let cache = Cache::open(&path, &key()).unwrap();
        cache.put_setting("holder", &"王䶮 13800138000").unwrap();
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        assert!(
            files.iter().any(|(path, bytes)| path.ends_with("certdesk.db-wal") && !bytes.is_empty()),
            "a log is there"
        );
        for (path, bytes) in &files {
            for plain in ["王䶮", "13800138000", "SQLite format 3", "CREATE TABLE"] {
                let found = bytes.windows(plain.len()).any(|window| window == plain.as_bytes());
                assert!(!found, "{plain} stands in {}", path.display());
            }
        }
        drop(cache);
        let cache = Cache::open(&path, &key()).unwrap();
        assert_eq!(cache.setting::<String>("holder").unwrap().as_deref(), Some("王䶮 13800138000"));
    }

    #[test]
    fn another_key_opens_nothing_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certdesk.db");
        drop(Cache::open(&path, &key()).unwrap());
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Cache::open(&path, &CacheKey::random()), Err(CacheError::Corrupt)));
        let plain = Connection::open(&path).unwrap().query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
        assert!(plain.is_err(), "and no key opens nothing either");
        assert_eq!(std::fs::read(&path).unwrap(), before, "the file is as it was");
        Cache::open(&path, &key()).expect("its own key opens it");
    }

    #[test]
    fn a_file_that_is_no_cache_is_called_so_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certdesk.db");
        std::fs::write(&path, "this is no database, whatever its name says".repeat(100)).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(
            matches!(Cache::open(&path, &key()), Err(CacheError::Corrupt)),
            "a file of another kind is refused with that word"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before, "nothing was written over it");
    }

    #[test]
    fn damage_is_called_damage() {
        let whole = {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("certdesk.db");
            let cache = Cache::open(&path, &key()).unwrap();
            for i in 0..200 {
                cache.put_setting(&format!("setting {i}"), &"x".repeat(500)).unwrap();
            }
            drop(cache);
            std::fs::read(&path).unwrap()
        };
        let half = whole.len() / 2;
        let flipped: Vec<_> =
            whole.iter().enumerate().map(|(at, byte)| if at < 4096 { *byte } else { byte ^ 0xA5 }).collect();
        for (what, bytes) in [("pages changed", &flipped[..]), ("cut in the middle", &whole[..half - half % 4096])] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("certdesk.db");
            std::fs::write(&path, bytes).unwrap();
            let outcome = Cache::open(&path, &key()).and_then(|cache| cache.setting::<String>("setting 7"));
            assert!(matches!(outcome, Err(CacheError::Corrupt)), "{what}: told as damage, got {outcome:?}");
        }
    }

    #[test]
    fn a_file_of_a_later_version_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certdesk.db");
        let cache = Cache::open(&path, &key()).unwrap();
        cache.connection().pragma_update(None, "user_version", 4711).unwrap();
        drop(cache);
        assert!(matches!(Cache::open(&path, &key()), Err(CacheError::Newer { found: 4711, .. })));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_not_a_crash() {
        assert!(matches!(
            Cache::open(Path::new("/nonexistent/证办通/certdesk.db"), &key()),
            Err(CacheError::CannotOpen(_))
        ));
    }

    #[test]
    fn a_full_disk_is_called_so_and_loses_nothing() {
        let cache = Cache::in_memory().unwrap();
        cache.put_setting("theme", &"dark").unwrap();
        let pages: i64 = cache.connection().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        cache.connection().pragma_update(None, "max_page_count", pages).unwrap();
        let outcome = cache.put_setting("large", &"x".repeat(1 << 20));
        assert!(matches!(outcome, Err(CacheError::DiskFull)), "a full disk has its own word");
        assert_eq!(cache.setting::<String>("theme").unwrap().as_deref(), Some("dark"), "what was there is still there");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("certdesk.db"), &key()).unwrap();
        cache.put_setting("theme", &"dark").unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?} is for its owner alone", entry.file_name());
        }
    }
}
