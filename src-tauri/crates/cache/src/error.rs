//! What can go wrong with a file.

use rusqlite::{Error as SqliteError, ErrorCode};

/// Why something could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// No room on the disk. Nothing was changed; the same call may succeed later.
    #[error("the disk is full")]
    DiskFull,
    /// The file is damaged, or no such file at all.
    #[error("the file is damaged or of another kind")]
    Corrupt,
    /// A later version of the program made the file.
    #[error("the file has version {found}, this program knows up to {known}")]
    Newer {
        /// Version of the file.
        found: i64,
        /// Latest version known here.
        known: i64,
    },
    /// The file cannot be opened or made.
    #[error("the file cannot be opened: {0}")]
    CannotOpen(std::io::Error),
    /// The draft or attachment is not there (any more).
    #[error("there is no such {what}")]
    Gone {
        /// Table.
        what: &'static str,
    },
    /// A row is not of the shape it was written in.
    #[error("a row of {table} cannot be read: {source}")]
    Garbled {
        /// Table.
        table: &'static str,
        /// How.
        source: serde_json::Error,
    },
    /// SQLite's own word.
    #[error("{0}")]
    Sqlite(SqliteError),
}

impl CacheError {
    pub(crate) fn from_io(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull { Self::DiskFull } else { Self::CannotOpen(error) }
    }
}

impl From<SqliteError> for CacheError {
    fn from(error: SqliteError) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            // Where the file is not made by us first, SQLite itself says that it cannot.
            Some(ErrorCode::CannotOpen) => Self::CannotOpen(std::io::Error::other(error)),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt,
            _ => Self::Sqlite(error),
        }
    }
}
