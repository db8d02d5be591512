//! Drafts: what was typed, saved field by field, and the form made of it.

use std::collections::BTreeMap;

use certdesk_contract::application::{Application, DraftContent, Remark};
use certdesk_domain::{
    Business, RequirementId, State, Timestamp,
    form::{FieldName, Handler, Particulars},
};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{from_json, to_json, word};
use crate::{Cache, CacheError};

const TABLE: &str = "draft";

/// A case that the applicant is filling in or correcting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Name of the case (UUIDv7), the same at the service.
    pub id: Uuid,
    /// Whose it is.
    pub account: String,
    /// Business.
    pub business: Business,
    /// `Draft`, or `NeedsCorrection` while a returned case is being corrected.
    pub state: State,
    /// Step 1 as typed.
    pub handler: Handler,
    /// What the case is about.
    #[serde(default)]
    pub particulars: Particulars,
    /// The step to continue with, in the controller's words.
    pub step: String,
    /// The form made last. Whether it still says what was typed is told by `handler_digest`.
    pub form: Option<FormRecord>,
    /// The reviewer's remarks, in a correction.
    pub remarks: Vec<Remark>,
    /// Fields that may be changed.
    pub editable_fields: Vec<String>,
    /// Requirements whose files may be changed; `None`: all.
    pub editable_files: Option<Vec<RequirementId>>,
    /// In a correction: the case as the service has it.
    pub base: Option<Application>,
    /// Where this computer and the service stand with each other.
    #[serde(default)]
    pub sync: DraftSync,
    /// Its submission is in the outbox: nothing of it is changed until that was sent or taken back.
    #[serde(default)]
    pub queued: bool,
    /// Last change of anything but [`Draft::sync`] and [`Draft::queued`].
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: Timestamp,
}

/// What the service has of a draft, so that work on two computers can be merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftSync {
    /// What both had last. `None`: never told to the service, nor had from it.
    pub base: Option<DraftContent>,
    /// The service's mark of that (RFC 9110 §8.8.3).
    pub etag: Option<String>,
    /// What was about to be sent when it was written down: found at the service, it is ours.
    pub sending: Option<DraftContent>,
    /// Fields typed differently on another computer, with what was typed there. What was typed here stands in the draft.
    pub conflicts: BTreeMap<FieldName, String>,
}

/// What is known of a form that was made. Its bytes: [`Cache::form`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormRecord {
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
    /// Size, bytes.
    pub bytes: u64,
    /// Pages.
    pub pages: u32,
    /// Digest of everything the form was made from, as the controller takes it.
    pub handler_digest: String,
}

impl Draft {
    /// An empty draft at its first step.
    pub fn new(
        id: Uuid,
        account: impl Into<String>,
        business: Business,
        step: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account: account.into(),
            business,
            state: State::Draft,
            handler: Handler::default(),
            particulars: Particulars::default(),
            step: step.into(),
            form: None,
            remarks: Vec::new(),
            editable_fields: Handler::FIELDS.iter().map(|&field| field.to_owned()).collect(),
            editable_files: None,
            base: None,
            sync: DraftSync::default(),
            queued: false,
            changed_at: now,
        }
    }
}

impl Cache {
    /// Keeps a new draft. One with this id that is already there stays as it is.
    ///
    /// # Errors
    /// Those of the file.
    pub fn create_draft(&self, draft: &Draft) -> Result<(), CacheError> {
        self.connection()
            .prepare_cached("INSERT INTO draft VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING")?
            .execute((
                draft.id.to_string(),
                &draft.account,
                word(TABLE, &draft.business)?,
                word(TABLE, &draft.state)?,
                to_json(TABLE, draft)?,
            ))?;
        Ok(())
    }

    /// The draft of that id.
    ///
    /// # Errors
    /// Those of the file.
    pub fn draft(&self, id: Uuid) -> Result<Option<Draft>, CacheError> {
        read(&self.connection(), id)
    }

