//! What changed at the service: a page of it and the cursor after it are one transaction, so whatever a cut leaves, the
//! next question begins where the last page ended.
//!
//! While everything is being told, what was told is noted by name; at its end what was not told is forgotten. Until then
//! what was seen before stays readable.

use std::collections::{BTreeMap, HashSet};

use certdesk_contract::{
    application::Application,
    certificate::CertificateRecord,
    change::{Changes, Part},
    notice::Notice,
};
use certdesk_domain::Timestamp;
use rusqlite::{OptionalExtension, Transaction};
use serde_json::Value;
use uuid::Uuid;

use super::{application, document, draft, from_json, offline_login};
use crate::{Cache, CacheError, Document, Draft};

const TABLE: &str = "changes";

/// What a page did here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Some case is otherwise than it was.
    pub applications: bool,
    /// Some certificate is.
    pub certificates: bool,
    /// Some notice is.
    pub notices: bool,
    /// Drafts that are none any more, because their case has moved on.
    pub closed: Vec<Uuid>,
    /// Cases whose typing was changed, begun or forgotten elsewhere: [`Cache::drafts_elsewhere`].
    pub drafts: bool,
}

/// Where the certificates of an account are kept: a list of [`CertificateRecord`].
pub fn certificates_document(account: &str) -> String {
    format!("certificates/{account}")
}

/// Where the notices of an account are kept: an object with a list of [`Notice`] as `notices`.
pub fn notices_document(account: &str) -> String {
    format!("notices/{account}")
}

impl Cache {
    /// Where to go on asking for what changed of an account; `None`: from the beginning.
    ///
    /// # Errors
    /// Those of the file.
    pub fn changes_cursor(&self, account: &str) -> Result<Option<String>, CacheError> {
        Ok(self
            .connection()
            .prepare_cached("SELECT cursor FROM changes WHERE account = ?1")?
            .query_row([account], |row| row.get(0))
            .optional()?)
    }

    /// The service knows the cursor no more: from the beginning then. What was seen stays until everything was told.
    ///
    /// # Errors
    /// Those of the file.
    pub fn forget_changes_cursor(&self, account: &str) -> Result<(), CacheError> {
        self.connection().prepare_cached("DELETE FROM changes WHERE account = ?1")?.execute([account])?;
        Ok(())
    }

    /// Takes a page over that was asked for with `cursor`, and its own cursor. `may` is asked inside the transaction;
    /// nothing is taken over, `None`, where it says no or another page was meanwhile.
    ///
    /// # Errors
    /// Those of the file.
    pub fn apply_changes(
        &self,
        account: &str,
        cursor: Option<&str>,
        page: &Changes,
        now: Timestamp,
        may: impl FnOnce() -> bool,
    ) -> Result<Option<Applied>, CacheError> {
        self.transaction(|transaction| {
            let at: Option<String> = transaction
                .prepare_cached("SELECT cursor FROM changes WHERE account = ?1")?
                .query_row([account], |row| row.get(0))
                .optional()?;
            if at.as_deref() != cursor || !may() {
                return Ok(None);
            }
            if cursor.is_none() {
                transaction.execute("DELETE FROM changes_told WHERE account = ?1", [account])?;
            }
            let applied = Page { transaction, account, page, now }.apply()?;
            transaction
                .prepare_cached(
                    "INSERT INTO changes VALUES (?1, ?2) ON CONFLICT (account) DO UPDATE SET cursor = excluded.cursor",
                )?
                .execute([account, &page.cursor])?;
            transaction
                .prepare_cached("UPDATE offline_login SET seen_at = ?2 WHERE account = ?1")?
                .execute([account, &offline_login::written(now)])?;
            Ok(Some(applied))
        })
    }

    /// Keeps what an answer said of a case, and closes its draft where that is none any more. Answers whether it is news,
    /// and whether a draft was closed.
    ///
    /// # Errors
    /// Those of the file.
    pub fn keep_application(
        &self,
        account: &str,
        application: &Application,
        now: Timestamp,
    ) -> Result<(bool, bool), CacheError> {
        self.transaction(|transaction| keep(transaction, account, application, now))
    }

