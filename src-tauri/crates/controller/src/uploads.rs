//! The upload queue: one file after the other, in the order they were picked, as one ordered stream (design §5.8).
//!
//! Where each upload stands is on disk, so the queue after a kill is the queue before it. A file that changed since it
//! was picked stops and asks. The network going away stops nothing: the upload waits and goes on by itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use certdesk_cache::{Attachment, AttachmentPhase};
use certdesk_portal::{FileGuard, PortalError, UploadSpec};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Controller, Inner,
    failure::{Failure, FailureCode, LocalCode},
    guide,
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
    running: Mutex<HashMap<Uuid, CancellationToken>>,
}

impl Uploads {
    /// There may be something to do.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Stops an upload that is running; nothing happens where it is not.
    pub(crate) fn cancel(&self, attachment: Uuid) {
        if let Some(token) = self.running().get(&attachment) {
            token.cancel();
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Empties the queue until the program ends.
pub(crate) async fn run(inner: Weak<Inner>) {
    let mut wait = FIRST_WAIT;
    loop {
        let outcome = {
            let Some(inner) = inner.upgrade() else { return };
            Controller { inner }.upload_next().await
        };
        // Only the bell is kept while waiting: a strong reference would keep a dropped program alive.
        let Some(work) = inner.upgrade().map(|inner| inner.uploads.work.clone()) else { return };
        match outcome {
            Outcome::Moved => {
                wait = FIRST_WAIT;
                continue;
            }
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
    /// One upload came to its end: look for the next.
    Moved,
    /// The network is away.
    Wait,
    /// Nothing to do.
    Idle,
}

impl Controller {
    async fn upload_next(&self) -> Outcome {
        let Ok(session) = self.session_view() else { return Outcome::Idle };
        if session.must_change_password {
            return Outcome::Idle;
        }
        let account = session.account.name;
        let next = self.with_cache(move |cache| {
            for held in cache.unfinished_attachments()? {
                if let Some(draft) = cache.draft(held.draft)?.filter(|draft| draft.account == account) {
                    return Ok(Some((held, draft.business)));
                }
            }
            Ok(None)
        });
        let Ok(Some((held, business))) = next.await else { return Outcome::Idle };

        let id = held.id;
        let cancel = CancellationToken::new();
        self.inner.uploads.running().insert(id, cancel.clone());
        let sent = self.upload(&held, business, &cancel).await;
        self.inner.uploads.running().remove(&id);
        let failure = match sent {
            Ok(()) => {
                self.settle(&held, AttachmentPhase::Done, None).await;
                return Outcome::Moved;
            }
            Err(_) if cancel.is_cancelled() => {
                self.settle(&held, AttachmentPhase::Cancelled, None).await;
                return Outcome::Moved;
            }
            Err(failure) => failure,
        };
        if !waits(&failure) {
            self.settle(&held, AttachmentPhase::Failed, Some(failure)).await;
            return Outcome::Moved;
        }
        let ended = failure.is(LocalCode::SessionEnded);
        self.settle(&held, AttachmentPhase::Waiting, Some(failure)).await;
        if ended { Outcome::Idle } else { Outcome::Wait }
    }

    async fn upload(
        &self,
        held: &Attachment,
        business: certdesk_domain::Business,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let guard = FileGuard { bytes: held.bytes, modified_ns: held.modified_ns };
        let sha256 = match held.sha256.clone() {
            Some(known) => known,
            None => {
                self.set_phase(held.id, AttachmentPhase::Hashing, None).await?;
                let progress = self.upload_progress(held, |done| UploadState::Hashing { done });
                let sha256 = certdesk_portal::hash_file(&held.path, guard, progress, cancel).await?;
                let taken = sha256.clone();
                self.update(held.id, move |row| row.sha256 = Some(taken.clone())).await?;
                sha256
            }
        };
        self.set_phase(held.id, AttachmentPhase::Sending, None).await?;
        self.open_case(held.draft, business).await?;
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
            None => {
                let spec = UploadSpec {
                    application: held.draft,
                    requirement: held.requirement.clone(),
                    file_name: held.name.clone(),
                    bytes: held.bytes,
                    sha256,
                };
                let upload = self.noted(portal.create_upload(&spec).await)?;
                self.update(held.id, move |row| row.upload = Some(upload)).await?;
                (upload, 0)
            }
        };
        let progress = self.upload_progress(held, |done| UploadState::Sending { done });
        let sent = portal.send(upload, &held.path, guard, offset, progress, cancel).await;
        self.noted(sent)?;
        let bytes = held.bytes;
        self.update(held.id, move |row| row.sent = bytes).await
    }

    async fn update<F>(&self, id: Uuid, change: F) -> Result<(), Failure>
    where
        F: Fn(&mut Attachment) + Send + 'static,
    {
        self.with_cache(move |cache| cache.update_attachment(id, |row| change(row))).await.map(drop)
    }

    /// Tells the window of progress, not oftener than it can show.
    fn upload_progress(
        &self,
        held: &Attachment,
        state: impl Fn(u64) -> UploadState + Send + Sync + 'static,
    ) -> Arc<dyn Fn(u64) + Send + Sync> {
        let (draft, attachment, controller) = (held.draft, held.id, self.clone());
        let last = Mutex::new(None::<Instant>);
        Arc::new(move |done| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|at| at.elapsed() < PROGRESS_PACE) {
                return;
            }
            *last = Some(Instant::now());
            controller.emit(Event::Upload { draft, attachment, upload: state(done) });
        })
    }

    /// Writes down how an upload came out, and tells the window. The file may have been removed meanwhile.
    async fn settle(&self, held: &Attachment, phase: AttachmentPhase, failure: Option<Failure>) {
        if let Err(failure) = self.set_phase(held.id, phase, failure.as_ref()).await {
            tracing::warn!(code = ?failure.code, "state of an upload not kept");
        }
        let failure = failure.and_then(|failure| serde_json::to_value(failure).ok());
        let now = Attachment { phase, failure, ..held.clone() };
        let upload = guide::upload_state(&now);
        self.emit(Event::Upload { draft: held.draft, attachment: held.id, upload });
    }
}

/// Whether the upload goes on by itself later.
fn waits(failure: &Failure) -> bool {
    match failure.code {
        FailureCode::Local(code) => matches!(
            code,
            LocalCode::ServiceUnreachable
                | LocalCode::ServiceGarbled
                | LocalCode::SessionEnded
                | LocalCode::TlsUntrusted
        ),
        FailureCode::Service(_) => failure.retriable,
    }
}