    /// All drafts of an account, changed last first.
    ///
    /// # Errors
    /// Those of the file.
    pub fn drafts(&self, account: &str) -> Result<Vec<Draft>, CacheError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT content FROM draft WHERE account = ?1")?;
        let rows = statement.query_map([account], |row| row.get::<_, String>(0))?;
        let mut drafts = rows.map(|text| from_json(TABLE, &text?)).collect::<Result<Vec<Draft>, CacheError>>()?;
        drafts.sort_by_key(|draft| (std::cmp::Reverse(draft.changed_at), draft.id));
        Ok(drafts)
    }

    /// The draft (not a correction) of that business, about that certificate where it is about one, which was changed
    /// last, if there is one.
    ///
    /// # Errors
    /// Those of the file.
    pub fn open_draft(
        &self,
        account: &str,
        business: Business,
        certificate: Option<&str>,
    ) -> Result<Option<Draft>, CacheError> {
        let fits =
            |draft: &Draft| draft.business == business && draft.particulars.certificate.as_deref() == certificate;
        let mut drafts = self.drafts(account)?.into_iter();
        Ok(drafts.find(|draft| draft.state == State::Draft && fits(draft)))
    }

    /// Changes a draft and gives it back as it is now. Where `change` changes nothing, nothing is written; where it
    /// changes [`Draft::sync`] alone, the time of the last change stays.
    ///
    /// # Errors
    /// [`CacheError::Gone`] if there is no such draft.
    pub fn update_draft(&self, id: Uuid, now: Timestamp, change: impl FnOnce(&mut Draft)) -> Result<Draft, CacheError> {
        self.transaction(|transaction| update(transaction, id, now, change))
    }

    /// Keeps the form made of a draft: its bytes, and in the draft what is known of them.
    ///
    /// # Errors
    /// [`CacheError::Gone`] if there is no such draft.
    pub fn put_form(&self, draft: Uuid, now: Timestamp, record: FormRecord, pdf: &[u8]) -> Result<Draft, CacheError> {
        self.transaction(|transaction| {
            let changed = update(transaction, draft, now, |draft| draft.form = Some(record))?;
            transaction
                .prepare_cached(
                    "INSERT INTO form VALUES (?1, ?2) ON CONFLICT (draft) DO UPDATE SET pdf = excluded.pdf",
                )?
                .execute((draft.to_string(), pdf))?;
            Ok(changed)
        })
    }

    /// The bytes of the form made last of a draft.
    ///
    /// # Errors
    /// Those of the file.
    pub fn form(&self, draft: Uuid) -> Result<Option<Vec<u8>>, CacheError> {
        Ok(self
            .connection()
            .prepare_cached("SELECT pdf FROM form WHERE draft = ?1")?
            .query_row([draft.to_string()], |row| row.get(0))
            .optional()?)
    }
}

pub(super) fn read(connection: &Connection, id: Uuid) -> Result<Option<Draft>, CacheError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT content FROM draft WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()?;
    text.map(|text| from_json(TABLE, &text)).transpose()
}

