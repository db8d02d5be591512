//! SQLite: one connection that writes, one file per table, every act one transaction.
//!
//! WAL with `synchronous=FULL`: what a transaction committed survives kill -9 and loss of power. The review desk may
//! open the same file from a second process; `BEGIN IMMEDIATE` keeps the two from deciding on stale rows.

pub(crate) mod accounts;
pub(crate) mod announcements;
pub(crate) mod applications;
pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod catalogues;
pub(crate) mod certificates;
pub(crate) mod challenges;
pub(crate) mod changes;
pub(crate) mod codes;
pub(crate) mod consents;
pub(crate) mod drafts;
pub(crate) mod evidence;
pub(crate) mod first_decisions;
pub(crate) mod idempotency;
pub(crate) mod looks;
pub(crate) mod notices;
pub(crate) mod queries;
pub(crate) mod queue;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod sms;
pub(crate) mod staff;
pub(crate) mod uploads;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, types::FromSql};
use serde::{Serialize, de::DeserializeOwned};

use crate::failure::Outcome;

/// Each brings the file from the version of its index to the next.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
];

/// The database. Clones share it.
#[derive(Clone)]
pub(crate) struct Store(Arc<Mutex<Connection>>);

impl Store {
    /// Opens the file, or makes it, and brings it to this version's schema.
    pub(crate) fn open(file: &Path) -> anyhow::Result<Self> {
        make_private(file).with_context(|| format!("cannot keep {} to its owner", file.display()))?;
        let mut db = Connection::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        db.busy_timeout(Duration::from_secs(10))?;
        db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        migrate(&mut db).context("cannot bring the database to this version")?;
        Ok(Self(Arc::new(Mutex::new(db))))
    }

    /// Runs `act` in a transaction off the async threads; commits where it succeeds, else leaves no trace.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || store.act_now(act)).await;
        done.map_err(|_| anyhow::anyhow!("a database act panicked"))?
    }

    /// The same, blocking.
    pub(crate) fn act_now<T>(&self, act: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
        // A panicked act rolled its transaction back: the connection is as good as before.
        let mut db = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = act(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Reads one consistent state, off the async threads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut db = store.0.lock().unwrap_or_else(PoisonError::into_inner);
            read(&*db.transaction()?)
        });
        done.await.map_err(|_| anyhow::anyhow!("a database read panicked"))?
    }

    /// Writes the log back into the file, for a tidy end.
    pub(crate) fn checkpoint(&self) {
        let db = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = db.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(())) {
            tracing::warn!(%error, "the database log was not written back");
        }
    }
}

/// For its owner's eyes only, also in a directory that others may look into. SQLite gives the files beside it (`-wal`,
/// `-shm`) the same mode; those of an earlier start are mended too.
fn make_private(file: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
        for ending in ["", "-wal", "-shm"] {
            let mut name = file.as_os_str().to_owned();
            name.push(ending);
            match std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o600)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

fn migrate(db: &mut Connection) -> anyhow::Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: usize = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    anyhow::ensure!(version <= MIGRATIONS.len(), "the database was made by a newer version of this program");
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    transaction.commit()?;
    Ok(())
}

/// Counts `name` up and answers the new value, from 1.
pub(crate) fn count_up(db: &Connection, name: &str) -> rusqlite::Result<u64> {
    db.query_row(
        "INSERT INTO counters (name, value) VALUES (?1, 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value",
        [name],
        |row| row.get(0),
    )
}

/// One value of one row, where there is one.
fn find<T: FromSql>(db: &Connection, sql: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<Option<T>> {
    db.query_row(sql, parameters, |row| row.get(0)).optional()
}

/// A time as stored.
pub(crate) fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).expect("times of this service fit")
}

/// A stored time.
pub(crate) fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A value of the contract as stored.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("contract types are JSON")
}

/// A stored value of the contract, inside a row reader.
fn from_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}

/// A name of a contract enum as stored: its JSON without the quotes.
pub(crate) fn word<T: Serialize>(value: T) -> String {
    json(&value).trim_matches('"').to_owned()
}

/// A stored [`word`], inside a row reader.
fn from_word<T: DeserializeOwned>(word: &str) -> rusqlite::Result<T> {
    from_json(&format!("\"{word}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_kept_is_there_after_the_update() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portal.db");
        let id = uuid::Uuid::now_v7();
        {
            let before = Connection::open(&file).unwrap();
            MIGRATIONS[..3].iter().try_for_each(|migration| before.execute_batch(migration)).unwrap();
            before.pragma_update(None, "user_version", 3).unwrap();
            let certificate = |serial: &str, status: &str, revoked_at: &str, reason: &str| {
                let key = serial.repeat(32);
                format!(
                    "INSERT INTO certificates VALUES
                     ('{serial}', '{id}', 1, x'{key}', x'30', '{status}', 0, 1000, {revoked_at}, {reason});"
                )
            };
            let registration = r#"{"kind":"individual","organisation":null,"contact":{"name":"王䶮",
                "id_kind":"resident_id","id_number":""},"phone":"","email":"","address":{"region":"","detail":""}}"#;
            let rows = [
                format!("INSERT INTO accounts VALUES (1, 'gr1', 'individual', '{registration}', '', 0, 0);"),
                format!(
                    "INSERT INTO applications (id, account, business, state, created_at)
                     VALUES ('{id}', 1, 'new', 'completed', 0);"
                ),
                certificate("5a", "revoked", "7", "NULL"),
                certificate("5b", "revoked", "8", "'superseded'"),
                certificate("5c", "active", "NULL", "NULL"),
            ];
            before.execute_batch(&rows.concat()).unwrap();
        }
        let read = |db: &Connection| {
            let case = applications::by_id(db, id)?.expect("the case is still there");
            assert_eq!((case.particulars, case.circumstance), (Default::default(), None));
            let rows = certificates::of_account(db, 1)?;
            let on_a_key: Vec<_> = rows.iter().map(|row| (&*row.serial, row.was_on_a_key())).collect();
            assert_eq!(on_a_key, [("5c", true), ("5b", true), ("5a", false)], "5a never came to its key");
            assert!(rows.iter().all(|row| row.successor.is_none()));
            Ok(())
        };
        Store::open(&file).unwrap().act_now(read).unwrap();
    }
}
