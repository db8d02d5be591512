//! Drafts and the service: what is typed here is told to it, what was typed on another computer is merged in.
//!
//! Nothing waits for this: a field is saved when it is on this disk, and one task tells the service behind, one draft at
//! a time, always the newest of it. What both computers changed differently becomes a conflict that is kept on disk
//! until somebody chooses (`fields::merge`).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use certdesk_cache::{Draft, DraftSync, Outgoing, OutgoingAct};
use certdesk_contract::{ProblemCode, application::DraftContent};
use certdesk_domain::{State, Timestamp};
use certdesk_portal::Fetched;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Controller, Inner,
    changes::By,
    failure::{Failure, LocalCode},
    fields,
    guide::content,
    uploads::waits,
    view::{Event, Step},
};

/// Waits between tries while the network is away.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(crate) struct Sync {
    work: Arc<Notify>,
    asked: Mutex<Asked>,
}

/// What is to be looked at besides what was typed here.
#[derive(Default)]
struct Asked {
    /// The session: its certificate may be good no more.
    session: bool,
    /// What changed at the service: there may be drafts of another computer.
    all: bool,
    /// Drafts somebody opened.
    drafts: BTreeSet<Uuid>,
    /// Ends what runs when the session does.
    stop: CancellationToken,
}

impl Sync {
    /// There may be something to tell.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Somebody opened this draft: another computer may have worked on it.
    pub(crate) fn look_at(&self, draft: Uuid) {
        self.asked().drafts.insert(draft);
        self.wake();
    }

    /// The service refused a certificate: is it the one of the session?
    pub(crate) fn doubt_session(&self) {
        self.asked().session = true;
        self.wake();
    }

    /// What runs belongs to the session before; the new one looks at everything.
    pub(crate) fn begin_session(&self) {
        self.end_session();
        self.asked().all = true;
        self.wake();
    }

