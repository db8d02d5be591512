//! Choices and small facts, by name.

use rusqlite::OptionalExtension;
use serde::{Serialize, de::DeserializeOwned};

use super::{from_json, to_json};
use crate::{Cache, CacheError};

const TABLE: &str = "setting";

impl Cache {
    /// The value of that name, if one was put.
    ///
    /// # Errors
    /// [`CacheError::Garbled`] if it was put as another type.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, CacheError> {
        let text: Option<String> = self
            .connection()
            .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        text.map(|text| from_json(TABLE, &text)).transpose()
    }

    /// Puts a value under a name, over the one that was there.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put_setting<T: Serialize>(&self, name: &str, value: &T) -> Result<(), CacheError> {
        let text = to_json(TABLE, value)?;
        self.connection()
            .prepare_cached(
                "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?
            .execute([name, &text])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_what_was_put_last() {
        let cache = Cache::in_memory().unwrap();
        assert_eq!(cache.setting::<u8>("zoom").unwrap(), None);
        cache.put_setting("zoom", &100u8).unwrap();
        cache.put_setting("zoom", &200u8).unwrap();
        assert_eq!(cache.setting::<u8>("zoom").unwrap(), Some(200));
        assert!(matches!(cache.setting::<String>("zoom"), Err(CacheError::Garbled { table: "setting", .. })));
    }
}
