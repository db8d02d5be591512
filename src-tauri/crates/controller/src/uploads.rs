//! The upload queue: one file after the other, in the order they were picked, as one ordered stream (design §5.8).
//!
//! Where each upload stands is on disk, so the queue after a kill is the queue before it. A file that changed since it
//! was picked stops and asks. The network going away stops nothing: the upload waits and goes on by itself.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use certdesk_cache::{Attachment, AttachmentPhase, Cache, CacheError, Draft};
use certdesk_portal::{FileGuard, PortalError, UploadSpec};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Controller, Inner,
    failure::{Failure, FailureCode, LocalCode},
    files,
    view::{Event, UploadState},
};

/// Waits between tries while the network is away.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The window is told of progress this often at most.
const PROGRESS_PACE: Duration = Duration::from_millis(120);

#[derive(Default)]
pub(crate) struct Uploads {
    work: Arc<Notify>,
    running: Mutex<Option<Run>>,
}

/// One upload while it runs. Once stopped it writes nothing down any more: whoever stopped it says what it is then.
#[derive(Clone)]
struct Run {
    attachment: Uuid,
    stop: CancellationToken,
}

impl Uploads {
    /// There may be something to do.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Stops this upload if it is the one that runs.
    pub(crate) fn stop(&self, attachment: Uuid) {
        if let Some(run) = self.running().as_ref().filter(|run| run.attachment == attachment) {
            run.stop.cancel();
        }
    }

    /// Stops whatever runs: another session, or none, must not carry it on.
    pub(crate) fn stop_all(&self) {
        if let Some(run) = self.running().as_ref() {
            run.stop.cancel();
        }
    }

