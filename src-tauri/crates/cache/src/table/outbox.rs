//! The outbox: what was done here and the service has not taken yet. A row is written in the transaction of the act it
//! tells of, so that neither is without the other; acts of one case go in the order they were done.

use certdesk_contract::application::Application;
use certdesk_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{draft, from_json, to_json};
use crate::{Cache, CacheError};

const TABLE: &str = "outbox";

/// An act that the service is to be told of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its name, and the idempotency key of its request: each try is the same request.
    pub id: Uuid,
    /// Whose it is.
    pub account: String,
    /// The case it is about.
    pub application: Uuid,
    /// What was done.
    pub act: OutgoingAct,
    /// Where it stands.
    pub state: OutgoingState,
    /// How often it was tried.
    pub tries: u32,
    /// Not tried again before.
    #[serde(with = "time::serde::rfc3339")]
    pub next_try: Timestamp,
    /// What came of the last try, in the controller's words.
    pub failure: Option<Value>,
    /// When it was done.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum OutgoingAct {
    /// A case was handed in. Its draft is [`queued`](crate::Draft::queued) until then.
    Submit {
        /// The declaration that goes with it.
        declared_true: bool,
    },
    /// A case that was handed in was taken back.
    Withdraw,
    /// A draft was thrown away.
    Discard,
    /// A file was taken out whose upload the service has.
    Terminate {
        /// The upload.
        upload: Uuid,
    },
}

/// Where an act stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutgoingState {
    /// Goes by itself.
    Waiting,
    /// On its way, or cut off while it was: it may have arrived.
    Sending,
    /// Goes once its applicant opens their key for it.
    NeedsKey,
    /// Refused for good: somebody has to decide.
    Dead,
}

impl Outgoing {
    /// An act that was done just now.
    pub fn new(id: Uuid, account: impl Into<String>, application: Uuid, act: OutgoingAct, now: Timestamp) -> Self {
        Self {
            id,
            account: account.into(),
            application,
            act,
            state: OutgoingState::Waiting,
            tries: 0,
            next_try: now,
            failure: None,
            at: now,
        }
    }
}

impl Cache {
    /// What the service is to be told of an account's acts, in the order they were done.
    ///
    /// # Errors
    /// Those of the file.
    pub fn outbox(&self, account: &str) -> Result<Vec<Outgoing>, CacheError> {
        of_account(&self.connection(), account)
    }

    /// The submission of a case that is to be sent, if there is one.
    ///
    /// # Errors
    /// Those of the file.
    pub fn queued_submission(&self, application: Uuid) -> Result<Option<Outgoing>, CacheError> {
        first(&self.connection(), application, is_submission)
    }

    /// The taking back of a case that is to be sent, if there is one.
    ///
    /// # Errors
    /// Those of the file.
    pub fn queued_withdrawal(&self, application: Uuid) -> Result<Option<Outgoing>, CacheError> {
        first(&self.connection(), application, is_withdrawal)
    }

    /// Queues that a case is taken back, in place of a submission of it that is still here: the last word counts. One that
    /// is queued already stays as it is. Answers what is queued.
    ///
    /// # Errors
    /// Those of the file.
    pub fn queue_withdrawal(&self, outgoing: &Outgoing) -> Result<Outgoing, CacheError> {
        self.transaction(|transaction| {
            if let Some(queued) = first(transaction, outgoing.application, is_withdrawal)? {
                return Ok(queued);
            }
            take_back(transaction, outgoing.application, outgoing.at)?;
            add(transaction, outgoing)?;
            Ok(outgoing.clone())
        })
    }

    /// The case is not taken back after all, or it was. Nothing happens where that is not queued.
    ///
    /// # Errors
    /// Those of the file.
    pub fn drop_withdrawal(&self, application: Uuid) -> Result<(), CacheError> {
        self.transaction(|transaction| match first(transaction, application, is_withdrawal)? {
            Some(queued) => {
                transaction.execute("DELETE FROM outbox WHERE id = ?1", [queued.id.to_string()])?;
                Ok(())
            }
            None => Ok(()),
        })
    }

    /// Queues the submission of a draft, which cannot be changed until it was sent or taken back. `may` looks at the draft
    /// once more inside the transaction. A submission that is queued already stays as it is. Answers what is queued; `None`
    /// where the draft may not be.
    ///
    /// # Errors
    /// [`CacheError::Gone`] if there is no such draft.
    pub fn queue_submission(
        &self,
        outgoing: &Outgoing,
        may: impl FnOnce(&draft::Draft) -> bool,
    ) -> Result<Option<Outgoing>, CacheError> {
        self.transaction(|transaction| {
            if let Some(queued) = first(transaction, outgoing.application, is_submission)? {
                return Ok(Some(queued));
            }
            let mut fits = true;
            draft::update(transaction, outgoing.application, outgoing.at, |draft| {
                fits = may(draft);
                draft.queued = fits;
            })?;
            if !fits {
                return Ok(None);
            }
            add(transaction, outgoing)?;
            Ok(Some(outgoing.clone()))
        })
    }

