//! My applications, as the service told them last: readable offline.

use certdesk_contract::application::Application;
use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::{from_json, to_json};
use crate::{Cache, CacheError};

const TABLE: &str = "application";

impl Cache {
    /// Keeps the whole list of an account; what is not in it is forgotten.
    ///
    /// # Errors
    /// Those of the file.
    pub fn replace_applications(&self, account: &str, applications: &[Application]) -> Result<(), CacheError> {
        self.transaction(|transaction| {
            transaction.execute("DELETE FROM application WHERE account = ?1", [account])?;
            applications.iter().try_for_each(|application| put(transaction, account, application))
        })
    }

    /// Keeps one application, over what was known of it.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put_application(&self, account: &str, application: &Application) -> Result<(), CacheError> {
        put(&self.connection(), account, application)
    }

    /// The applications of an account, newest first (UUIDv7 tells).
    ///
    /// # Errors
    /// Those of the file.
    pub fn applications(&self, account: &str) -> Result<Vec<Application>, CacheError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT content FROM application WHERE account = ?1 ORDER BY id DESC")?;
        statement.query_map([account], |row| row.get::<_, String>(0))?.map(|text| from_json(TABLE, &text?)).collect()
    }

    /// One application of an account.
    ///
    /// # Errors
    /// Those of the file.
    pub fn application(&self, account: &str, id: Uuid) -> Result<Option<Application>, CacheError> {
        let text: Option<String> = self
            .connection()
            .prepare_cached("SELECT content FROM application WHERE account = ?1 AND id = ?2")?
            .query_row([account, &id.to_string()], |row| row.get(0))
            .optional()?;
        text.map(|text| from_json(TABLE, &text)).transpose()
    }
}

pub(super) fn put(connection: &Connection, account: &str, application: &Application) -> Result<(), CacheError> {
    connection
        .prepare_cached(
            "INSERT INTO application VALUES (?1, ?2, ?3)
             ON CONFLICT (account, id) DO UPDATE SET content = excluded.content",
        )?
        .execute((account, application.id.to_string(), to_json(TABLE, application)?))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use certdesk_domain::{Business, State};

    fn application(state: State) -> Application {
        Application {
            id: Uuid::now_v7(),
            number: Some("CD20261122000017".into()),
            business: Business::New,
            state,
            next_actor: state.next_actor(),
            handler: None,
            particulars: Default::default(),
            submissions: 0,
            receipts: Vec::new(),
            attachments: Vec::new(),
            remarks: Vec::new(),
            reason: None,
            history: Vec::new(),
            certificate_subject: None,
        }
    }

    #[test]
    fn the_list_is_as_the_service_told_it_last() {
        let cache = Cache::in_memory().unwrap();
        let (old, new) = (application(State::Completed), application(State::Submitted));
        cache.replace_applications("acct", &[old.clone(), new.clone()]).unwrap();
        cache.replace_applications("other", std::slice::from_ref(&old)).unwrap();
        assert_eq!(cache.applications("acct").unwrap(), [new.clone(), old.clone()], "newest first");
        let moved = Application { state: State::InReview, ..new.clone() };
        cache.put_application("acct", &moved).unwrap();
        assert_eq!(cache.application("acct", new.id).unwrap(), Some(moved.clone()));
        cache.replace_applications("acct", std::slice::from_ref(&moved)).unwrap();
        assert_eq!(cache.applications("acct").unwrap(), [moved]);
        assert_eq!(cache.applications("other").unwrap(), [old], "another account's list is its own");
    }
}
