//! The outbox: acts that nobody waits for, told to the service in the order they were done (`certdesk_cache::Outgoing`).
//!
//! An act and its row are one transaction of the cache, and the row's name is the idempotency key of its request: however
//! often the program, the service or the line between them dies, it is done once. One task sends: the oldest act of each
//! case, so that cases do not wait for one another, again after growing pauses, at once when somebody logs in or the
//! service is back. What the service refuses for good waits for its applicant (`OutgoingState::Dead`) where it was a
//! submission; what merely tidies up is let go.
//!
//! A submission is named by what was declared. Its signatures are of now, so none is made ahead: it goes in a session of
//! its account, signed by that session; in one by key by that key too, where it is open. Where its PIN is needed, the
//! applicant is asked the next time they press 提交.
//!
//! Taking a case back goes the same way, and comes in place of a submission that is still here: the last word counts.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use certdesk_cache::{Attachment, AttachmentPhase, Draft, Outgoing, OutgoingAct, OutgoingState};
use certdesk_contract::{Problem, ProblemCode, application::Application};
use certdesk_domain::{Act, State, Timestamp};
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};
use uuid::Uuid;

use crate::{
    Controller, Inner,
    acts::Unlocked,
    convert::named_uuid,
    failure::{Failure, FailureCode, LocalCode},
    guide::content,
    uploads::waits,
    view::{ApplicationView, DraftView, Event, QueuedState, QueuedView, QueuedWithdrawal},
};

/// The first pause after a try that came to nothing; each next one is twice as long, a part of it by chance.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 60);
/// The outbox is looked at this often, whatever happens.
const PACE: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(crate) struct Outbox {
    work: Arc<Notify>,
    /// Something changed that may let through what did not go before: pauses are over.
    anew: AtomicBool,
    /// Cases of which an act is being sent or decided about.
    cases: Mutex<HashMap<Uuid, Arc<AsyncMutex<()>>>>,
}

impl Outbox {
    /// There may be something to send.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Somebody logged in, or the service is back.
    pub(crate) fn wake_all(&self) {
        self.anew.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Works on the acts of a case alone: nothing is taken back while it is on its way.
    pub(crate) async fn case(&self, id: Uuid) -> OwnedMutexGuard<()> {
        let case = {
            let mut cases = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
            cases.retain(|_, case| Arc::strong_count(case) > 1);
            cases.entry(id).or_default().clone()
        };
        case.lock_owned().await
    }
}

/// Sends until the program ends.
pub(crate) async fn run(inner: Weak<Inner>) {
    loop {
        let pause = {
            let Some(inner) = inner.upgrade() else { return };
            Controller { inner }.send_due().await
        };
        // Only the bell is kept while waiting: a strong reference would keep a dropped program alive.
        let Some(work) = inner.upgrade().map(|inner| inner.outbox.work.clone()) else { return };
        let _ = tokio::time::timeout(pause, work.notified()).await;
    }
}

impl Controller {
    /// Queues the submission of a draft: it goes by itself once its files are there and the service is. Until then it can
    /// be taken back, and is not changed.
    ///
    /// # Errors
    /// As [`Controller::submit`] for what is not complete.
    pub async fn queue_submission(&self, id: Uuid, declared_true: bool) -> Result<DraftView, Failure> {
        let _alone = self.inner.outbox.case(id).await;
        let view = self.submittable(id).await?;
        let attachments = self.attachments(id).await?;
        let fits = |held: &&Attachment| !matches!(held.phase, AttachmentPhase::Failed | AttachmentPhase::Cancelled);
        let complete = view.files.iter().all(|row| {
            let rule = &row.requirement;
            let there = attachments.iter().filter(|held| held.requirement == rule.id);
            let (all, good) = (there.clone().count(), there.filter(fits).count());
            all == good && (usize::from(rule.min_count)..=usize::from(rule.max_count)).contains(&good)
        });
        if !complete {
            return Err(LocalCode::FilesIncomplete.into());
        }
        if !view.files.is_empty() {
            self.sensitive_data_consent().await?;
        }
        if !declared_true {
            return Err(LocalCode::FieldsIncomplete.into());
        }
        let draft = self.own_draft(id).await?;
        let key = submission_key(&draft, view.form.as_ref().map(|form| form.sha256.as_str()), &attachments)?;
        let act = OutgoingAct::Submit { declared_true };
        let outgoing = Outgoing::new(key, draft.account.clone(), id, act, Timestamp::now_utc());
        let looked_at = content(&draft);
        let may = move |now: &Draft| now.state.is_editable() && content(now) == looked_at;
        let queued = self.with_cache(move |cache| cache.queue_submission(&outgoing, may)).await?;
        queued.ok_or(LocalCode::DraftGone)?;
        self.tell_queued(id);
        self.inner.outbox.wake();
        self.draft(id).await
    }

