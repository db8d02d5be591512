//! What can still be read of a damaged file, brought over into a new one, row by row.
//!
//! Each page is authenticated, so a row that can be read is as it was written. Where a page cannot be, the rows after it
//! are looked for: a page holds rows of neighbouring numbers, so the first readable number after the gap is found by
//! halving. The damaged file itself is not touched: a copy is read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, params_from_iter, types::Value};

use crate::{Cache, CacheError, CacheKey, file};

/// What is not brought over: half a revocation list would call a revoked certificate good, and all of it comes again; and
/// behind a cursor what was lost would never be told again.
const NOT_BROUGHT_OVER: [&str; 4] = ["crl", "crl_block", "crl_number", "changes"];

/// What was brought over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Drafts, with what was typed.
    pub drafts: u32,
    /// Picked files.
    pub files: u32,
    /// Applications as last seen.
    pub applications: u32,
    /// Whether all that there was could be read.
    pub all: bool,
}

impl Cache {
    /// Brings over what can be read of a damaged file of the same key into this one, which is new. That nothing can is no
    /// failure.
    ///
    /// # Errors
    /// Those of this file, and of the folder of the damaged one.
    pub fn salvage(&self, damaged: &Path, key: &CacheKey) -> Result<Salvaged, CacheError> {
        let mut reader = Reader::of(damaged, key)?;
        let mut connection = self.connection();
        // Whatever lost its draft is dropped at the end, and not refused on the way.
        connection.pragma_update(None, "foreign_keys", false)?;
        let brought_over = (|| {
            let transaction = connection.transaction()?;
            // Where a page is lost that says which tables there are, some are not even missed.
            let mut all = reader
                .ask(|damaged| {
                    damaged.query_row("SELECT count(sql) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
                })
                .is_some();
            for table in tables(&transaction)? {
                let known = columns(&transaction, &table)?;
                let Some(there) = reader.ask(|damaged| columns(damaged, &table)) else {
                    all = false;
                    continue;
                };
                let shared: Vec<_> = known.into_iter().filter(|column| there.contains(column)).collect();
                if shared.is_empty() {
                    continue;
                }
                let places: Vec<_> = (1..=shared.len()).map(|place| format!("?{place}")).collect();
                let sql =
                    format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({})", shared.join(", "), places.join(", "));
                let mut insert = transaction.prepare(&sql)?;
                let put = |row: Vec<Value>| insert.execute(params_from_iter(row)).map(drop);
                all &= reader.rows(&table, &shared, put)?;
            }
            let lost: Vec<(String, i64)> = transaction
                .prepare("SELECT \"table\", rowid FROM pragma_foreign_key_check")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            for (table, row) in lost {
                transaction.execute(&format!("DELETE FROM {table} WHERE rowid = ?1"), [row])?;
            }
            let count =
                |table: &str| transaction.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
            let salvaged = Salvaged {
                drafts: count("draft")?,
                files: count("attachment")?,
                applications: count("application")?,
                all,
            };
            transaction.commit()?;
            Ok(salvaged)
        })();
        connection.pragma_update(None, "foreign_keys", true)?;
        brought_over
    }
}

/// Tables of rows with numbers; in the order they were made, so that owners come before what they own.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut tables = connection.prepare(
        "SELECT list.name FROM pragma_table_list AS list JOIN sqlite_schema ON sqlite_schema.name = list.name
         WHERE list.schema = 'main' AND list.type = 'table' AND list.wr = 0 AND list.name NOT LIKE 'sqlite_%'
         ORDER BY sqlite_schema.rowid",
    )?;
    let names = tables.query_map([], |row| row.get::<_, String>(0))?;
    names.filter(|name| name.as_ref().map_or(true, |name| !NOT_BROUGHT_OVER.contains(&name.as_str()))).collect()
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    columns.query_map([table], |row| row.get(0))?.collect()
}

/// Reads a copy of the damaged file. After each page that cannot be read it is opened anew: SQLCipher remembers the failure.
struct Reader<'a> {
    copy: PathBuf,
    key: &'a CacheKey,
    open: Option<Connection>,
}

