//! The tables, and how a file of an earlier version becomes one of today.

use rusqlite::{Connection, TransactionBehavior};

use crate::CacheError;

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
];

/// Runs the scripts that have not run on this file yet, all or none.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), CacheError> {
    let known = MIGRATIONS.len() as i64;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(CacheError::Newer { found, known });
    }
    for script in &MIGRATIONS[usize::try_from(found).unwrap_or(0)..] {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