pub(super) fn update(
    connection: &Connection,
    id: Uuid,
    now: Timestamp,
    change: impl FnOnce(&mut Draft),
) -> Result<Draft, CacheError> {
    let before = read(connection, id)?.ok_or(CacheError::Gone { what: TABLE })?;
    let mut after = before.clone();
    change(&mut after);
    after.id = id;
    if after == before {
        return Ok(before);
    }
    if (Draft { sync: before.sync.clone(), queued: before.queued, ..after.clone() }) != before {
        after.changed_at = now;
    }
    connection
        .prepare_cached("UPDATE draft SET account = ?2, business = ?3, state = ?4, content = ?5 WHERE id = ?1")?
        .execute((
            id.to_string(),
            &after.account,
            word(TABLE, &after.business)?,
            word(TABLE, &after.state)?,
            to_json(TABLE, &after)?,
        ))?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outgoing, OutgoingAct};

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + time::Duration::minutes(minute)
    }

    #[test]
    fn each_field_is_there_after_it_was_typed() {
        let cache = Cache::in_memory().unwrap();
        let id = Uuid::now_v7();
        cache.create_draft(&Draft::new(id, "acct", Business::New, "handler", at(0))).unwrap();
        for (minute, (field, value)) in
            (1..).zip([("person.name", "王䶮"), ("phone", "13800138000"), ("address.detail", "金山大道 1 号 ")])
        {
            let saved = cache.update_draft(id, at(minute), |draft| assert!(draft.handler.set(field, value))).unwrap();
            assert_eq!(saved.changed_at, at(minute), "the time of the change is kept");
            let read = cache.draft(id).unwrap().unwrap();
            assert_eq!(read.handler.get(field).as_deref(), Some(value), "{field} reads as typed");
        }
        let same = cache.update_draft(id, at(60), |_| ()).unwrap();
        assert_eq!(same.changed_at, at(3), "a change that changes nothing is none");
    }

    #[test]
    fn a_started_draft_is_found_again_and_a_correction_is_not_taken_for_one() {
        let cache = Cache::in_memory().unwrap();
        let (first, second, returned) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        cache.create_draft(&Draft::new(first, "acct", Business::New, "handler", at(5))).unwrap();
        cache.create_draft(&Draft::new(second, "other", Business::New, "handler", at(6))).unwrap();
        let correction =
            Draft { state: State::NeedsCorrection, ..Draft::new(returned, "acct", Business::New, "handler", at(7)) };
        cache.create_draft(&correction).unwrap();
        assert_eq!(cache.open_draft("acct", Business::New, None).unwrap().map(|d| d.id), Some(first));
        assert_eq!(cache.open_draft("acct", Business::Renew, None).unwrap(), None);
        let mine: Vec<_> = cache.drafts("acct").unwrap().into_iter().map(|d| d.id).collect();
        assert_eq!(mine, [returned, first], "changed last first, and nobody else's");
    }

    #[test]
    fn each_certificate_has_a_draft_of_its_own() {
        let cache = Cache::in_memory().unwrap();
        for serial in ["0a", "0b"] {
            let mut draft = Draft::new(Uuid::now_v7(), "acct", Business::Renew, "handler", at(1));
            draft.particulars.certificate = Some(serial.to_owned());
            cache.create_draft(&draft).unwrap();
            let found = cache.open_draft("acct", Business::Renew, Some(serial)).unwrap();
            assert_eq!(found.map(|found| found.id), Some(draft.id), "the draft about {serial}");
        }
        assert_eq!(cache.open_draft("acct", Business::Renew, Some("0c")).unwrap(), None, "and no other");
    }

    #[test]
    fn a_draft_of_an_earlier_version_of_the_program_still_reads() {
        let cache = Cache::in_memory().unwrap();
        let draft = Draft::new(Uuid::now_v7(), "acct", Business::New, "handler", at(1));
        let mut old = serde_json::to_value(&draft).unwrap();
        for since in ["particulars", "sync", "queued"] {
            old.as_object_mut().unwrap().remove(since);
        }
        assert_eq!(serde_json::from_value::<Draft>(old).unwrap(), draft);
        cache.create_draft(&draft).unwrap();
        let told = cache.update_draft(draft.id, at(9), |row| row.sync.etag = Some("\"1\"".into())).unwrap();
        assert_eq!(told.changed_at, at(1), "telling the service of it is no change of it");
    }

    #[test]
    fn a_draft_takes_its_form_with_it() {
        let cache = Cache::in_memory().unwrap();
        let id = Uuid::now_v7();
        let record = FormRecord { sha256: "ab".into(), bytes: 4, pages: 1, handler_digest: "cd".into() };
        assert!(matches!(cache.put_form(id, at(1), record.clone(), b"%PDF"), Err(CacheError::Gone { what: "draft" })));
        cache.create_draft(&Draft::new(id, "acct", Business::New, "form", at(0))).unwrap();
        let draft = cache.put_form(id, at(1), record.clone(), b"%PDF").unwrap();
        assert_eq!(draft.form, Some(record));
        assert_eq!(cache.form(id).unwrap().as_deref(), Some(&b"%PDF"[..]));
        cache.discard_draft(&Outgoing::new(id, "acct", id, OutgoingAct::Discard, at(2))).unwrap();
        assert_eq!(cache.form(id).unwrap(), None);
        assert_eq!(cache.draft(id).unwrap(), None);
        assert!(matches!(cache.update_draft(id, at(2), |_| ()), Err(CacheError::Gone { .. })));
    }

    #[test]
    fn a_change_that_fails_half_way_leaves_all_as_it_was() {
        let cache = Cache::in_memory().unwrap();
        let id = Uuid::now_v7();
        cache.create_draft(&Draft::new(id, "acct", Business::New, "handler", at(0))).unwrap();
        let other = cache.clone();
        let outcome =
            std::thread::spawn(move || other.update_draft(id, at(1), |_| panic!("a fault of this program"))).join();
        assert!(outcome.is_err());
        let saved = cache.update_draft(id, at(2), |draft| draft.step = "form".into()).unwrap();
        assert_eq!(saved.step, "form", "the cache goes on after a fault elsewhere");
    }
}