impl<'a> Reader<'a> {
    fn of(damaged: &Path, key: &'a CacheKey) -> Result<Self, CacheError> {
        let copy = file::beside(damaged, ".reading");
        let reader = Self { copy, key, open: None };
        file::remove_with_log(&reader.copy)?;
        for ending in ["", "-wal"] {
            let from = file::beside(damaged, ending);
            if from.exists() {
                fs::copy(from, file::beside(&reader.copy, ending)).map_err(CacheError::from_io)?;
            }
        }
        Ok(reader)
    }

    /// `None` where what was asked cannot be read.
    fn ask<T>(&mut self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        if self.open.is_none() {
            let connection = Connection::open(&self.copy).ok()?;
            file::unlock(&connection, self.key).ok()?;
            // A file that was cut off says it is longer than it is; so it is read as long as it is.
            connection.pragma_update(None, "writable_schema", true).ok()?;
            self.open = Some(connection);
        }
        let answer = self.open.as_ref().and_then(|connection| question(connection).ok());
        if answer.is_none() {
            self.open = None;
        }
        answer
    }

    /// Hands over every row that can be read; whether all could.
    fn rows(
        &mut self,
        table: &str,
        columns: &[String],
        mut put: impl FnMut(Vec<Value>) -> rusqlite::Result<()>,
    ) -> Result<bool, CacheError> {
        let sql =
            format!("SELECT rowid, {} FROM {table} WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2", columns.join(", "));
        let (mut next, mut all) = (Some(i64::MIN), true);
        while let Some(from) = next {
            let (mut at, mut not_put) = (from, None);
            let read = self.ask(|damaged| {
                let mut rows = damaged.prepare_cached(&sql)?;
                let mut rows = rows.query((from, -1))?;
                while let Some(row) = rows.next()? {
                    let number: i64 = row.get(0)?;
                    let values = (1..=columns.len()).map(|column| row.get(column)).collect::<Result<_, _>>()?;
                    if let Err(error) = put(values) {
                        not_put = Some(error);
                        break;
                    }
                    at = number.saturating_add(1);
                }
                Ok(())
            });
            if let Some(error) = not_put {
                return Err(error.into());
            }
            if read.is_some() {
                break;
            }
            all = false;
            next = self.next_readable(&sql, columns.len(), at);
        }
        Ok(all)
    }

    /// The first number from `from` on whose row, or the next there is, can be read; `None` where none can.
    fn next_readable(&mut self, sql: &str, columns: usize, from: i64) -> Option<i64> {
        let mut can = |number: i64| {
            let row = self.ask(|damaged| {
                let mut rows = damaged.prepare_cached(sql)?;
                let mut rows = rows.query((number, 1))?;
                while let Some(row) = rows.next()? {
                    (0..=columns).try_for_each(|column| row.get::<_, Value>(column).map(drop))?;
                }
                Ok(())
            });
            row.is_some()
        };
        // Rows count from 1.
        let from = from.max(0);
        let (mut unreadable, mut step) = (from, 1_i64);
        let mut readable = loop {
            let number = from.checked_add(step)?;
            if can(number) {
                break number;
            }
            unreadable = number;
            step = step.checked_mul(2)?;
        };
        while readable - unreadable > 1 {
            let middle = unreadable + (readable - unreadable) / 2;
            if can(middle) { readable = middle } else { unreadable = middle }
        }
        Some(readable)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.open = None;
        // What cannot be removed now is removed by the next salvage; it is encrypted as what it was copied from.
        let _ = file::remove_with_log(&self.copy);
    }
}

