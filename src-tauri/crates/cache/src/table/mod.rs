//! One file a table: what a row holds, and the acts on it.

pub mod account;
pub mod application;
pub mod attachment;
pub mod changes;
pub mod crl;
pub mod document;
pub mod draft;
pub mod issuance;
pub mod offline_login;
pub mod outbox;
pub mod setting;

use serde::{Serialize, de::DeserializeOwned};

use crate::CacheError;

fn to_json(table: &'static str, value: &impl Serialize) -> Result<String, CacheError> {
    serde_json::to_string(value).map_err(|source| CacheError::Garbled { table, source })
}

fn from_json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T, CacheError> {
    serde_json::from_str(text).map_err(|source| CacheError::Garbled { table, source })
}

/// The word that a fieldless enum has in JSON, for a column to search by.
fn word(table: &'static str, value: &impl Serialize) -> Result<String, CacheError> {
    Ok(to_json(table, value)?.trim_matches('"').to_owned())
}