    /// Drafts of an account of which the service has something else than this computer, as far as is known; with the entity
    /// tag of that, `None` where nothing is kept there any more.
    ///
    /// # Errors
    /// Those of the file.
    pub fn drafts_elsewhere(&self, account: &str) -> Result<Vec<(Uuid, Option<String>)>, CacheError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, etag FROM draft_elsewhere WHERE account = ?1 ORDER BY id")?;
        let rows = statement.query_map([account], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| row.map(|(id, etag)| (id.parse().unwrap_or_default(), etag)).map_err(CacheError::from)).collect()
    }

    /// Such a draft was looked at, as it stood under that entity tag; what was noted since stays noted.
    ///
    /// # Errors
    /// Those of the file.
    pub fn looked_at_draft(&self, id: Uuid, etag: Option<&str>) -> Result<(), CacheError> {
        self.connection()
            .prepare_cached("DELETE FROM draft_elsewhere WHERE id = ?1 AND etag IS ?2")?
            .execute((id.to_string(), etag))?;
        Ok(())
    }
}

/// A page as it is being taken over.
struct Page<'a> {
    transaction: &'a Transaction<'a>,
    account: &'a str,
    page: &'a Changes,
    now: Timestamp,
}

impl Page<'_> {
    fn apply(&self) -> Result<Applied, CacheError> {
        let mut applied = Applied::default();
        for case in &self.page.applications {
            let (news, closed) = keep(self.transaction, self.account, case, self.now)?;
            applied.applications |= news;
            applied.closed.extend(closed.then_some(case.id));
        }
        for id in &self.page.gone.applications {
            applied.applications |= self.forget_application(&id.to_string())?;
        }
        applied.certificates = self.certificates()?;
        applied.notices = self.notices()?;
        applied.drafts = self.drafts()?;
        if self.page.part != Part::Since {
            self.note_told()?;
        }
        if self.page.part == Part::WholeEnd {
            applied.applications |= self.forget_untold_applications()?;
            self.transaction.execute("DELETE FROM changes_told WHERE account = ?1", [self.account])?;
        }
        Ok(applied)
    }

    fn forget_application(&self, id: &str) -> Result<bool, CacheError> {
        let forgotten = self
            .transaction
            .prepare_cached("DELETE FROM application WHERE account = ?1 AND id = ?2")?
            .execute([self.account, id])?;
        Ok(forgotten > 0)
    }

    fn forget_untold_applications(&self) -> Result<bool, CacheError> {
        let forgotten = self.transaction.execute(
            "DELETE FROM application WHERE account = ?1
             AND id NOT IN (SELECT name FROM changes_told WHERE account = ?1 AND kind = 'application')",
            [self.account],
        )?;
        Ok(forgotten > 0)
    }

    fn certificates(&self) -> Result<bool, CacheError> {
        let name = certificates_document(self.account);
        let before: Vec<CertificateRecord> = self.document(&name)?.and_then(|json| read(&json)).unwrap_or_default();
        let told = self.page.certificates.iter().map(|record| (record.serial.clone(), record));
        let gone = self.page.gone.certificates.iter().cloned();
        let mut records = self.merged("certificate", &before, |record| record.serial.clone(), told, gone)?;
        records.sort_by(|a, b| (b.not_before, &b.serial).cmp(&(a.not_before, &a.serial)));
        self.put_if_news(&name, &before, &records, |_, list| list)
    }

    fn notices(&self) -> Result<bool, CacheError> {
        let name = notices_document(self.account);
        let kept = self.document(&name)?;
        let before: Vec<Notice> = kept.as_ref().and_then(|json| read(&json["notices"])).unwrap_or_default();
        let told = self.page.notices.iter().map(|notice| (notice.id.to_string(), notice));
        let gone = self.page.gone.notices.iter().map(Uuid::to_string);
        let mut notices = self.merged("notice", &before, |notice| notice.id.to_string(), told, gone)?;
        notices.sort_by_key(|notice| std::cmp::Reverse((notice.at, notice.id)));
        self.put_if_news(&name, &before, &notices, |kept, list| {
            let mut whole = kept.filter(Value::is_object).unwrap_or_else(|| serde_json::json!({}));
            whole["notices"] = list;
            whole
        })
    }

    /// A list with what was told, without what is gone, and at the end of everything without what was not told.
    fn merged<'p, T: Clone + 'p>(
        &self,
        kind: &str,
        before: &[T],
        name: impl Fn(&T) -> String,
        told: impl Iterator<Item = (String, &'p T)>,
        gone: impl Iterator<Item = String>,
    ) -> Result<Vec<T>, CacheError> {
        // By name: whatever a page says, nothing is there twice.
        let told: BTreeMap<String, &T> = told.collect();
        let mut replaced: HashSet<String> = gone.collect();
        replaced.extend(told.keys().cloned());
        let untold = if self.page.part == Part::WholeEnd {
            let before_this_page = self.told(kind)?;
            before.iter().map(&name).filter(|name| !before_this_page.contains(name)).collect()
        } else {
            HashSet::new()
        };
        let stays = |item: &&T| !replaced.contains(&name(item)) && !untold.contains(&name(item));
        Ok(before.iter().filter(stays).cloned().chain(told.into_values().cloned()).collect())
    }

    fn put_if_news<T: PartialEq + serde::Serialize>(
        &self,
        name: &str,
        before: &[T],
        after: &[T],
        whole: impl FnOnce(Option<Value>, Value) -> Value,
    ) -> Result<bool, CacheError> {
        if before == after {
            return Ok(false);
        }
        let list = serde_json::to_value(after).map_err(|source| CacheError::Garbled { table: TABLE, source })?;
        let json = whole(self.document(name)?, list);
        document::put(self.transaction, name, &Document { etag: None, json })?;
        Ok(true)
    }

    fn document(&self, name: &str) -> Result<Option<Value>, CacheError> {
        Ok(document::get(self.transaction, name)?.map(|document| document.json))
    }

    /// Notes the drafts that this computer has otherwise.
    fn drafts(&self) -> Result<bool, CacheError> {
        let mut noted = false;
        for mark in &self.page.drafts {
            let here = draft::read(self.transaction, mark.application)?;
            if here.and_then(|draft| draft.sync.etag).as_deref() != Some(&mark.etag) {
                noted = true;
                self.note_draft(mark.application, Some(&mark.etag))?;
            }
        }
        for &id in &self.page.gone.drafts {
            let here = draft::read(self.transaction, id)?;
            if here.is_some_and(|draft| draft.state.is_editable() && draft.sync.etag.is_some()) {
                noted = true;
                self.note_draft(id, None)?;
            }
        }
        Ok(noted)
    }

    fn note_draft(&self, id: Uuid, etag: Option<&str>) -> Result<(), CacheError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO draft_elsewhere VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET etag = excluded.etag",
            )?
            .execute((id.to_string(), self.account, etag))?;
        Ok(())
    }

    fn told(&self, kind: &str) -> Result<HashSet<String>, CacheError> {
        let mut names =
            self.transaction.prepare_cached("SELECT name FROM changes_told WHERE account = ?1 AND kind = ?2")?;
        Ok(names.query_map([self.account, kind], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    fn note_told(&self) -> Result<(), CacheError> {
        let mut note =
            self.transaction.prepare_cached("INSERT INTO changes_told VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
        let cases = self.page.applications.iter().map(|case| ("application", case.id.to_string()));
        let certificates = self.page.certificates.iter().map(|record| ("certificate", record.serial.clone()));
        let notices = self.page.notices.iter().map(|notice| ("notice", notice.id.to_string()));
        for (kind, name) in cases.chain(certificates).chain(notices) {
            note.execute([self.account, kind, &name])?;
        }
        Ok(())
    }
}

/// Keeps a case as the service has it. A draft whose case is out of the applicant's hands is none any more, also where the
/// answer to its submission was lost, or another computer handed it in; what was typed stays readable.
fn keep(
    transaction: &Transaction,
    account: &str,
    case: &Application,
    now: Timestamp,
) -> Result<(bool, bool), CacheError> {
    let before: Option<String> = transaction
        .prepare_cached("SELECT content FROM application WHERE account = ?1 AND id = ?2")?
        .query_row([account, &case.id.to_string()], |row| row.get(0))
        .optional()?;
    // Compared as it reads: an earlier version of the program wrote the same in other words.
    let before = before.and_then(|text| from_json::<Application>(TABLE, &text).ok());
    let news = before.as_ref() != Some(case);
    if news {
        application::put(transaction, account, case)?;
    }
    let moved_on = |draft: Draft| !case.state.is_editable() && draft.state != case.state;
    let closes = draft::read(transaction, case.id)?.is_some_and(moved_on);
    if closes {
        draft::update(transaction, case.id, now, |draft| {
            draft.state = case.state;
            draft.remarks.clear();
        })?;
    }
    Ok((news, closes))
}

fn read<T: serde::de::DeserializeOwned>(json: &Value) -> Option<T> {
    serde_json::from_value(json.clone()).ok()
}
