//! The file on disk: opened with its key, set aside where it cannot be used, and the plain file of an earlier version
//! of the program, which becomes an encrypted one once.
//!
//! Turning a plain file into an encrypted one has three steps, each of which a kill may be the last of:
//! the encrypted copy is made under another name and proven row by row; the two change places; the plain one is
//! overwritten and removed. Whatever is found half done is finished or begun anew at the next start.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::{CacheError, CacheKey};

/// How a file of SQLite begins that is not encrypted (sqlite.org/fileformat.html §1.3).
const PLAIN: &[u8; 16] = b"SQLite format 3\0";

/// What SQLite puts beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The open file, its key told. Whether it is the right one shows at the first look inside.
pub(crate) fn open(path: &Path, key: &CacheKey) -> Result<Connection, CacheError> {
    encrypt_plain(path, key)?;
    keep_private(path)?;
    let connection = Connection::open(path)?;
    unlock(&connection, key)?;
    Ok(connection)
}

pub(crate) fn unlock(connection: &Connection, key: &CacheKey) -> Result<(), CacheError> {
    // Its own log would say in its own words what our errors say. The key before anything else, or SQLCipher takes the
    // file for a plain one.
    let sql = Zeroizing::new(format!("PRAGMA cipher_log_level = NONE; PRAGMA key = \"{}\"", *key.literal()));
    connection.execute_batch(&sql)?;
    Ok(())
}

/// Takes a file that cannot be used out of the way, with what SQLite put beside it. Nothing is deleted. Answers its new
/// name; `None` where there was no file.
///
/// # Errors
/// Those of the file system.
pub fn set_aside(path: &Path, mark: &str) -> Result<Option<PathBuf>, CacheError> {
    if !path.try_exists().map_err(CacheError::from_io)? {
        return Ok(None);
    }
    let name = |try_number: u32| match try_number {
        0 => beside(path, &format!(".set-aside-{mark}")),
        more => beside(path, &format!(".set-aside-{mark}-{more}")),
    };
    let aside = (0..).map(name).find(|aside| !aside.exists()).unwrap_or_else(|| name(0));
    // The log first: without its file it is nothing, and the file without its log lacks what was written last.
    for companion in COMPANIONS {
        let (from, to) = (beside(path, companion), beside(&aside, companion));
        rename_if_there(&from, &to)?;
    }
    fs::rename(path, &aside).map_err(CacheError::from_io)?;
    Ok(Some(aside))
}

/// Removes a file with what SQLite put beside it; one that is not there is removed already.
///
/// # Errors
/// Those of the file system.
pub fn remove_with_log(path: &Path) -> Result<(), CacheError> {
    remove(path)?;
    COMPANIONS.iter().try_for_each(|companion| remove(&beside(path, companion)))
}

/// A copy of the file as it is, kept beside it until the next one takes its place. The caller keeps writers away.
pub(crate) fn back_up(path: &Path, version: i64) -> Result<(), CacheError> {
    let (draft, kept) = (beside(path, ".backup-making"), beside(path, &format!("{BACKUP}{version}")));
    remove(&draft)?;
    let copy = || -> io::Result<()> {
        let mut to = private(&draft)?;
        io::copy(&mut File::open(path)?, &mut to)?;
        to.sync_all()?;
        fs::rename(&draft, &kept)
    };
    copy().map_err(CacheError::from_io)?;
    for old in backups(path) {
        if old != kept {
            remove(&old)?;
        }
    }
    Ok(())
}

/// Removes what [`back_up`] kept: it has what the person wants forgotten.
pub(crate) fn remove_backups(path: &Path) -> Result<(), CacheError> {
    backups(path).iter().try_for_each(|backup| remove(backup))
}

const BACKUP: &str = ".backup-of-version-";

fn backups(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let prefix = format!("{name}{BACKUP}");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)));
    ours.map(|entry| entry.path()).collect()
}

/// Encrypts the file of an earlier version of the program, if there is one.
fn encrypt_plain(path: &Path, key: &CacheKey) -> Result<(), CacheError> {
    let (copy, plain) = (beside(path, ".encrypting"), beside(path, ".plain"));
    if plain.exists() {
        // Cut short between the two changing places, or after it.
        if path.exists() { wipe(&plain)? } else { fs::rename(&plain, path).map_err(CacheError::from_io)? }
    }
    if !is_plain(path)? {
        return Ok(());
    }
    for leftover in [String::new()].iter().map(String::as_str).chain(COMPANIONS) {
        remove(&beside(&copy, leftover))?;
    }
    export(path, &copy, key)?;
    prove(path, &copy, key)?;
    File::options().write(true).open(&copy).and_then(|file| file.sync_all()).map_err(CacheError::from_io)?;
    fs::rename(path, &plain).map_err(CacheError::from_io)?;
    fs::rename(&copy, path).map_err(CacheError::from_io)?;
    sync_folder(path);
    wipe(&plain)
}