    /// Takes a queued submission back: its draft can be changed again, nothing of it is lost. One that the service has by
    /// now is there already; its draft says so.
    pub async fn take_back_submission(&self, id: Uuid) -> Result<DraftView, Failure> {
        let _alone = self.inner.outbox.case(id).await;
        self.own_draft(id).await?;
        self.with_cache(move |cache| cache.take_back_submission(id, Timestamp::now_utc())).await?;
        self.tell_queued(id);
        self.inner.sync.look_at(id);
        self.draft(id).await
    }

    /// Sends a submission that was refused once more.
    pub async fn retry_submission(&self, id: Uuid) -> Result<DraftView, Failure> {
        let _alone = self.inner.outbox.case(id).await;
        self.own_draft(id).await?;
        let queued = self.with_cache(move |cache| cache.queued_submission(id)).await?.ok_or(LocalCode::Gone)?;
        self.change_outgoing(queued.id, |row| {
            (row.state, row.next_try) = (OutgoingState::Waiting, Timestamp::now_utc());
        })
        .await?;
        self.tell_queued(id);
        self.inner.outbox.wake();
        self.draft(id).await
    }

    /// Queues that a case is taken back: it goes by itself once the service is there. Until then it can stay after all.
    ///
    /// # Errors
    /// The problem `wrong_state` where the case, as last seen, cannot be taken back.
    pub async fn queue_withdrawal(&self, id: Uuid) -> Result<ApplicationView, Failure> {
        let _alone = self.inner.outbox.case(id).await;
        let seen = self.seen_application(id).await?;
        if !can_withdraw(&seen) {
            return Err(Problem::new(ProblemCode::WrongState).into());
        }
        let account = self.account_name()?;
        let key = withdrawal_key(&seen)?;
        let outgoing = Outgoing::new(key, account, id, OutgoingAct::Withdraw, Timestamp::now_utc());
        self.with_cache(move |cache| cache.queue_withdrawal(&outgoing)).await?;
        self.tell_queued(id);
        self.emit(Event::Applications);
        self.inner.outbox.wake();
        self.application_view(seen).await
    }

    /// The case is not taken back after all; or it was refused, and that was read.
    pub async fn drop_withdrawal(&self, id: Uuid) -> Result<ApplicationView, Failure> {
        let _alone = self.inner.outbox.case(id).await;
        // It must be one's own.
        let seen = self.seen_application(id).await?;
        self.with_cache(move |cache| cache.drop_withdrawal(id)).await?;
        self.emit(Event::Applications);
        self.application_view(seen).await
    }

    /// The cases of an account whose taking back is queued.
    pub(crate) async fn queued_withdrawals(&self, account: String) -> Result<Vec<QueuedWithdrawal>, Failure> {
        let rows = self.with_cache(move |cache| cache.outbox(&account)).await?;
        let queued = rows.iter().filter(|row| row.act == OutgoingAct::Withdraw);
        let view = |row: &Outgoing| QueuedWithdrawal { application: row.application, queued: queued_view(row, false) };
        Ok(queued.map(view).collect())
    }

