//! Documents of the service as last fetched (catalogue, certificates), and receipts it gave, by name.

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

use super::{from_json, to_json};
use crate::{Cache, CacheError};

const TABLE: &str = "document";

/// A document as last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The service's version mark (RFC 9110 §8.8.3), to ask whether it changed.
    pub etag: Option<String>,
    /// The content.
    pub json: Value,
}

impl Cache {
    /// The document of that name, if it was ever seen.
    ///
    /// # Errors
    /// Those of the file.
    pub fn document(&self, name: &str) -> Result<Option<Document>, CacheError> {
        get(&self.connection(), name)
    }

    /// Every document whose name begins so.
    ///
    /// # Errors
    /// Those of the file.
    pub fn documents(&self, prefix: &str) -> Result<Vec<Document>, CacheError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT etag, content FROM document WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
        )?;
        let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (etag, text) = row?;
            Ok(Document { etag, json: from_json(TABLE, &text)? })
        })
        .collect()
    }

    /// Keeps a document under a name, over the one that was there.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put_document(&self, name: &str, document: &Document) -> Result<(), CacheError> {
        put(&self.connection(), name, document)
    }

    /// Changes a document, null where it is not there; one act, so that nothing written meanwhile is lost. Where `change`
    /// changes nothing, nothing is written.
    ///
    /// # Errors
    /// Those of the file.
    pub fn update_document(&self, name: &str, change: impl FnOnce(&mut Value)) -> Result<(), CacheError> {
        self.transaction(|transaction| {
            let before = get(transaction, name)?;
            let etag = before.as_ref().and_then(|document| document.etag.clone());
            let before = before.map_or(Value::Null, |document| document.json);
            let mut json = before.clone();
            change(&mut json);
            if json == before { Ok(()) } else { put(transaction, name, &Document { etag, json }) }
        })
    }

    /// Forgets a document.
    ///
    /// # Errors
    /// Those of the file.
    pub fn delete_document(&self, name: &str) -> Result<(), CacheError> {
        self.connection().prepare_cached("DELETE FROM document WHERE name = ?1")?.execute([name])?;
        Ok(())
    }
}

pub(super) fn get(connection: &Connection, name: &str) -> Result<Option<Document>, CacheError> {
    let row: Option<(Option<String>, String)> = connection
        .prepare_cached("SELECT etag, content FROM document WHERE name = ?1")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    row.map(|(etag, text)| Ok(Document { etag, json: from_json(TABLE, &text)? })).transpose()
}

pub(super) fn put(connection: &Connection, name: &str, document: &Document) -> Result<(), CacheError> {
    let text = to_json(TABLE, &document.json)?;
    connection
        .prepare_cached(
            "INSERT INTO document VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET etag = excluded.etag, content = excluded.content",
        )?
        .execute((name, &document.etag, text))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_comes_back_with_its_mark() {
        let cache = Cache::in_memory().unwrap();
        assert_eq!(cache.document("catalogue").unwrap(), None);
        for etag in ["\"1\"", "\"2\""] {
            let seen = Document { etag: Some(etag.to_owned()), json: serde_json::json!({"ca_name": "演示CA"}) };
            cache.put_document("catalogue", &seen).unwrap();
            assert_eq!(cache.document("catalogue").unwrap(), Some(seen.clone()));
            assert_eq!(cache.documents("cat").unwrap(), [seen], "found by how its name begins");
        }
        cache.delete_document("catalogue").unwrap();
        assert_eq!(cache.document("catalogue").unwrap(), None, "what was forgotten is not there");
        assert_eq!(cache.documents("certificates/").unwrap(), []);
    }
}
