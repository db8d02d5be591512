//! What this computer remembers: drafts, picked files and how far they are, the journal of 制证, and what the service
//! said last. One SQLite file.
//!
//! The promise: a call that returned `Ok` is on the disk. Neither `kill -9` nor a power cut takes it back (WAL with
//! `synchronous=FULL`; proven for the first by `tests/kill.rs`). Each act is one transaction, so a reader sees all of
//! it or nothing.
//!
//! Knows the shapes of what it keeps, but neither the network, nor the clock (times come in), nor any secret.
//! Calls block for some milliseconds: the controller keeps them off its loop.

mod error;
mod schema;
pub mod table;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use error::CacheError;
pub use table::{
    account::AccountData,
    attachment::{Attachment, AttachmentPhase},
    crl::{CrlRecord, CrlWriter, Revocation},
    document::Document,
    draft::{Draft, DraftSync, FormRecord},
    issuance::Issuance,
};

/// The open file. Clones share it.
#[derive(Clone, Debug)]
pub struct Cache {
    connection: Arc<Mutex<Connection>>,
}

impl Cache {
    /// Opens the file, made readable for its owner alone if it is not there, and brings it up to date.
    ///
    /// # Errors
    /// [`CacheError::Corrupt`] if it is no such file, [`CacheError::Newer`] if a later version of the program made it.
    pub fn open(path: &Path) -> Result<Self, CacheError> {
        keep_private(path)?;
        Self::prepare(Connection::open(path)?)
    }

    /// A cache that forgets all when dropped, for tests.
    ///
    /// # Errors
    /// As [`Cache::open`].
    pub fn in_memory() -> Result<Self, CacheError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(mut connection: Connection) -> Result<Self, CacheError> {
        // Another program may hold the file for a moment: the command line tool, a backup.
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is deleted is personal data: overwrite it.
        connection.pragma_update(None, "secure_delete", true)?;
        schema::migrate(&mut connection)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
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

/// SQLite gives its journal files the permissions of the main file, so that one is made first.
#[cfg(unix)]
fn keep_private(path: &Path) -> Result<(), CacheError> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(CacheError::from_io)?;
    Ok(())
}

/// Elsewhere the user's own folder is closed to others.
#[cfg(not(unix))]
fn keep_private(_: &Path) -> Result<(), CacheError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_cache_is_called_so_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certdesk.db");
        std::fs::write(&path, "this is no database, whatever its name says".repeat(100)).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(
            matches!(Cache::open(&path), Err(CacheError::Corrupt)),
            "a file of another kind is refused with that word"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before, "nothing was written over it");
    }

    #[test]
    fn a_damaged_page_is_called_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certdesk.db");
        let cache = Cache::open(&path).unwrap();
        for i in 0..200 {
            cache.put_setting(&format!("setting {i}"), &"x".repeat(500)).unwrap();
        }
        drop(cache);
        let mut bytes = std::fs::read(&path).unwrap();
        let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
        for byte in &mut bytes[page..] {
            *byte ^= 0xA5;
        }
        std::fs::write(&path, bytes).unwrap();
        let outcome = Cache::open(&path).and_then(|cache| cache.setting::<String>("setting 7"));
        assert!(matches!(outcome, Err(CacheError::Corrupt)), "damage is told as damage, got {outcome:?}");
    }

    #[test]
    fn a_file_of_a_later_version_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certdesk.db");
        drop(Cache::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 4711).unwrap();
        assert!(matches!(Cache::open(&path), Err(CacheError::Newer { found: 4711, .. })));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_not_a_crash() {
        assert!(matches!(Cache::open(Path::new("/nonexistent/证办通/certdesk.db")), Err(CacheError::CannotOpen(_))));
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
        let cache = Cache::open(&folder.path().join("certdesk.db")).unwrap();
        cache.put_setting("theme", &"dark").unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?} is for its owner alone", entry.file_name());
        }
    }
}
