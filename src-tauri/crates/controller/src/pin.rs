//! PIN prompts. The window gets a ticket that names key and purpose; the PIN comes back once, as raw bytes, with the
//! ticket. A ticket is good once, so nothing here can try a PIN twice.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use certdesk_domain::token::PinTries;
use certdesk_token::{Pin, TokenError};
use uuid::Uuid;

use crate::{
    Controller,
    acts::Unlocked,
    failure::{Failure, LocalCode},
    view::{KeyView, PinOutcome, PinPrompt, PinPurpose},
};

/// How long a prompt may stay open.
const PROMPT_LIFE: Duration = Duration::from_secs(10 * 60);
/// More open prompts than any person has.
const MOST_PROMPTS: usize = 16;

/// Names one open prompt.
pub type Ticket = String;

/// What a person gave for a prompt.
pub struct PinEntry {
    /// The prompt.
    pub ticket: Ticket,
    /// An explicit yes to the last try.
    pub confirmed: bool,
    /// The PIN; empty where it is typed on the key's own pad.
    pub pin: Pin,
}

#[derive(Default)]
pub(crate) struct Prompts(Mutex<HashMap<Ticket, Prompt>>);

struct Prompt {
    purpose: PinPurpose,
    since: Instant,
}

impl Controller {
    /// Opens a prompt: what the PIN dialog has to say.
    pub async fn prepare_pin(&self, purpose: PinPurpose) -> Result<PinPrompt, Failure> {
        // Ask the key anew: the state of the tries may have changed in another program.
        self.refresh_key(purpose.key()).await?;
        let key = self.key(purpose.key())?;
        if !key.ready {
            return Err(LocalCode::TokenNotReady.into());
        }
        match (&purpose, key.tries) {
            (_, PinTries::Locked) => return Err(LocalCode::PinLocked.into()),
            (PinPurpose::LogIn { .. }, _) if !key.can_log_in => return Err(LocalCode::NoCertificateOnKey.into()),
            _ => {}
        }
        // The PIN of another key would open what cannot sign for this session.
        if purpose.is_signed_by_session() && self.session_key_now()?.is_none_or(|session| session.key != key.id) {
            return Err(LocalCode::SessionKeyMissing.into());
        }
        if let PinPurpose::RemoveCertificate { key, fingerprint } = &purpose {
            self.removable(key, fingerprint).await?;
        }
        let ticket = Uuid::new_v4().to_string();
        let mut prompts = self.prompts();
        prompts.retain(|_, prompt| prompt.since.elapsed() < PROMPT_LIFE);
        if prompts.len() >= MOST_PROMPTS {
            prompts.clear();
        }
        prompts.insert(ticket.clone(), Prompt { purpose, since: Instant::now() });
        Ok(PinPrompt { ticket, needs_confirmation: key.tries == PinTries::Last, key })
    }

    /// Uses the PIN for what the prompt asked it for, once.
    ///
    /// # Errors
    /// A wrong PIN is no error but [`PinOutcome::Refused`]; it takes a new prompt to try again. Every other failure of
    /// the key keeps its own words.
    pub async fn submit_pin(&self, entry: PinEntry) -> Result<PinOutcome, Failure> {
        let prompt = self.prompts().remove(&entry.ticket).ok_or(LocalCode::PromptGone)?;
        if prompt.since.elapsed() >= PROMPT_LIFE {
            return Err(LocalCode::PromptGone.into());
        }
        let key = self.key(prompt.purpose.key())?;
        if key.tries == PinTries::Last && !entry.confirmed {
            return Err(LocalCode::LastTryUnconfirmed.into());
        }
        match self.inner.keys.log_in(&key.id, entry.pin).await {
            Ok(()) => {}
            Err(TokenError::PinIncorrect { tries }) => {
                self.show_tries(&key.id).await;
                return Ok(PinOutcome::Refused { tries });
            }
            Err(TokenError::PinLocked) => {
                self.show_tries(&key.id).await;
                return Ok(PinOutcome::Refused { tries: PinTries::Locked });
            }
            Err(other) => return Err(self.or_pulled(&key.id, other.into()).await),
        }
        let id = key.id;
        match self.serve(prompt.purpose).await {
            Ok(outcome) => Ok(outcome),
            Err(failure) => Err(self.or_pulled(&id, failure).await),
        }
    }

    /// Does what the key was opened for. The key of the session stays open for its next acts, any other is closed.
    async fn serve(&self, purpose: PinPurpose) -> Result<PinOutcome, Failure> {
        let key = purpose.key().to_owned();
        let outcome = self.act_with_key(purpose).await;
        if self.session_key_id().as_ref() != Some(&key) {
            self.inner.keys.log_out(&key).await;
        }
        outcome
    }

    async fn act_with_key(&self, purpose: PinPurpose) -> Result<PinOutcome, Failure> {
        Ok(match purpose {
            PinPurpose::LogIn { key } => PinOutcome::LoggedIn { session: Box::new(self.log_in_with_key(&key).await?) },
            PinPurpose::Issue { key, application, algorithm } => {
                PinOutcome::Issued { issuance: self.issue(&key, application, algorithm).await? }
            }
            PinPurpose::SignForm { draft, .. } => {
                PinOutcome::FormSigned { draft: Box::new(self.sign_form(draft).await?) }
            }
            PinPurpose::Submit { draft, declared_true, .. } => PinOutcome::Submitted {
                receipt: Box::new(self.hand_in(draft, declared_true, Unlocked::ForThis).await?),
            },
            PinPurpose::Withdraw { application, .. } => {
                PinOutcome::Withdrawn { application: Box::new(self.withdraw_application(application).await?) }
            }
            PinPurpose::RemoveCertificate { key, fingerprint } => {
                self.remove_certificate(&key, &fingerprint).await?;
                PinOutcome::Removed
            }
        })
    }

    /// Shows what the key says of its tries now. That a PIN was refused is told also where the driver fails after that.
    async fn show_tries(&self, key: &str) {
        if let Err(failure) = self.refresh_key(key).await {
            tracing::warn!(code = ?failure.code, "key not read after a refused PIN");
        }
    }

    /// Drivers have many words for a key that was pulled out in the middle of a call, and mostly wrong ones. Whoever
    /// looks can tell: then it is said so, with the driver's word as its cause.
    async fn or_pulled(&self, key: &str, failure: Failure) -> Failure {
        if !failure.is(LocalCode::DriverFailed) || self.refresh_key(key).await.is_err() || self.key(key).is_ok() {
            return failure;
        }
        Failure { detail: failure.detail, ..LocalCode::KeyRemoved.into() }
    }

    fn key(&self, id: &str) -> Result<KeyView, Failure> {
        let state = self.state();
        let key = state.strip.keys.iter().find(|key| key.id == id);
        Ok(key.cloned().ok_or(LocalCode::NoKey)?)
    }

    fn prompts(&self) -> std::sync::MutexGuard<'_, HashMap<Ticket, Prompt>> {
        self.inner.prompts.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl PinPurpose {
    /// Whether the key is opened to sign with the certificate of the session.
    fn is_signed_by_session(&self) -> bool {
        matches!(self, Self::SignForm { .. } | Self::Submit { .. } | Self::Withdraw { .. })
    }

    fn key(&self) -> &str {
        match self {
            Self::LogIn { key }
            | Self::Issue { key, .. }
            | Self::SignForm { key, .. }
            | Self::Submit { key, .. }
            | Self::Withdraw { key, .. }
            | Self::RemoveCertificate { key, .. } => key,
        }
    }
}