    /// What still runs must not go on under another session.
    pub(crate) fn end_session(&self) {
        std::mem::take(&mut *self.asked()).stop.cancel();
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells and asks until the program ends.
pub(crate) async fn run(inner: Weak<Inner>) {
    let mut wait = FIRST_WAIT;
    // Refused as it stood then: tried again once it changed.
    let mut refused = HashMap::new();
    loop {
        let outcome = {
            let Some(inner) = inner.upgrade() else { return };
            Controller { inner }.sync_next(&mut refused).await
        };
        // Only the bell is kept while waiting: a strong reference would keep a dropped program alive.
        let Some(work) = inner.upgrade().map(|inner| inner.sync.work.clone()) else { return };
        match outcome {
            Outcome::Moved => wait = FIRST_WAIT,
            Outcome::Idle => {
                let _ = tokio::time::timeout(LONGEST_WAIT, work.notified()).await;
            }
            Outcome::Wait => {
                let _ = tokio::time::timeout(wait, work.notified()).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

enum Outcome {
    /// Something was done: look for more.
    Moved,
    /// The network is away.
    Wait,
    /// Nothing to do.
    Idle,
}

impl Controller {
    async fn sync_next(&self, refused: &mut HashMap<Uuid, Timestamp>) -> Outcome {
        let stop = self.inner.sync.asked().stop.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => Outcome::Moved,
            outcome = self.sync_one(refused) => outcome,
        }
    }

    async fn sync_one(&self, refused: &mut HashMap<Uuid, Timestamp>) -> Outcome {
        let Some(session) = self.sending_session() else { return Outcome::Idle };
        let (doubted, all, opened) = {
            let mut asked = self.inner.sync.asked();
            (std::mem::take(&mut asked.session), std::mem::take(&mut asked.all), asked.drafts.pop_first())
        };
        if doubted && self.session_is_over().await {
            let ended = self.state().session_key.as_ref().map(|key| key.certificate_der.clone());
            if let Some(certificate) = ended {
                self.certificate_was_refused(&certificate).await;
            }
            self.end_session(Some(LocalCode::SessionEnded.into()));
            return Outcome::Idle;
        }
        if all && self.put_off(self.renew(By::Itself).await) {
            let mut asked = self.inner.sync.asked();
            asked.all = true;
            asked.drafts.extend(opened);
            return Outcome::Wait;
        }
        if let Some(opened) = opened {
            let put_off = self.put_off(self.pull(opened).await);
            if put_off {
                self.inner.sync.asked().drafts.insert(opened);
            }
            return if put_off { Outcome::Wait } else { Outcome::Moved };
        }
        let account = session.account.name;
        if let Err(failure) = self.look_elsewhere(&account).await {
            tracing::info!(code = ?failure.code, "drafts of other computers not asked for");
            return Outcome::Wait;
        }
        let Ok(drafts) = self.with_cache(move |cache| cache.drafts(&account)).await else { return Outcome::Wait };
        let next = drafts.into_iter().find(|draft| is_news(draft) && refused.get(&draft.id) != Some(&draft.changed_at));
        let Some(next) = next else { return Outcome::Idle };
        let (id, as_it_stands) = (next.id, next.changed_at);
        let answer = self.push(next).await;
        if answer.is_err() {
            refused.insert(id, as_it_stands);
        }
        if self.put_off(answer) {
            refused.remove(&id);
            return Outcome::Wait;
        }
        Outcome::Moved
    }

    /// Whether the service takes the certificate of the session no more.
    async fn session_is_over(&self) -> bool {
        let Ok(portal) = self.portal() else { return false };
        self.session_key_id().is_some()
            && portal.account().await.map_err(Failure::from).is_err_and(|failure| failure.is_certificate_end())
    }

    /// Whether to try again later.
    fn put_off<T>(&self, answer: Result<T, Failure>) -> bool {
        let Err(failure) = answer else { return false };
        tracing::info!(code = ?failure.code, "a draft and the service are not at one yet");
        waits(&failure)
    }

    /// Tells the service how a draft stands.
    async fn push(&self, draft: Draft) -> Result<(), Failure> {
        let id = draft.id;
        if draft.sync.sending.is_some() {
            // The answer to what was told before was lost. What became of it is asked before anything else is told, or it
            // would later look like another computer's.
            self.pull(id).await?;
        }
        let draft = self.own_draft(id).await?;
        let told = fields::outgoing(&content(&draft), &draft.sync.conflicts);
        // Written down first: where the answer is lost, what is found at the service is known to be ours.
        let sending = told.clone();
        let draft = self.change_sync(id, move |sync| sync.sending = Some(sending)).await?;
        let done = match self.open_case(&draft).await {
            Ok(()) => {
                let answer = self.portal()?.put_draft(id, &told, draft.sync.etag.as_deref()).await;
                self.noted(answer)
            }
            Err(failure) => Err(failure),
        };
        match done {
            Ok(etag) => {
                let kept = self.change_sync(id, move |sync| {
                    (sync.base, sync.etag, sync.sending) = (Some(told), Some(etag), None);
                });
                match kept.await {
                    // Thrown away meanwhile: the service must not be the only one who keeps it.
                    Err(failure) if failure.is(LocalCode::Gone) => self.discard_again(id).await?,
                    other => drop(other?),
                }
                Ok(())
            }
            Err(failure) if failure.is_said(ProblemCode::DraftChanged) => self.pull(id).await.map(drop),
            Err(failure) => {
                // The case has moved on: then the draft here says so.
                if failure.is_said(ProblemCode::WrongState) {
                    self.application(id).await?;
                }
                Err(failure)
            }
        }
    }

    /// Asks the service how the draft stands there and merges it in. Answers whether that changed anything here.
    pub(crate) async fn pull(&self, id: Uuid) -> Result<bool, Failure> {
        let draft = self.own_draft(id).await?;
        if !draft.state.is_editable() {
            return Ok(false);
        }
        let answer = self.portal()?.draft(id, draft.sync.etag.as_deref()).await;
        let (theirs, etag) = match self.noted(answer) {
            Ok(Fetched::New { value, etag }) => (value, etag),
            Ok(Fetched::NotModified) => return Ok(false),
            Err(failure) if failure.is_said(ProblemCode::NotFound) => {
                // Never told; or forgotten there, because the case has moved on.
                if draft.sync.etag.is_some() {
                    self.change_sync(id, |sync| sync.etag = None).await?;
                    self.application(id).await?;
                }
                return Ok(false);
            }
            Err(failure) => return Err(failure),
        };
        let before = (content(&draft), draft.sync.conflicts);
        let take = move |row: &mut Draft| take(row, theirs, etag);
        let after = self.with_cache(move |cache| cache.update_draft(id, Timestamp::now_utc(), take)).await?;
        let news = (content(&after), after.sync.conflicts) != before;
        if news {
            self.emit(Event::Draft { id });
        }
        Ok(news)
    }

    /// Looks at every draft that the service is known to have otherwise than this computer.
    ///
    /// # Errors
    /// Where it is to be tried again later.
    pub(crate) async fn look_elsewhere(&self, account: &str) -> Result<(), Failure> {
        let owner = account.to_owned();
        for (id, etag) in self.with_cache(move |cache| cache.drafts_elsewhere(&owner)).await? {
            let seen = self.take_from_elsewhere(id).await;
            if seen.as_ref().is_err_and(|failure| waits(failure) || failure.is(LocalCode::SessionEnded)) {
                return seen;
            }
            // Refused for good, it is refused again the next time.
            self.put_off(seen);
            self.with_cache(move |cache| cache.looked_at_draft(id, etag.as_deref())).await?;
        }
        Ok(())
    }

    /// Merges what another computer typed into the draft here. One that was begun there becomes a draft here, so that it can
    /// be gone on with.
    async fn take_from_elsewhere(&self, id: Uuid) -> Result<(), Failure> {
        if self.with_cache(move |cache| cache.draft(id)).await?.is_some() {
            return self.pull(id).await.map(drop);
        }
        if self.is_discarded(id).await? {
            self.inner.outbox.wake();
            return Ok(());
        }
        let account = self.account_name()?;
        let owner = account.clone();
        let case = self.with_cache(move |cache| cache.application(&owner, id)).await?;
        let Some(case) = case.filter(|case| case.state == State::Draft) else { return Ok(()) };
        let answer = self.portal()?.draft(id, None).await;
        let (theirs, etag) = match self.noted(answer) {
            Ok(Fetched::New { value, etag }) => (value, etag),
            Ok(Fetched::NotModified) => return Ok(()),
            Err(failure) if failure.is_said(ProblemCode::NotFound) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        let mut draft = Draft::new(id, account, case.business, Step::Handler.as_str(), Timestamp::now_utc());
        draft.particulars.certificate = case.particulars.certificate;
        take(&mut draft, theirs, etag);
        self.with_cache(move |cache| cache.create_draft(&draft)).await?;
        self.emit(Event::Draft { id });
        Ok(())
    }

    /// A draft that was thrown away here while it was on its way to the service.
    async fn discard_again(&self, id: Uuid) -> Result<(), Failure> {
        let outgoing =
            Outgoing::new(Uuid::now_v7(), self.account_name()?, id, OutgoingAct::Discard, Timestamp::now_utc());
        self.with_cache(move |cache| cache.discard_draft(&outgoing)).await?;
        self.inner.outbox.wake();
        Ok(())
    }

    async fn change_sync<F>(&self, id: Uuid, change: F) -> Result<Draft, Failure>
    where
        F: FnOnce(&mut DraftSync) + Send + 'static,
    {
        let change = move |row: &mut Draft| change(&mut row.sync);
        self.with_cache(move |cache| cache.update_draft(id, Timestamp::now_utc(), change)).await
    }
}

/// Whether the service has not heard of something typed here.
fn is_news(draft: &Draft) -> bool {
    let told = fields::outgoing(&content(draft), &draft.sync.conflicts);
    draft.state.is_editable() && draft.sync.base.as_ref() != Some(&told)
}

/// Merges what the service has into a draft.
fn take(row: &mut Draft, theirs: DraftContent, etag: Option<String>) {
    let ours = row.sync.sending.as_ref() == Some(&theirs);
    let base = if ours { theirs.clone() } else { row.sync.base.clone().unwrap_or_default() };
    let merged = fields::merge(&base, &content(row), &theirs, &row.sync.conflicts);
    row.handler = merged.content.handler;
    row.particulars = merged.content.particulars;
    row.sync = DraftSync { base: Some(theirs), etag, sending: None, conflicts: merged.conflicts };
}