    /// Takes the submission of a draft out again: the draft can be changed as before. Nothing happens where none is queued.
    ///
    /// # Errors
    /// Those of the file.
    pub fn take_back_submission(&self, application: Uuid, now: Timestamp) -> Result<(), CacheError> {
        self.transaction(|transaction| take_back(transaction, application, now))
    }

    /// Keeps what came of a submission and takes it out: one act, so a kill leaves both or neither.
    ///
    /// # Errors
    /// Those of the file.
    pub fn submission_arrived(&self, account: &str, arrived: &Application, now: Timestamp) -> Result<(), CacheError> {
        self.transaction(|transaction| {
            super::application::put(transaction, account, arrived)?;
            take_back(transaction, arrived.id, now)
        })
    }

    /// Throws a draft away with all that is queued of it, and queues that the service is told. Down to the bytes of the
    /// log.
    ///
    /// # Errors
    /// Those of the file.
    pub fn discard_draft(&self, outgoing: &Outgoing) -> Result<(), CacheError> {
        self.transaction(|transaction| {
            let case = outgoing.application.to_string();
            transaction.execute("DELETE FROM outbox WHERE application = ?1", [&case])?;
            transaction.execute("DELETE FROM draft WHERE id = ?1", [&case])?;
            add(transaction, outgoing)
        })?;
        self.cut_log()
    }

    /// Forgets a file and queues that its upload is ended, where there is one. Down to the bytes of the log.
    ///
    /// # Errors
    /// Those of the file.
    pub fn take_out_attachment(&self, attachment: Uuid, outgoing: Option<&Outgoing>) -> Result<(), CacheError> {
        self.transaction(|transaction| {
            transaction.execute("DELETE FROM attachment WHERE id = ?1", [attachment.to_string()])?;
            outgoing.map_or(Ok(()), |outgoing| add(transaction, outgoing))
        })?;
        self.cut_log()
    }

    /// Changes where an act stands, and gives it back as it is now; `None` where it is not there any more.
    ///
    /// # Errors
    /// Those of the file.
    pub fn update_outgoing(
        &self,
        id: Uuid,
        change: impl FnOnce(&mut Outgoing),
    ) -> Result<Option<Outgoing>, CacheError> {
        self.transaction(|transaction| {
            let text: Option<String> = transaction
                .prepare_cached("SELECT content FROM outbox WHERE id = ?1")?
                .query_row([id.to_string()], |row| row.get(0))
                .optional()?;
            let Some(text) = text else { return Ok(None) };
            let mut row: Outgoing = from_json(TABLE, &text)?;
            change(&mut row);
            transaction
                .prepare_cached("UPDATE outbox SET content = ?2 WHERE id = ?1")?
                .execute((id.to_string(), to_json(TABLE, &row)?))?;
            Ok(Some(row))
        })
    }

    /// An act is through, or is given up.
    ///
    /// # Errors
    /// Those of the file.
    pub fn delete_outgoing(&self, id: Uuid) -> Result<(), CacheError> {
        self.connection().prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([id.to_string()])?;
        Ok(())
    }
}

fn add(transaction: &Transaction, outgoing: &Outgoing) -> Result<(), CacheError> {
    transaction
        .prepare_cached(
            "INSERT INTO outbox (id, account, application, content) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
        )?
        .execute((
            outgoing.id.to_string(),
            &outgoing.account,
            outgoing.application.to_string(),
            to_json(TABLE, outgoing)?,
        ))?;
    Ok(())
}

fn of_account(connection: &Connection, account: &str) -> Result<Vec<Outgoing>, CacheError> {
    let mut statement = connection.prepare_cached("SELECT content FROM outbox WHERE account = ?1 ORDER BY position")?;
    statement.query_map([account], |row| row.get::<_, String>(0))?.map(|text| from_json(TABLE, &text?)).collect()
}

fn is_submission(act: &OutgoingAct) -> bool {
    matches!(act, OutgoingAct::Submit { .. })
}

fn is_withdrawal(act: &OutgoingAct) -> bool {
    *act == OutgoingAct::Withdraw
}