#[cfg(test)]
mod tests {
    use certdesk_domain::{Business, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::{
        Draft,
        table::{attachment::tests::picked, offline_login::tests::known},
    };

    const DRAFTS: u128 = 120;
    const PAGE: usize = 4096;

    struct Files {
        folder: tempfile::TempDir,
        key: CacheKey,
    }

    impl Files {
        /// A file with drafts, each with a picked file.
        fn filled() -> Self {
            let files = Self { folder: tempfile::tempdir().unwrap(), key: CacheKey::random() };
            let cache = Cache::open(&files.path(), &files.key).unwrap();
            cache.put_offline_login(&known("acct", "a verifier"), Timestamp::UNIX_EPOCH).unwrap();
            for _ in 0..4 {
                cache.begin_offline_try("acct").unwrap();
            }
            for number in 1..=DRAFTS {
                let mut draft =
                    Draft::new(Uuid::from_u128(number), "acct", Business::New, "handler", Timestamp::UNIX_EPOCH);
                draft.handler.address.detail = format!("测试路 {number} 号");
                cache.create_draft(&draft).unwrap();
                cache.add_attachment(&picked(draft.id, "营业执照.pdf")).unwrap();
            }
            files
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("certdesk.db")
        }

        fn bytes(&self) -> Vec<u8> {
            fs::read(self.path()).unwrap()
        }

        /// The file as `damage` leaves it, set aside, and what a new one got of it.
        fn salvage(&self, bytes: &[u8]) -> (Cache, Salvaged) {
            let folder = tempfile::tempdir().unwrap().keep();
            let (aside, path) = (folder.join("aside"), folder.join("certdesk.db"));
            fs::write(&aside, bytes).unwrap();
            let cache = Cache::open(&path, &self.key).unwrap();
            let salvaged = cache.salvage(&aside, &self.key).unwrap();
            assert_eq!(fs::read(&aside).unwrap(), bytes, "what was set aside is as it was");
            let left = fs::read_dir(&folder)
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("reading"));
            assert_eq!(left.count(), 0, "no copy is left");
            (cache, salvaged)
        }
    }

    #[test]
    fn a_sound_file_comes_over_whole() {
        let files = Files::filled();
        let (cache, salvaged) = files.salvage(&files.bytes());
        assert_eq!(salvaged, Salvaged { drafts: DRAFTS as u32, files: DRAFTS as u32, applications: 0, all: true });
        let draft = cache.draft(Uuid::from_u128(7)).unwrap().expect("each draft is there");
        assert_eq!(draft.handler.address.detail, "测试路 7 号", "with what was typed");
        assert_eq!(cache.attachments(draft.id).unwrap().len(), 1, "and its file");
        let login = cache.offline_login("acct").unwrap().expect("who typed it can read it without the service");
        assert_eq!(login.tries, 4, "and no try against the proof is forgotten over it");
    }

    #[test]
    fn a_page_that_cannot_be_read_costs_what_was_on_it_and_no_more() {
        let files = Files::filled();
        let sound = files.bytes();
        let pages = sound.len() / PAGE;
        let (mut least, mut lost_some) = (u32::MAX, 0);
        // Each page but the first, which says what the others are.
        for page in 1..pages {
            let mut damaged = sound.clone();
            damaged[page * PAGE + 100] ^= 0x55;
            let (cache, salvaged) = files.salvage(&damaged);
            for draft in cache.drafts("acct").unwrap() {
                let number = draft.id.as_u128();
                assert_eq!(draft.handler.address.detail, format!("测试路 {number} 号"), "what came over is as it was");
            }
            assert!(cache.draft(Uuid::from_u128(7)).is_ok(), "and the new file is sound");
            least = least.min(salvaged.drafts);
            lost_some += u32::from(salvaged.drafts < DRAFTS as u32);
            if salvaged.drafts < DRAFTS as u32 {
                assert!(!salvaged.all, "that something is missing is said");
            }
        }
        assert!(lost_some > 10, "most pages hold drafts");
        // A root page is all of its table, one page says which tables there are; of the others each costs the rows on it.
        let costly = |page: &usize| {
            let mut damaged = sound.clone();
            damaged[page * PAGE + 100] ^= 0x55;
            files.salvage(&damaged).1.drafts < DRAFTS as u32 * 9 / 10
        };
        let costly = (1..pages).filter(costly).count();
        assert!(costly <= 3, "{costly} of {pages} pages cost more than a tenth of the drafts");
    }

    #[test]
    fn of_a_file_that_was_cut_off_what_is_left_comes_over() {
        let files = Files::filled();
        let sound = files.bytes();
        let cut = &sound[..sound.len() / PAGE * 2 / 3 * PAGE];
        let (_, salvaged) = files.salvage(cut);
        // The first pages are those of the tables themselves.
        assert!(salvaged.drafts > DRAFTS as u32 / 6 && !salvaged.all, "two thirds of a file hold a part: {salvaged:?}");
    }

    #[test]
    fn of_what_cannot_be_read_at_all_nothing_comes_and_nothing_fails() {
        let files = Files::filled();
        let (cache, salvaged) = files.salvage(&[0x17; 3 * PAGE]);
        assert_eq!(salvaged, Salvaged::default(), "nothing");
        assert_eq!(cache.drafts("acct").unwrap(), [], "and the new file works");
    }
}