    /// Where the queued taking back of a case stands.
    pub(crate) async fn queued_withdrawal(&self, id: Uuid) -> Result<Option<QueuedView>, Failure> {
        let row = self.with_cache(move |cache| cache.queued_withdrawal(id)).await?;
        Ok(row.map(|row| queued_view(&row, false)))
    }

    /// Where the queued submission of a draft stands.
    pub(crate) async fn queued(&self, draft: &Draft) -> Result<Option<QueuedView>, Failure> {
        let id = draft.id;
        if !draft.queued {
            return Ok(None);
        }
        let Some(row) = self.with_cache(move |cache| cache.queued_submission(id)).await? else { return Ok(None) };
        let attachments = self.attachments(id).await?;
        let uploading = attachments.iter().any(|held| held.phase.is_unfinished());
        Ok(Some(queued_view(&row, uploading)))
    }

    /// Sends what is due, the oldest act of each case. Answers until when there is nothing more to do.
    async fn send_due(&self) -> Duration {
        let Some(session) = self.sending_session() else { return PACE };
        let account = session.account.name;
        let anew = self.inner.outbox.anew.swap(false, Ordering::Relaxed);
        let owner = account.clone();
        let Ok(rows) = self.with_cache(move |cache| cache.outbox(&owner)).await else { return PACE };
        let (mut pause, mut seen) = (PACE, HashSet::new());
        for row in rows {
            if !seen.insert(row.application) {
                continue;
            }
            let due = match row.state {
                OutgoingState::Waiting | OutgoingState::Sending => true,
                OutgoingState::NeedsKey => anew,
                OutgoingState::Dead => false,
            };
            let now = Timestamp::now_utc();
            // A clock that was set back must not hold it up.
            let until = row.next_try.min(now + LONGEST_PAUSE);
            if !due {
                continue;
            }
            if !anew && until > now {
                pause = pause.min((until - now).unsigned_abs());
                continue;
            }
            if !self.account_name().is_ok_and(|now| now == account) {
                return Duration::ZERO;
            }
            pause = pause.min(self.send_one(row.id, row.application, &row.act).await);
        }
        pause
    }

    /// Tries one act. Answers when to look again.
    async fn send_one(&self, id: Uuid, case: Uuid, act: &OutgoingAct) -> Duration {
        let _alone = self.inner.outbox.case(case).await;
        // What is taken back needs no files.
        if *act != OutgoingAct::Withdraw && self.uploads_under_way(case).await {
            // The upload queue rings when it is done.
            return PACE;
        }
        // As it is now: it may have been taken back.
        let begun =
            self.change_outgoing(id, |row| (row.state, row.tries) = (OutgoingState::Sending, row.tries + 1)).await;
        let Ok(Some(row)) = begun else { return PACE };
        self.tell_queued(case);
        let tries = row.tries;
        let quiet = !matches!(row.act, OutgoingAct::Submit { .. } | OutgoingAct::Withdraw);
        let failure = match self.send(&row).await {
            Ok(()) => {
                if self.with_cache(move |cache| cache.delete_outgoing(id)).await.is_err() {
                    return PACE;
                }
                return Duration::ZERO;
            }
            Err(failure) => failure,
        };
        tracing::info!(code = ?failure.code, tries, "an act was not taken");
        let now = Timestamp::now_utc();
        let ended = failure.is(LocalCode::SessionEnded);
        let state = match &failure {
            failure if ended || waits(failure) || failure.is_said(ProblemCode::InProgress) => OutgoingState::Waiting,
            failure if needs_key(failure) => OutgoingState::NeedsKey,
            _ => OutgoingState::Dead,
        };
        if quiet && state != OutgoingState::Waiting {
            // The service tidies up by itself what nobody hands in.
            let _ = self.with_cache(move |cache| cache.delete_outgoing(id)).await;
            return Duration::ZERO;
        }
        let pause = if ended { Duration::ZERO } else { pause(tries, failure.retry_after) };
        let told = serde_json::to_value(&failure).ok();
        let kept = self
            .change_outgoing(id, move |row| (row.state, row.next_try, row.failure) = (state, now + pause, told))
            .await;
        if kept.is_err() {
            return PACE;
        }
        self.tell_queued(case);
        if matches!(row.act, OutgoingAct::Withdraw) {
            self.emit(Event::Applications);
        }
        if state == OutgoingState::Dead {
            self.emit(Event::Refused { case, withdrawal: row.act == OutgoingAct::Withdraw });
        }
        if ended { PACE } else { pause.min(PACE) }
    }