/// Whether there is a file that is neither plain nor empty.
pub(crate) fn is_encrypted(path: &Path) -> Result<bool, CacheError> {
    let there = fs::metadata(path).map(|found| found.len() > 0);
    let there = there.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(false) } else { Err(error) });
    Ok(there.map_err(CacheError::from_io)? && !is_plain(path)?)
}

fn is_plain(path: &Path) -> Result<bool, CacheError> {
    let mut start = [0; PLAIN.len()];
    match File::open(path).and_then(|mut file| file.read_exact(&mut start)) {
        Ok(()) => Ok(&start == PLAIN),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => Ok(false),
        Err(error) => Err(CacheError::from_io(error)),
    }
}

/// SQLCipher's own way: everything the plain file has, written anew into an encrypted one.
fn export(plain: &Path, copy: &Path, key: &CacheKey) -> Result<(), CacheError> {
    let connection = Connection::open(plain)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // What still lies in the log comes into the file, and the log goes.
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    keep_private(copy)?;
    connection.execute("ATTACH DATABASE ?1 AS encrypted KEY ?2", (text(copy)?, key.literal().as_str()))?;
    connection.query_row("SELECT sqlcipher_export('encrypted')", [], |_| Ok(()))?;
    connection.pragma_update(Some("encrypted"), "user_version", version)?;
    connection.execute("DETACH DATABASE encrypted", [])?;
    Ok(())
}

/// Opens the copy as the program will, and compares: the same schema, and in each table the same rows.
fn prove(plain: &Path, copy: &Path, key: &CacheKey) -> Result<(), CacheError> {
    let connection = Connection::open(copy)?;
    unlock(&connection, key)?;
    connection.execute("ATTACH DATABASE ?1 AS plain KEY ''", [text(plain)?])?;
    let differs = |left: &str, right: &str, what: &str, table: &str| -> Result<bool, CacheError> {
        let sql = format!("SELECT {what} FROM {left}.{table} EXCEPT SELECT {what} FROM {right}.{table}");
        Ok(connection.prepare(&sql)?.exists([])?)
    };
    let mut tables = vec![("type, name, tbl_name, sql", "sqlite_schema".to_owned())];
    // What a virtual table has lies in tables of its own.
    let mut names = connection
        .prepare("SELECT name FROM plain.sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %'")?;
    for name in names.query_map([], |row| row.get::<_, String>(0))? {
        tables.push(("*", format!("\"{}\"", name?)));
    }
    for (what, table) in tables {
        let count = |of: &str| -> Result<i64, CacheError> {
            Ok(connection.query_row(&format!("SELECT count(*) FROM {of}.{table}"), [], |row| row.get(0))?)
        };
        if count("main")? != count("plain")?
            || differs("main", "plain", what, &table)?
            || differs("plain", "main", what, &table)?
        {
            return Err(CacheError::Corrupt);
        }
    }
    let sound: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    if sound == "ok" { Ok(()) } else { Err(CacheError::Corrupt) }
}

/// Overwrites a file and removes it. A disk that writes elsewhere than where it was told keeps the old bytes for a while:
/// `docs/security.md` says so.
///
/// # Errors
/// Those of the file system.
pub fn wipe(path: &Path) -> Result<(), CacheError> {
    let overwrite = || -> io::Result<()> {
        let mut file = File::options().write(true).open(path)?;
        let mut left = file.metadata()?.len();
        let zeros = [0; 64 * 1024];
        while left > 0 {
            let piece = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
            file.write_all(&zeros[..piece])?;
            left -= piece as u64;
        }
        file.sync_all()
    };
    overwrite().map_err(CacheError::from_io)?;
    remove(path)
}

/// SQLite gives its journal files the permissions of the main file, so that one is made first.
fn keep_private(path: &Path) -> Result<(), CacheError> {
    private(path).map(drop).map_err(CacheError::from_io)
}

/// The file, made readable for its owner alone if it is not there. Where files have no modes, the user's own folder is
/// closed to others.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(crate) fn remove(path: &Path) -> Result<(), CacheError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CacheError::from_io(error)),
        _ => Ok(()),
    }
}

fn rename_if_there(from: &Path, to: &Path) -> Result<(), CacheError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CacheError::from_io(error)),
        _ => Ok(()),
    }
}

/// The new names are on the disk before anything is deleted. Systems without folders to open have no need for it.
pub(crate) fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn text(path: &Path) -> Result<&str, CacheError> {
    path.to_str().ok_or_else(|| CacheError::CannotOpen(io::Error::other("the folder's name is no text")))
}