    fn begin(&self, attachment: Uuid) -> Run {
        let run = Run { attachment, stop: CancellationToken::new() };
        *self.running() = Some(run.clone());
        run
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Run>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Empties the queue until the program ends.
pub(crate) async fn run(inner: Weak<Inner>) {
    let mut wait = FIRST_WAIT;
    let mut passed_over = HashSet::new();
    if let Some(inner) = inner.upgrade() {
        // What a kill left behind.
        let controller = Controller { inner };
        controller.seal_plain_forms().await;
        controller.sweep_signed_forms().await;
    }
    loop {
        let outcome = {
            let Some(inner) = inner.upgrade() else { return };
            Controller { inner }.upload_next(&mut passed_over).await
        };
        // Only the bell is kept while waiting: a strong reference would keep a dropped program alive.
        let Some(work) = inner.upgrade().map(|inner| inner.uploads.work.clone()) else { return };
        match outcome {
            Outcome::Moved => wait = FIRST_WAIT,
            Outcome::PassedOver => {}
            Outcome::Idle => {
                let _ = tokio::time::timeout(LONGEST_WAIT, work.notified()).await;
            }
            Outcome::Wait => {
                passed_over.clear();
                let _ = tokio::time::timeout(wait, work.notified()).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

enum Outcome {
    /// One upload came to its end: look for the next.
    Moved,
    /// The service cannot take this file now; those behind it have their turn first.
    PassedOver,
    /// The network is away, or the disk does not take what is to be written down.
    Wait,
    /// Nothing to do.
    Idle,
}

impl Controller {
    async fn upload_next(&self, passed_over: &mut HashSet<Uuid>) -> Outcome {
        let Some(session) = self.sending_session() else { return Outcome::Idle };
        let account = session.account.name;
        let (owner, skipped) = (account.clone(), passed_over.clone());
        let next = match self.with_cache(move |cache| next_of(cache, &owner, &skipped)).await {
            Ok(Some(next)) => next,
            Ok(None) if !passed_over.is_empty() => return Outcome::Wait,
            _ => return Outcome::Idle,
        };
        let run = self.inner.uploads.begin(next);
        // From here on a logout, a cancelled upload and a removed file stop it; what came before is seen by looking now.
        let outcome = if self.account_name().is_ok_and(|now| now == account) {
            self.upload_one(&run, passed_over).await
        } else {
            Outcome::Moved
        };
        *self.inner.uploads.running() = None;
        outcome
    }

    async fn upload_one(&self, run: &Run, passed_over: &mut HashSet<Uuid>) -> Outcome {
        let id = run.attachment;
        let read = self.with_cache(move |cache| {
            let held = cache.attachment(id)?.filter(|held| held.phase.is_unfinished());
            let Some(held) = held else { return Ok(None) };
            Ok(cache.draft(held.draft)?.map(|draft| (held, draft)))
        });
        let (held, draft) = match read.await {
            Ok(Some(read)) => read,
            Ok(None) => return Outcome::Moved,
            Err(_) => return Outcome::Wait,
        };
        let (phase, failure) = match self.upload(&held, &draft, run).await {
            Ok(()) => (AttachmentPhase::Done, None),
            Err(_) if run.stop.is_cancelled() => return Outcome::Moved,
            Err(failure) if waits(&failure) => (AttachmentPhase::Waiting, Some(failure)),
            Err(failure) => (AttachmentPhase::Failed, Some(failure)),
        };
        let away = failure.as_ref().is_some_and(|failure| matches!(failure.code, FailureCode::Local(_)));
        match self.settle(run, phase, failure).await {
            Err(unkept) if !unkept.is(LocalCode::Gone) => {
                tracing::warn!(code = ?unkept.code, "state of an upload not kept");
                Outcome::Wait
            }
            Ok(()) if phase == AttachmentPhase::Waiting && away => Outcome::Wait,
            Ok(()) if phase == AttachmentPhase::Waiting => {
                passed_over.insert(id);
                Outcome::PassedOver
            }
            _ => Outcome::Moved,
        }
    }

    async fn upload(&self, held: &Attachment, draft: &Draft, run: &Run) -> Result<(), Failure> {
        let guard = FileGuard { bytes: held.bytes, modified_ns: held.modified_ns };
        let (sha256, file) = match held.sha256.clone() {
            Some(known) => (known, files::source(held)),
            None => {
                self.enter(run, AttachmentPhase::Hashing).await?;
                let progress = self.upload_progress(held, run, |done| UploadState::Hashing { done });
                let (sha256, file) = certdesk_portal::prepare(files::source(held), guard, progress, &run.stop).await?;
                let taken = sha256.clone();
                self.record(run, move |row| row.sha256 = Some(taken)).await?;
                (sha256, file)
            }
        };
        self.enter(run, AttachmentPhase::Sending).await?;
        self.open_case(draft).await?;
        let portal = self.portal()?;
        let at = match held.upload {
            Some(upload) => match portal.upload_offset(upload).await {
                Ok(offset) => Some((upload, offset)),
                // Expired at the service, or never there: begin anew.
                Err(PortalError::Problem(problem)) if matches!(problem.status, 404 | 410) => None,
                Err(other) => return self.noted(Err(other)),
            },
            None => None,
        };
        let (upload, offset) = match at {
            Some(at) => at,
            None => (self.create_upload(held, sha256, run).await?, 0),
        };
        let progress = self.upload_progress(held, run, |done| UploadState::Sending { done });
        let sent = portal.send(upload, file, guard, offset, progress, &run.stop).await;
        self.noted(sent)?;
        let bytes = held.bytes;
        self.record(run, move |row| row.sent = bytes).await.map(drop)
    }

    async fn create_upload(&self, held: &Attachment, sha256: String, run: &Run) -> Result<Uuid, Failure> {
        let spec = UploadSpec {
            application: held.draft,
            requirement: held.requirement.clone(),
            file_name: held.name.clone(),
            bytes: held.bytes,
            sha256,
        };
        let portal = self.portal()?;
        let upload = self.noted(portal.create_upload(&spec).await)?;
        let kept = self.record(run, move |row| row.upload = Some(upload)).await;
        if kept.is_err() {
            // Its name is lost, so nobody would ever send to it or take it away; else it goes when its time is over.
            let _ = portal.terminate(upload).await;
        }
        kept.map(|_| upload)
    }

    async fn enter(&self, run: &Run, phase: AttachmentPhase) -> Result<(), Failure> {
        let change = move |row: &mut Attachment| (row.phase, row.failure) = (phase, None);
        self.record(run, change).await.map(drop)
    }

    /// Writes down what the run came to, in one transaction with the look whether it still may: a person who cancelled
    /// the upload or took the file out had the last word, and `Gone` ends the run.
    async fn record<F>(&self, run: &Run, change: F) -> Result<Attachment, Failure>
    where
        F: FnOnce(&mut Attachment) + Send + 'static,
    {
        let Run { attachment, stop } = run.clone();
        let kept = self.with_cache(move |cache| {
            let mut may = false;
            let row = cache.update_attachment(attachment, |row| {
                may = row.phase.is_unfinished() && !stop.is_cancelled();
                if may {
                    change(row);
                }
            })?;
            Ok(may.then_some(row))
        });
        Ok(kept.await?.ok_or(LocalCode::Gone)?)
    }

    /// Tells the window of progress, not oftener than it can show.
    fn upload_progress(
        &self,
        held: &Attachment,
        run: &Run,
        state: impl Fn(u64) -> UploadState + Send + Sync + 'static,
    ) -> Arc<dyn Fn(u64) + Send + Sync> {
        let (draft, attachment, controller, stop) = (held.draft, held.id, self.clone(), run.stop.clone());
        let last = Mutex::new(None::<Instant>);
        Arc::new(move |done| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if stop.is_cancelled() || last.is_some_and(|at| at.elapsed() < PROGRESS_PACE) {
                return;
            }
            *last = Some(Instant::now());
            controller.emit(Event::Upload { draft, attachment, upload: state(done) });
        })
    }

    /// Writes down how an upload came out, and tells the window.
    async fn settle(&self, run: &Run, phase: AttachmentPhase, failure: Option<Failure>) -> Result<(), Failure> {
        let failure = failure.and_then(|failure| serde_json::to_value(failure).ok());
        let row = self.record(run, move |row| (row.phase, row.failure) = (phase, failure)).await?;
        self.emit(Event::Upload { draft: row.draft, attachment: row.id, upload: files::upload_state(&row) });
        // What is handed in may have waited for it.
        self.inner.outbox.wake();
        Ok(())
    }
}

/// The upload whose turn it is: the first picked of this account's that goes on by itself.
fn next_of(cache: &Cache, account: &str, passed_over: &HashSet<Uuid>) -> Result<Option<Uuid>, CacheError> {
    for held in cache.unfinished_attachments()? {
        let mine = cache.draft(held.draft)?.is_some_and(|draft| draft.account == account);
        if mine && !passed_over.contains(&held.id) {
            return Ok(Some(held.id));
        }
    }
    Ok(None)
}

/// Whether the upload goes on by itself later.
pub(crate) fn waits(failure: &Failure) -> bool {
    match failure.code {
        FailureCode::Local(code) => {
            failure.is_away() || matches!(code, LocalCode::ServiceGarbled | LocalCode::TlsUntrusted)
        }
        FailureCode::Service(_) => failure.retriable,
    }
}
