//! Everything kept of one account, across the tables: to count it, to hand it over, to forget it.
//!
//! Documents belong to an account when a part of their name between slashes is the account's name.

use certdesk_contract::application::Application;
use serde_json::Value;
use uuid::Uuid;

use super::from_json;
use crate::{Attachment, Cache, CacheError, Draft, Issuance, OfflineLogin, Outgoing, file};

/// Everything kept of one account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountData {
    /// Drafts, changed last first.
    pub drafts: Vec<Draft>,
    /// Forms made of them: draft, PDF.
    pub forms: Vec<(Uuid, Vec<u8>)>,
    /// Files picked for them.
    pub attachments: Vec<Attachment>,
    /// Applications as last seen, newest first.
    pub applications: Vec<Application>,
    /// Journals of 制证 of those applications.
    pub issuances: Vec<Issuance>,
    /// What the service is still to be told, in its order.
    pub outgoing: Vec<Outgoing>,
    /// The last login, by which this computer knows its owner without the service.
    pub offline_login: Option<OfflineLogin>,
    /// Documents, by name.
    pub documents: Vec<(String, Value)>,
}

impl Cache {
    /// Everything kept of an account.
    ///
    /// # Errors
    /// Those of the file.
    pub fn data_of(&self, account: &str) -> Result<AccountData, CacheError> {
        let drafts = self.drafts(account)?;
        let mut data = AccountData { applications: self.applications(account)?, ..AccountData::default() };
        for draft in &drafts {
            data.forms.extend(self.form(draft.id)?.map(|pdf| (draft.id, pdf)));
            data.attachments.extend(self.attachments(draft.id)?);
        }
        data.drafts = drafts;
        data.outgoing = self.outbox(account)?;
        data.offline_login = self.offline_login(account)?;
        for application in &data.applications {
            data.issuances.extend(self.issuance(application.id)?);
        }
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached(&format!("SELECT name, content FROM document WHERE {OF} ORDER BY name"))?;
        let rows = statement.query_map([account], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        for row in rows {
            let (name, text) = row?;
            data.documents.push((name, from_json("document", &text)?));
        }
        Ok(data)
    }

    /// Forgets everything kept of an account, down to the bytes of the file. Journals that belong to no application known
    /// here go too.
    ///
    /// # Errors
    /// Those of the file.
    pub fn forget(&self, account: &str) -> Result<(), CacheError> {
        self.transaction(|transaction| {
            // Form and attachments go with their draft.
            transaction.execute("DELETE FROM draft WHERE account = ?1", [account])?;
            transaction.execute("DELETE FROM outbox WHERE account = ?1", [account])?;
            for table in ["changes", "changes_told", "draft_elsewhere", "offline_login"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE account = ?1"), [account])?;
            }
            transaction.execute("DELETE FROM application WHERE account = ?1", [account])?;
            transaction.execute("DELETE FROM issuance WHERE application NOT IN (SELECT id FROM application)", [])?;
            transaction.execute(&format!("DELETE FROM document WHERE {OF}"), [account])?;
            Ok(())
        })?;
        // What the index still has of the rows that are gone lies in pages that are joined only now and then: now.
        self.connection().execute("INSERT INTO application_words (application_words) VALUES ('optimize')", [])?;
        // Deleted content was overwritten where it lay; what is left of it in the log and in pages that were moved goes now.
        self.connection().execute_batch("VACUUM")?;
        self.cut_log()?;
        // What was before a change of the tables is kept whole: nothing can be taken out of it, so it goes.
        self.path.as_deref().map_or(Ok(()), |path| file::remove_backups(path))
    }

    /// How many public documents are kept, the revocation list among them, and their size in bytes.
    ///
    /// # Errors
    /// Those of the file.
    pub fn public_data(&self) -> Result<(u32, u64), CacheError> {
        Ok(self.connection().query_row(
            "SELECT (SELECT count(*) FROM document WHERE name NOT LIKE '%/%') + (SELECT count(*) FROM crl),
                    (SELECT coalesce(sum(length(content)), 0) FROM document WHERE name NOT LIKE '%/%')
                    + (SELECT coalesce(sum(length(entries)), 0) FROM crl_block)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    }
}

/// Of account `?1`.
const OF: &str = "instr('/' || name || '/', '/' || ?1 || '/') > 0";

#[cfg(test)]
mod tests {
    use certdesk_domain::{Business, Timestamp};

    use super::*;
    use crate::{Document, FormRecord};

    fn filled(cache: &Cache, account: &str, mark: &str) -> Uuid {
        let id = Uuid::now_v7();
        let mut draft = Draft::new(id, account, Business::New, "handler", Timestamp::UNIX_EPOCH);
        draft.handler.person.name = mark.to_owned();
        cache.create_draft(&draft).unwrap();
        let record = FormRecord { sha256: "ab".into(), bytes: 4, pages: 1, handler_digest: "cd".into() };
        cache.put_form(id, Timestamp::UNIX_EPOCH, record, mark.as_bytes()).unwrap();
        cache.add_attachment(&crate::table::attachment::tests::picked(id, mark)).unwrap();
        for name in [format!("notices/{account}"), format!("consent/{account}/Agreement")] {
            cache.put_document(&name, &Document { etag: None, json: mark.into() }).unwrap();
        }
        let mut known = crate::table::offline_login::tests::known(account, "a verifier");
        known.account.registration.contact.name = mark.to_owned();
        cache.put_offline_login(&known, Timestamp::UNIX_EPOCH).unwrap();
        id
    }

    #[test]
    fn an_account_is_forgotten_to_the_last_byte_and_another_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        // Not encrypted, so that what is left in it can be seen.
        let cache = Cache::open_plain(&folder.path().join("certdesk.db")).unwrap();
        cache.put_document("catalogue", &Document { etag: None, json: "public".into() }).unwrap();
        filled(&cache, "qy1", "王䶮 of the one");
        let kept = filled(&cache, "qy11", "李测试 of the other");
        let data = cache.data_of("qy1").unwrap();
        let counts = (data.drafts.len(), data.forms.len(), data.attachments.len(), data.documents.len());
        assert_eq!(counts, (1, 1, 1, 2), "all of the account is handed over");
        assert!(data.offline_login.is_some(), "who logged in is part of it");
        cache.forget("qy1").unwrap();
        assert_eq!(cache.data_of("qy1").unwrap(), AccountData::default());
        let other = cache.data_of("qy11").unwrap();
        assert_eq!((other.documents.len(), other.offline_login.is_some()), (2, true), "another account keeps its own");
        assert!(cache.form(kept).unwrap().is_some());
        assert_eq!(cache.public_data().unwrap(), (1, 8));
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!holds("王䶮 of the one"), "{} still has it", path.display());
        }
    }
}