/// The first act of a case that fits.
fn first(
    connection: &Connection,
    application: Uuid,
    fits: impl Fn(&OutgoingAct) -> bool,
) -> Result<Option<Outgoing>, CacheError> {
    let mut statement =
        connection.prepare_cached("SELECT content FROM outbox WHERE application = ?1 ORDER BY position")?;
    let rows = statement.query_map([application.to_string()], |row| row.get::<_, String>(0))?;
    for text in rows {
        let row: Outgoing = from_json(TABLE, &text?)?;
        if fits(&row.act) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn take_back(transaction: &Transaction, application: Uuid, now: Timestamp) -> Result<(), CacheError> {
    if let Some(queued) = first(transaction, application, is_submission)? {
        transaction.execute("DELETE FROM outbox WHERE id = ?1", [queued.id.to_string()])?;
    }
    match draft::update(transaction, application, now, |draft| draft.queued = false) {
        // Thrown away meanwhile.
        Err(CacheError::Gone { .. }) => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use certdesk_domain::Business;

    use super::*;
    use crate::Draft;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn draft(cache: &Cache) -> Uuid {
        let id = Uuid::now_v7();
        cache.create_draft(&Draft::new(id, "acct", Business::New, "submit", NOW)).unwrap();
        id
    }

    fn submit(case: Uuid) -> Outgoing {
        Outgoing::new(Uuid::now_v7(), "acct", case, OutgoingAct::Submit { declared_true: true }, NOW)
    }

    #[test]
    fn a_submission_and_its_draft_are_queued_and_taken_back_as_one() {
        let cache = Cache::in_memory().unwrap();
        let case = draft(&cache);
        assert_eq!(cache.queue_submission(&submit(case), |_| false).unwrap(), None, "the draft may not");
        assert!(cache.outbox("acct").unwrap().is_empty() && !cache.draft(case).unwrap().unwrap().queued);
        let queued = cache.queue_submission(&submit(case), |_| true).unwrap().expect("it is queued");
        let again = cache.queue_submission(&submit(case), |_| true).unwrap();
        assert_eq!(again, Some(queued.clone()), "queued twice it is the first");
        let kept = cache.draft(case).unwrap().unwrap();
        assert!(kept.queued && kept.changed_at == NOW, "its draft says so, and was not changed by that");
        assert_eq!(cache.outbox("other").unwrap(), [], "nobody else's");
        cache.take_back_submission(case, NOW).unwrap();
        assert!(cache.outbox("acct").unwrap().is_empty() && !cache.draft(case).unwrap().unwrap().queued);
    }

    #[test]
    fn a_case_that_is_taken_back_is_not_handed_in_before_and_can_stay_after_all() {
        let cache = Cache::in_memory().unwrap();
        let case = draft(&cache);
        cache.queue_submission(&submit(case), |_| true).unwrap();
        let withdraw = || Outgoing::new(Uuid::now_v7(), "acct", case, OutgoingAct::Withdraw, NOW);
        let queued = cache.queue_withdrawal(&withdraw()).unwrap();
        assert_eq!(cache.outbox("acct").unwrap(), std::slice::from_ref(&queued), "the last word counts");
        assert!(!cache.draft(case).unwrap().unwrap().queued, "the draft is a draft again");
        assert_eq!(cache.queue_withdrawal(&withdraw()).unwrap(), queued, "queued twice it is the first");
        cache.drop_withdrawal(case).unwrap();
        assert_eq!((cache.queued_withdrawal(case).unwrap(), cache.outbox("acct").unwrap()), (None, Vec::new()));
        let elsewhere = Outgoing::new(Uuid::now_v7(), "acct", Uuid::now_v7(), OutgoingAct::Withdraw, NOW);
        cache.queue_withdrawal(&elsewhere).unwrap();
        assert!(cache.queued_withdrawal(elsewhere.application).unwrap().is_some(), "it takes no draft here");
    }

    #[test]
    fn what_cannot_be_queued_whole_is_not_queued() {
        let cache = Cache::in_memory().unwrap();
        let outcome = cache.queue_submission(&submit(Uuid::now_v7()), |_| true);
        assert!(matches!(outcome, Err(CacheError::Gone { .. })), "there is no draft");
        assert!(cache.outbox("acct").unwrap().is_empty());
    }

    #[test]
    fn a_discarded_draft_leaves_one_act_and_a_file_taken_out_its_own_in_their_order() {
        let cache = Cache::in_memory().unwrap();
        let (one, two) = (draft(&cache), draft(&cache));
        cache.queue_submission(&submit(one), |_| true).unwrap();
        let picked = crate::table::attachment::tests::picked(two, "a.jpg");
        cache.add_attachment(&picked).unwrap();
        let end = Outgoing::new(Uuid::now_v7(), "acct", two, OutgoingAct::Terminate { upload: Uuid::nil() }, NOW);
        cache.take_out_attachment(picked.id, Some(&end)).unwrap();
        assert_eq!(cache.attachment(picked.id).unwrap(), None);
        let gone = Outgoing::new(one, "acct", one, OutgoingAct::Discard, NOW);
        cache.discard_draft(&gone).unwrap();
        assert_eq!(cache.outbox("acct").unwrap(), [end.clone(), gone.clone()], "the submission went with its draft");
        let tried = cache.update_outgoing(end.id, |row| row.tries += 1).unwrap();
        assert_eq!(tried.map(|row| row.tries), Some(1));
        cache.delete_outgoing(end.id).unwrap();
        assert_eq!(cache.update_outgoing(end.id, |_| ()).unwrap(), None, "what is through is not there");
        assert_eq!(cache.data_of("acct").unwrap().outgoing, [gone]);
        cache.forget("acct").unwrap();
        assert_eq!(cache.outbox("acct").unwrap(), []);
    }
}