#[cfg(test)]
mod tests {
    use certdesk_domain::{Business, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::{Cache, Draft, schema};

    const DRAFT: Uuid = Uuid::from_u128(7);
    const NAME: &str = "王䶮 of the plain file";

    /// A file as the program before encryption left it, its last act still in the log.
    fn plain_file(path: &Path) {
        let elsewhere = tempfile::tempdir().unwrap();
        let made = elsewhere.path().join("certdesk.db");
        let mut connection = Connection::open(&made).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        schema::migrate(&mut connection, None).unwrap();
        let mut draft = Draft::new(DRAFT, "acct", Business::New, "handler", Timestamp::UNIX_EPOCH);
        draft.handler.person.name = NAME.to_owned();
        let row = (DRAFT.to_string(), "acct", "new", "draft", serde_json::to_string(&draft).unwrap());
        connection.execute("INSERT INTO draft VALUES (?1, ?2, ?3, ?4, ?5)", row).unwrap();
        // Taken while it is open: what a kill leaves.
        for companion in ["", "-wal"] {
            fs::copy(beside(&made, companion), beside(path, companion)).unwrap();
        }
    }

    fn holds(folder: &Path, text: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let has = |path: &PathBuf| fs::read(path).unwrap().windows(text.len()).any(|bytes| bytes == text.as_bytes());
        files.filter(has).collect()
    }

    #[test]
    fn a_plain_file_becomes_an_encrypted_one_and_nothing_of_it_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("certdesk.db"), CacheKey::random());
        plain_file(&path);
        assert!(!holds(folder.path(), NAME).is_empty(), "the plain file can be read by anybody");
        let cache = Cache::open(&path, &key).unwrap();
        assert_eq!(cache.draft(DRAFT).unwrap().unwrap().handler.person.name, NAME, "what was there is there");
        drop(cache);
        assert_eq!(holds(folder.path(), NAME), Vec::<PathBuf>::new(), "no file has it in plain words");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["certdesk.db"], "and none is left over");
        assert!(Cache::open(&path, &key).unwrap().draft(DRAFT).unwrap().is_some(), "it opens again with its key");
    }

    #[test]
    fn what_a_kill_left_half_encrypted_is_finished() {
        let key = CacheKey::random();
        let cut_short: [&dyn Fn(&Path); 3] = [
            &|path| fs::write(beside(path, ".encrypting"), b"half a copy").unwrap(),
            &|path| {
                export(path, &beside(path, ".encrypting"), &key).unwrap();
                fs::rename(path, beside(path, ".plain")).unwrap();
            },
            &|path| {
                export(path, &beside(path, ".encrypting"), &key).unwrap();
                fs::rename(path, beside(path, ".plain")).unwrap();
                fs::rename(beside(path, ".encrypting"), path).unwrap();
            },
        ];
        for (step, cut) in cut_short.iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("certdesk.db");
            plain_file(&path);
            cut(&path);
            let cache = Cache::open(&path, &key).unwrap();
            assert!(cache.draft(DRAFT).unwrap().is_some(), "killed after step {step}, nothing is lost");
            drop(cache);
            assert_eq!(
                holds(folder.path(), NAME),
                Vec::<PathBuf>::new(),
                "killed after step {step}, nothing stays plain"
            );
        }
    }

    #[test]
    fn a_copy_that_lacks_a_row_is_not_taken_for_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("certdesk.db"), CacheKey::random());
        let copy = folder.path().join("copy");
        plain_file(&path);
        export(&path, &copy, &key).unwrap();
        prove(&path, &copy, &key).unwrap();
        let connection = Connection::open(&copy).unwrap();
        unlock(&connection, &key).unwrap();
        connection.execute("UPDATE draft SET account = 'other'", []).unwrap();
        drop(connection);
        assert!(matches!(prove(&path, &copy, &key), Err(CacheError::Corrupt)));
    }

    #[test]
    fn a_file_is_set_aside_with_its_log_and_under_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certdesk.db");
        assert_eq!(set_aside(&path, "today").unwrap(), None, "nothing there, nothing to do");
        for name in ["certdesk.db.set-aside-today", "certdesk.db.set-aside-today-1"] {
            fs::write(&path, name).unwrap();
            fs::write(beside(&path, "-wal"), "log").unwrap();
            let aside = set_aside(&path, "today").unwrap().unwrap();
            assert_eq!(aside, folder.path().join(name), "no earlier one is overwritten");
            assert_eq!(fs::read_to_string(&aside).unwrap(), name);
            assert!(beside(&aside, "-wal").exists() && !path.exists() && !beside(&path, "-wal").exists());
        }
    }
}
