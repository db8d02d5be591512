//! Delta sync: what is kept of an account is brought up to what the service has, page by page
//! (`certdesk_contract::change`). Whoever shows something of it asks first; while somebody is logged in the program asks
//! by itself too, so that a page shows what was done elsewhere.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use certdesk_cache::Applied;
use certdesk_contract::{ProblemCode, change::Part};
use certdesk_domain::Timestamp;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    view::Event,
};

/// The service is asked this often while somebody is logged in.
const PACE: Duration = Duration::from_secs(20);
/// And this often, whether it is there, while somebody reads without it: they wait for that.
const PACE_OFFLINE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(crate) struct Renewal {
    /// Held while pages are asked for and taken over.
    alone: tokio::sync::Mutex<()>,
    /// How often the answer to an act was kept: a page asked for before may be older than that.
    answers: AtomicU64,
}

impl Renewal {
    /// The answer to an act is about to be kept.
    pub(crate) fn note_answer(&self) {
        self.answers.fetch_add(1, Ordering::SeqCst);
    }
}

/// Who wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Somebody looks at it.
    Person,
    /// The program, by itself: a session that nobody uses ends all the same.
    Itself,
}

impl Controller {
    /// Brings what is kept of the account up to what the service has.
    pub(crate) async fn renew(&self, by: By) -> Result<(), Failure> {
        // On the heap: much is done in it, and whoever asks is deep in an act already.
        Box::pin(self.ask_for_changes(by)).await
    }

    async fn ask_for_changes(&self, by: By) -> Result<(), Failure> {
        let account = self.account_name()?;
        let _alone = self.inner.renewal.alone.lock().await;
        loop {
            let owner = account.clone();
            let cursor = self.with_cache(move |cache| cache.changes_cursor(&owner)).await?;
            let answers = self.inner.renewal.answers.load(Ordering::SeqCst);
            let answer = self.portal()?.changes(cursor.as_deref(), by == By::Itself).await;
            let page = match self.noted(answer) {
                Ok(page) => page,
                Err(failure) if failure.is_said(ProblemCode::ChangesGone) && cursor.is_some() => {
                    let owner = account.clone();
                    self.with_cache(move |cache| cache.forget_changes_cursor(&owner)).await?;
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            // Another session may have begun since.
            if self.account_name()? != account {
                return Err(LocalCode::SessionEnded.into());
            }
            let goes_on = page.more || page.part == Part::Whole;
            let (owner, inner) = (account.clone(), self.inner.clone());
            let applied = self
                .with_cache(move |cache| {
                    let may = || inner.renewal.answers.load(Ordering::SeqCst) == answers;
                    cache.apply_changes(&owner, cursor.as_deref(), &page, Timestamp::now_utc(), may)
                })
                .await?;
            let Some(applied) = applied else { continue };
            self.tell_applied(&account, applied).await?;
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Asks by itself where it is time to. Returns at once: the keys are not to wait for the network.
    pub(crate) fn poll_changes(&self) {
        let mut state = self.state();
        let logged_in = state.session.as_ref().is_some_and(|session| !session.must_change_password);
        let offline = state.session.as_ref().is_some_and(|session| session.offline.is_some());
        let pace = if offline { PACE_OFFLINE } else { PACE };
        if !logged_in || state.changes_asked.is_some_and(|asked| asked.elapsed() < pace) {
            return;
        }
        state.changes_asked = Some(Instant::now());
        drop(state);
        let controller = self.clone();
        tokio::spawn(async move {
            if offline {
                controller.look_for_service().await;
            }
            let renewed = controller.renew(By::Itself).await;
            let offline = match renewed {
                Ok(()) => false,
                Err(failure) if failure.is_away() => true,
                Err(failure) => return tracing::info!(code = ?failure.code, "what changed was not asked for"),
            };
            // Reminders become due by time alone.
            if let Ok(account) = controller.account_name()
                && let Err(failure) = controller.look_at_notices(&account, offline).await
            {
                tracing::info!(code = ?failure.code, "notices not looked at");
            }
        });
    }

    async fn tell_applied(&self, account: &str, applied: Applied) -> Result<(), Failure> {
        if applied.certificates {
            self.learn_records(account).await?;
        }
        if applied.applications || applied.certificates {
            self.emit(Event::Applications);
        }
        for id in applied.closed {
            self.emit(Event::Draft { id });
        }
        if applied.notices {
            self.look_at_notices(account, false).await?;
        }
        if applied.drafts {
            self.inner.sync.wake();
        }
        Ok(())
    }
}