    async fn send(&self, row: &Outgoing) -> Result<(), Failure> {
        let case = row.application;
        match row.act {
            OutgoingAct::Submit { declared_true } => self.send_submission(case, declared_true, row.id).await,
            OutgoingAct::Withdraw => self.send_withdrawal(case, row.id).await,
            OutgoingAct::Discard => self.send_discard(case, row.id).await,
            OutgoingAct::Terminate { upload } => match self.noted(self.portal()?.terminate(upload).await) {
                // Handed in meanwhile, or gone: nothing is left to end.
                Err(failure) if is_settled(&failure) => Ok(()),
                other => other,
            },
        }
    }

    async fn send_submission(&self, id: Uuid, declared_true: bool, key: Uuid) -> Result<(), Failure> {
        let sent = self.hand_in_alone(id, declared_true, Unlocked::Before, Some(key)).await;
        match sent {
            Ok(_) => Ok(()),
            Err(failure) => {
                let draft = match self.own_draft(id).await {
                    Err(gone) if gone.is(LocalCode::DraftGone) => return Ok(()),
                    other => other?,
                };
                if draft.state.is_editable() || draft.state == State::Withdrawn {
                    return Err(failure);
                }
                // It had arrived before, or another computer was faster: its case says the rest.
                self.with_cache(move |cache| cache.take_back_submission(id, Timestamp::now_utc())).await?;
                self.emit(Event::Draft { id });
                Ok(())
            }
        }
    }

    /// Takes a case back that may have been taken back before, by a try whose answer was lost or on another computer.
    async fn send_withdrawal(&self, case: Uuid, key: Uuid) -> Result<(), Failure> {
        match self.withdraw_alone(case, Some(key)).await {
            Err(failure) if failure.is_said(ProblemCode::WrongState) => {
                let now = self.application(case).await?.application;
                if now.state == State::Withdrawn { Ok(()) } else { Err(failure) }
            }
            other => other.map(drop),
        }
    }

