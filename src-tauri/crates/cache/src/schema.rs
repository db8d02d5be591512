//! The tables, and how a file of an earlier version becomes one of today.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::{CacheError, file, search};

/// One script a version, in order; `user_version` counts those that have run. Never change one that was released.
///
/// A row is its `content` (JSON, the struct of its table's file) and beside it the columns that are searched by.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE setting (
        name  TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE document (
        name    TEXT PRIMARY KEY,
        etag    TEXT,
        content TEXT NOT NULL
    ) STRICT;
    CREATE TABLE draft (
        id       TEXT PRIMARY KEY,
        account  TEXT NOT NULL,
        business TEXT NOT NULL,
        state    TEXT NOT NULL,
        content  TEXT NOT NULL
    ) STRICT;
    CREATE INDEX draft_account ON draft (account, business);
    CREATE TABLE form (
        draft TEXT PRIMARY KEY REFERENCES draft (id) ON DELETE CASCADE,
        pdf   BLOB NOT NULL
    ) STRICT;
    CREATE TABLE attachment (
        position INTEGER PRIMARY KEY,
        id       TEXT NOT NULL UNIQUE,
        draft    TEXT NOT NULL REFERENCES draft (id) ON DELETE CASCADE,
        phase    TEXT NOT NULL,
        path     BLOB NOT NULL,
        content  TEXT NOT NULL
    ) STRICT;
    CREATE INDEX attachment_draft ON attachment (draft);
    CREATE TABLE application (
        account TEXT NOT NULL,
        id      TEXT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (account, id)
    ) STRICT;
    CREATE TABLE issuance (
        application TEXT PRIMARY KEY,
        content     TEXT NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE crl (
        issuer      BLOB NOT NULL,
        number      INTEGER NOT NULL,
        this_update INTEGER NOT NULL,
        next_update INTEGER NOT NULL,
        etag        TEXT
    ) STRICT;
    CREATE TABLE crl_block (
        first   BLOB PRIMARY KEY,
        entries BLOB NOT NULL
    ) STRICT;
    CREATE TABLE crl_number (
        issuer BLOB PRIMARY KEY,
        number INTEGER NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE outbox (
        position    INTEGER PRIMARY KEY,
        id          TEXT NOT NULL UNIQUE,
        account     TEXT NOT NULL,
        application TEXT NOT NULL,
        content     TEXT NOT NULL
    ) STRICT;
    CREATE INDEX outbox_account ON outbox (account, position);
    CREATE INDEX outbox_application ON outbox (application, position);
    -- Drafts thrown away that the service was not told of were a document until now.
    INSERT INTO outbox (id, account, application, content)
        SELECT discarded.value, substr(document.name, 11), discarded.value, json_object(
            'id', discarded.value, 'account', substr(document.name, 11), 'application', discarded.value,
            'act', json_object('kind', 'discard'), 'state', 'waiting', 'tries', 0, 'failure', NULL,
            'next_try', '1970-01-01T00:00:00Z', 'at', '1970-01-01T00:00:00Z')
        FROM document, json_each(document.content) AS discarded WHERE document.name LIKE 'discarded/%';
    DELETE FROM document WHERE name LIKE 'discarded/%';
",
    // Written narrowly: what is said here lies on the pages that say where everything else is.
    "
    ALTER TABLE application RENAME TO application_before;
    CREATE TABLE application (position INTEGER PRIMARY KEY, account TEXT NOT NULL, id TEXT NOT NULL, content TEXT NOT NULL,
number TEXT AS (content->>'$.number'), business TEXT AS (content->>'$.business'), state TEXT AS (content->>'$.state'),
turn INT AS (CASE content->>'$.next_actor' WHEN 'applicant' THEN 0 WHEN 'service' THEN 1 ELSE 2 END),
changed TEXT AS (coalesce(content->>'$.history[#-1].at','')), year TEXT AS (substr(content->>'$.history[0].at',1,4)),
UNIQUE (account, id)) STRICT;
    CREATE INDEX application_number ON application (account, number);
    CREATE INDEX application_order ON application (account, turn, changed, id, business, state, year);
    CREATE VIRTUAL TABLE application_words USING
fts5(text, facts, sounds, content='', columnsize=0, tokenize='ascii', prefix='7 8 9');
    INSERT INTO application (account, id, content) SELECT account, id, content FROM application_before ORDER BY id;
    INSERT INTO application_words (rowid, text, facts, sounds) SELECT position, found_by('text', account, content),
        found_by('facts', account, content), found_by('sounds', account, content) FROM application;
    DROP TABLE application_before;
",
    "
    CREATE TABLE changes (account TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT;
    CREATE TABLE changes_told (account TEXT, kind TEXT, name TEXT, PRIMARY KEY (account, kind, name)) STRICT, WITHOUT ROWID;
    CREATE TABLE draft_elsewhere (id TEXT PRIMARY KEY, account TEXT NOT NULL, etag TEXT) STRICT;
",
    "
    CREATE TABLE offline_login (account TEXT PRIMARY KEY, seen_at TEXT NOT NULL, tries INT NOT NULL, content TEXT NOT NULL) STRICT;
",
];

/// Whatever writes an application writes what it is found by, in the same transaction. Of this connection, so that they
/// take no room in the file.
const WATCHES: &str = "
    CREATE TEMP TRIGGER application_found AFTER INSERT ON main.application BEGIN
        INSERT INTO application_words (rowid, text, facts, sounds) VALUES (new.position,
            found_by('text', new.account, new.content), found_by('facts', new.account, new.content),
            found_by('sounds', new.account, new.content));
    END;
    CREATE TEMP TRIGGER application_lost AFTER DELETE ON main.application BEGIN
        INSERT INTO application_words (application_words, rowid, text, facts, sounds) VALUES ('delete', old.position,
            found_by('text', old.account, old.content), found_by('facts', old.account, old.content),
            found_by('sounds', old.account, old.content));
    END;
    CREATE TEMP TRIGGER application_changed AFTER UPDATE ON main.application
    WHEN found_by('all', old.account, old.content) IS NOT found_by('all', new.account, new.content) BEGIN
        INSERT INTO application_words (application_words, rowid, text, facts, sounds) VALUES ('delete', old.position,
            found_by('text', old.account, old.content), found_by('facts', old.account, old.content),
            found_by('sounds', old.account, old.content));
        INSERT INTO application_words (rowid, text, facts, sounds) VALUES (new.position,
            found_by('text', new.account, new.content), found_by('facts', new.account, new.content),
            found_by('sounds', new.account, new.content));
    END;
";

/// Runs the scripts that have not run on this file yet, all or none. Where one runs on a file that has something in it, a
/// copy of it as it was is kept beside it first. `path`: where the file lies.
pub(crate) fn migrate(connection: &mut Connection, path: Option<&Path>) -> Result<(), CacheError> {
    search::register(connection)?;
    let known = MIGRATIONS.len() as i64;
    if version(connection)? < known {
        // Into the file with what is in its log, so that a copy of the file has it.
        connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > known {
        return Err(CacheError::Newer { found, known });
    }
    if let Some(path) = path.filter(|_| 0 < found && found < known) {
        file::back_up(path, found)?;
    }
    for script in &MIGRATIONS[usize::try_from(found).unwrap_or(0)..] {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    connection.execute_batch(WATCHES)?;
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, CacheError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

#[cfg(test)]
pub(crate) mod tests {
    use certdesk_domain::{Business, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::{Attachment, AttachmentPhase, Cache, CacheKey, Draft, OutgoingAct, table::attachment::tests::picked};

    /// An empty file as an earlier version left it.
    pub(crate) fn of_version(version: i64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        search::register(&connection).unwrap();
        let scripts = &MIGRATIONS[..usize::try_from(version).unwrap()];
        scripts.iter().try_for_each(|script| connection.execute_batch(script)).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
        connection
    }

    #[test]
    fn an_earlier_file_is_brought_up_to_date_and_kept_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("certdesk.db"), CacheKey::random());
        let connection = file::open(&path, &key).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection.execute("INSERT INTO setting VALUES ('theme', '\"dark\"')", []).unwrap();
        // Killed: the row lies in the log alone.
        std::mem::forget(connection);
        std::fs::write(folder.path().join("certdesk.db.backup-of-version-0"), "an older one").unwrap();

        let cache = Cache::open(&path, &key).unwrap();
        assert_eq!(cache.setting::<String>("theme").unwrap().as_deref(), Some("dark"), "what was there is there");
        assert_eq!(cache.crl().unwrap(), None, "and what is new works");
        assert!(!folder.path().join("certdesk.db.backup-of-version-0").exists(), "one copy is enough");
        let copy = file::open(&folder.path().join("certdesk.db.backup-of-version-1"), &key).unwrap();
        assert_eq!(version(&copy).unwrap(), 1, "the copy is of the version before");
        let theme: String = copy.query_row("SELECT value FROM setting", [], |row| row.get(0)).unwrap();
        assert_eq!(theme, "\"dark\"", "with all that was in it");
        drop(copy);
        cache.forget("qy1").unwrap();
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains("backup")), "a person's data goes from it too");
    }

    #[test]
    fn an_update_in_the_middle_of_a_draft_and_of_an_upload_costs_nothing() {
        let now = Cache::in_memory().unwrap();
        let mut draft = Draft::new(Uuid::now_v7(), "qy1", Business::New, "files", Timestamp::UNIX_EPOCH);
        assert!(draft.handler.set("person.name", "王䶮"));
        now.create_draft(&draft).unwrap();
        let half_sent = Attachment {
            upload: Some(Uuid::now_v7()),
            sent: 8 << 20,
            phase: AttachmentPhase::Sending,
            ..picked(draft.id, "承诺视频.mp4")
        };
        now.add_attachment(&half_sent).unwrap();
        for version in 1..MIGRATIONS.len() {
            let folder = tempfile::tempdir().unwrap();
            let (path, key) = (folder.path().join("certdesk.db"), CacheKey::random());
            let before = file::open(&path, &key).unwrap();
            search::register(&before).unwrap();
            MIGRATIONS[..version].iter().for_each(|script| before.execute_batch(script).unwrap());
            before.pragma_update(None, "user_version", version as i64).unwrap();
            for table in ["draft", "attachment"] {
                copy_rows(table, &now.connection(), &before);
            }
            drop(before);

            let cache = Cache::open(&path, &key).unwrap();
            assert_eq!(
                cache.drafts("qy1").unwrap(),
                std::slice::from_ref(&draft),
                "what was typed under version {version}"
            );
            assert_eq!(
                cache.attachments(draft.id).unwrap(),
                std::slice::from_ref(&half_sent),
                "the upload goes on where it was under version {version}"
            );
        }
    }

    fn copy_rows(table: &str, from: &Connection, to: &Connection) {
        let mut all = from.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = all.column_count();
        let places = vec!["?"; columns].join(", ");
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column).unwrap());
            let insert = format!("INSERT INTO {table} VALUES ({places})");
            to.execute(&insert, rusqlite::params_from_iter(values)).unwrap();
        }
    }

    #[test]
    fn drafts_thrown_away_under_an_earlier_version_are_still_told() {
        let connection = of_version(2);
        let ids = ["0193e7c0-7000-7000-8000-000000000001", "0193e7c0-7000-7000-8000-000000000002"];
        let content = serde_json::to_string(&ids).unwrap();
        connection.execute("INSERT INTO document VALUES ('discarded/qy1', NULL, ?1)", [content]).unwrap();
        let cache = Cache::prepare(connection, None).unwrap();
        let told = cache.outbox("qy1").unwrap();
        let told: Vec<_> = told.iter().map(|row| (row.application.to_string(), row.act.clone())).collect();
        assert_eq!(told, ids.map(|id| (id.to_owned(), OutgoingAct::Discard)));
        assert_eq!(cache.document("discarded/qy1").unwrap(), None, "once");
    }
}