    /// Tells the service that a draft was thrown away.
    async fn send_discard(&self, case: Uuid, key: Uuid) -> Result<(), Failure> {
        let portal = self.portal()?;
        match self.noted(portal.application(case).await) {
            // Handed in on another computer, it is no draft any more: that takes another decision.
            Ok(seen) if seen.state == State::Draft => self.noted(portal.withdraw(case, key).await).map(drop),
            Err(failure) if failure.is_said(ProblemCode::NotFound) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Changes where an act stands; `None` where it was taken back.
    async fn change_outgoing<F>(&self, id: Uuid, change: F) -> Result<Option<Outgoing>, Failure>
    where
        F: FnOnce(&mut Outgoing) + Send + 'static,
    {
        self.with_cache(move |cache| cache.update_outgoing(id, change)).await
    }

    async fn uploads_under_way(&self, case: Uuid) -> bool {
        let held = self.attachments(case).await.unwrap_or_default();
        held.iter().any(|held| held.phase.is_unfinished())
    }

    /// Whether this computer threw the draft away and the service does not know yet.
    pub(crate) async fn is_discarded(&self, id: Uuid) -> Result<bool, Failure> {
        let account = self.account_name()?;
        let rows = self.with_cache(move |cache| cache.outbox(&account)).await?;
        Ok(rows.iter().any(|row| row.application == id && row.act == OutgoingAct::Discard))
    }

    fn tell_queued(&self, draft: Uuid) {
        self.emit(Event::Draft { id: draft });
    }
}

/// Names the taking back of a case: once for each time it was handed in.
pub(crate) fn withdrawal_key(case: &Application) -> Result<Uuid, Failure> {
    named_uuid(&("withdraw", case.id, case.submissions))
}

/// Whether a case, as it was seen, can be taken back.
pub(crate) fn can_withdraw(case: &Application) -> bool {
    case.state.after(Act::Withdraw).is_some()
}

fn queued_view(row: &Outgoing, uploading: bool) -> QueuedView {
    QueuedView {
        state: match row.state {
            OutgoingState::Waiting if uploading => QueuedState::Files,
            OutgoingState::Waiting => QueuedState::Waiting,
            OutgoingState::Sending => QueuedState::Sending,
            OutgoingState::NeedsKey => QueuedState::NeedsKey,
            OutgoingState::Dead => QueuedState::Refused,
        },
        at: row.at,
        tries: row.tries,
        failure: row.failure.clone().and_then(|failure| serde_json::from_value(failure).ok()),
    }
}

/// Names a submission by what was declared and by how often its case came back: the same again, by hand or by itself, is
/// the same request, and one after a change is another.
pub(crate) fn submission_key(
    draft: &Draft,
    form_sha256: Option<&str>,
    attachments: &[Attachment],
) -> Result<Uuid, Failure> {
    let returned = draft.base.as_ref().map_or(0, |base| base.history.len());
    let files: Vec<_> = attachments.iter().map(|held| (&held.requirement, held.id)).collect();
    named_uuid(&(draft.id, returned, content(draft), form_sha256, files))
}

/// Whether the act waits for its applicant's key.
fn needs_key(failure: &Failure) -> bool {
    const KEY: [LocalCode; 5] = [
        LocalCode::PinNeeded,
        LocalCode::SessionKeyMissing,
        LocalCode::PinWithheld,
        LocalCode::NoKey,
        LocalCode::KeyRemoved,
    ];
    matches!(failure.code, FailureCode::Local(code) if KEY.contains(&code))
        || failure.is_said(ProblemCode::ActSignatureRequired)
}

/// Whether what should be ended has ended.
fn is_settled(failure: &Failure) -> bool {
    [ProblemCode::NotFound, ProblemCode::UploadGone, ProblemCode::WrongState].iter().any(|code| failure.is_said(*code))
}

/// How long to wait after so many tries. The service's own word counts for more.
fn pause(tries: u32, retry_after: Option<u32>) -> Duration {
    if let Some(seconds) = retry_after {
        return Duration::from_secs(seconds.into()).min(LONGEST_PAUSE);
    }
    let whole = FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    // Between half and all of it, so that many programs do not come back at once.
    let chance = f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0;
    whole.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_are_bounded_and_heed_the_service() {
        for tries in 1..40 {
            let whole = FIRST_PAUSE.saturating_mul(1 << (tries - 1).min(16)).min(LONGEST_PAUSE);
            let pause = pause(tries, None);
            assert!(whole / 2 <= pause && pause <= whole, "after {tries} tries {pause:?} of {whole:?}");
        }
        assert_eq!(pause(9, Some(7)), Duration::from_secs(7), "told when to come back, it comes back then");
        assert_eq!(pause(1, Some(u32::MAX)), LONGEST_PAUSE);
    }

    #[test]
    fn a_submission_is_named_by_what_is_declared() {
        let now = Timestamp::UNIX_EPOCH;
        let draft = Draft::new(Uuid::nil(), "acct", certdesk_domain::Business::New, "submit", now);
        let name = |draft: &Draft, form| submission_key(draft, form, &[]).unwrap();
        let first = name(&draft, Some("ab"));
        let queued =
            Draft { queued: true, changed_at: now + Duration::from_secs(1), step: "form".into(), ..draft.clone() };
        assert_eq!(
            name(&queued, Some("ab")),
            first,
            "that it is queued, and where its page stands, is no other content"
        );
        assert_ne!(name(&draft, Some("cd")), first, "another form is");
        let mut typed = draft.clone();
        typed.handler.email = "other@example.cn".into();
        assert_ne!(name(&typed, Some("ab")), first, "and so is another field");
    }
}
