//! PIN prompts. The window gets a ticket that names key and purpose; the PIN comes back once, as raw bytes, with the
//! ticket. A ticket is good once, so nothing here can try a PIN twice.
//!
//! A key may want its PIN for each signature. Then the act stops at the signature, the window is told by an event, and the
//! act goes on with the PIN that the person types, or fails where they do not: no PIN is kept for it.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use certdesk_domain::token::{PinTries, SignatureScheme};
use certdesk_pki::Certificate;
use certdesk_token::{KeyPair, Pin, TokenError};
use tokio::{sync::oneshot, time::timeout};
use uuid::Uuid;

use crate::{
    Controller,
    acts::Unlocked,
    convert::sha256_hex,
    failure::{Failure, LocalCode},
    view::{Event, KeyView, ObjectView, PinOutcome, PinPrompt, PinPurpose},
};

/// How long a prompt may stay open.
const PROMPT_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long an act waits in the middle for the PIN of a signature: the service's patience is not endless.
const AGAIN_LIFE: Duration = Duration::from_secs(3 * 60);
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
    /// The PIN; empty where it is typed on the key's own pad. Two of them where the purpose says so ([`Pin::into_two`]).
    pub pin: Pin,
}

/// A key pair on a key.
#[derive(Clone, Copy)]
pub(crate) struct KeyPlace<'a> {
    /// [`KeyView::id`]
    pub(crate) key: &'a str,
    /// `CKA_ID`
    pub(crate) key_id: &'a [u8],
    /// SubjectPublicKeyInfo, DER.
    pub(crate) spki: &'a [u8],
}

impl<'a> KeyPlace<'a> {
    /// Of a pair that was made or found on a key.
    pub(crate) fn of(key: &'a str, pair: &'a KeyPair) -> Self {
        Self { key, key_id: &pair.key_id, spki: &pair.spki_der }
    }
}

#[derive(Default)]
pub(crate) struct Prompts(Mutex<HashMap<Ticket, Prompt>>);

struct Prompt {
    asked: Asked,
    since: Instant,
}

enum Asked {
    /// By the window, for an act that is still to come.
    For(PinPurpose),
    /// By an act under way, for one signature.
    Again { key: String, answer: oneshot::Sender<Pin> },
}

impl Controller {
    /// Opens a prompt: what the PIN dialog has to say.
    pub async fn prepare_pin(&self, purpose: PinPurpose) -> Result<PinPrompt, Failure> {
        // No PIN is asked for what cannot be done.
        if purpose.is_done_at_the_service() {
            self.need_login()?;
        }
        // Ask the key anew: the state of the tries may have changed in another program.
        self.refresh_key(purpose.key()).await?;
        let key = self.key(purpose.key())?;
        if let PinPurpose::Unblock { .. } = &purpose {
            if key.so_tries == PinTries::Locked {
                return Err(LocalCode::SoPinLocked.into());
            }
        } else {
            if !key.ready {
                return Err(LocalCode::TokenNotReady.into());
            }
            if key.tries == PinTries::Locked {
                return Err(LocalCode::PinLocked.into());
            }
            if key.pin_must_change && !matches!(purpose, PinPurpose::ChangePin { .. }) {
                return Err(LocalCode::PinMustChange.into());
            }
        }
        if matches!(purpose, PinPurpose::LogIn { .. }) && !key.can_log_in {
            let empty = key.holder.is_none();
            return Err(if empty { LocalCode::NoCertificateOnKey } else { LocalCode::CertificateUnusable }.into());
        }
        // The PIN of another key would open what cannot sign for this session.
        if purpose.is_signed_by_session() && self.session_key_now()?.is_none_or(|session| session.key != key.id) {
            return Err(LocalCode::SessionKeyMissing.into());
        }
        if let PinPurpose::ReadOffline { key } = &purpose {
            self.offline_login_of_key(key).await?;
        }
        if let PinPurpose::RemoveCertificate { key, fingerprint } = &purpose {
            self.removable(key, fingerprint).await?;
        }
        let needs_confirmation = purpose.tries(&key) == PinTries::Last;
        Ok(PinPrompt { ticket: self.open_prompt(Asked::For(purpose)), needs_confirmation, key })
    }

    fn open_prompt(&self, asked: Asked) -> Ticket {
        let ticket = Uuid::new_v4().to_string();
        let mut prompts = self.prompts();
        prompts.retain(|_, prompt| prompt.since.elapsed() < PROMPT_LIFE);
        if prompts.len() >= MOST_PROMPTS {
            prompts.clear();
        }
        prompts.insert(ticket.clone(), Prompt { asked, since: Instant::now() });
        ticket
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
        let key = self.key(prompt.asked.key())?;
        if prompt.asked.tries(&key) == PinTries::Last && !entry.confirmed {
            return Err(LocalCode::LastTryUnconfirmed.into());
        }
        let purpose = match prompt.asked {
            Asked::For(purpose) => purpose,
            Asked::Again { answer, .. } => {
                check_length(&key, &entry.pin, LocalCode::PinLength)?;
                return answer.send(entry.pin).map(|()| PinOutcome::Taken).map_err(|_| LocalCode::PromptGone.into());
            }
        };
        let answered = match purpose {
            PinPurpose::ChangePin { .. } => {
                let pins = two(&key, entry.pin)?;
                if let Some((old, new)) = &pins {
                    check_length(&key, old, LocalCode::PinLength)?;
                    check_length(&key, new, LocalCode::NewPinLength)?;
                }
                self.inner.keys.change_pin(&key.id, pins).await
            }
            PinPurpose::Unblock { .. } => {
                let pins = two(&key, entry.pin)?;
                if let Some((_, new)) = &pins {
                    check_length(&key, new, LocalCode::NewPinLength)?;
                }
                self.inner.keys.unblock(&key.id, pins).await
            }
            _ => {
                check_length(&key, &entry.pin, LocalCode::PinLength)?;
                self.inner.keys.log_in(&key.id, entry.pin).await
            }
        };
        let tries = match answered {
            Ok(()) => None,
            Err(TokenError::PinIncorrect { tries } | TokenError::SoPinIncorrect { tries }) => Some(tries),
            Err(TokenError::PinLocked | TokenError::SoPinLocked) => Some(PinTries::Locked),
            Err(doubtful @ TokenError::PinDoubtful { .. }) => {
                self.show_tries(&key.id).await;
                return Err(doubtful.into());
            }
            Err(other) => return Err(self.or_pulled(&key.id, other.into()).await),
        };
        if let Some(tries) = tries {
            self.show_tries(&key.id).await;
            return Ok(PinOutcome::Refused { tries });
        }
        match self.serve(purpose).await {
            Ok(outcome) => Ok(outcome),
            Err(failure) => Err(self.or_pulled(&key.id, failure).await),
        }
    }

    /// The person does not give the PIN that an act under way asked for: the act ends with `pin_withheld`.
    pub async fn withhold_pin(&self, ticket: Ticket) -> Result<(), Failure> {
        self.prompts().remove(&ticket);
        Ok(())
    }

    /// Signs a message with a key that is logged in. One that wants its PIN for each signature makes the person be asked.
    ///
    /// # Errors
    /// [`TokenError::PinAgain`] where the PIN was not given, [`TokenError::PinIncorrect`] where it was wrong and the key
    /// logged out over it, [`TokenError::PinLocked`], and what the driver says.
    pub(crate) async fn sign(
        &self,
        by: KeyPlace<'_>,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, TokenError> {
        let unable = |error: certdesk_pki::PkiError| TokenError::Unsupported { what: error.to_string() };
        let digest = certdesk_pki::digest(by.spki, scheme, message).map_err(unable)?;
        let module = self.inner.keys.module(by.key)?;
        match module.sign_digest(by.key, by.key_id, scheme, digest.clone()).await {
            Err(TokenError::PinAgain) => {}
            other => return other,
        }
        let mut refused = None;
        // Each round has a PIN of its own, typed for it.
        loop {
            let pin = self.ask_again(by.key, refused).await.ok_or(TokenError::PinAgain)?;
            match self.inner.keys.sign_again(by.key, by.key_id, scheme, digest.clone(), pin).await {
                Err(TokenError::PinIncorrect { tries: PinTries::Locked }) => return Err(TokenError::PinLocked),
                Err(TokenError::PinIncorrect { tries }) => {
                    // Some keys log out over it: then the act begins anew, with a login.
                    let stays = self.refresh_key(by.key).await.is_ok()
                        && self.inner.keys.tokens().iter().any(|token| token.id == by.key && token.logged_in);
                    if !stays {
                        return Err(TokenError::PinIncorrect { tries });
                    }
                    refused = Some(tries);
                }
                other => return other,
            }
        }
    }

    /// Asks the person for the PIN of one signature. `None`: they did not give it.
    async fn ask_again(&self, key: &str, refused: Option<PinTries>) -> Option<Pin> {
        // What the key says of its tries now decides whether a yes is asked for.
        self.refresh_key(key).await.ok()?;
        let view = self.key(key).ok()?;
        let (answer, given) = oneshot::channel();
        let ticket = self.open_prompt(Asked::Again { key: key.to_owned(), answer });
        let needs_confirmation = view.tries == PinTries::Last;
        let prompt = Box::new(PinPrompt { ticket: ticket.clone(), needs_confirmation, key: view });
        self.emit(Event::PinAgain { prompt, refused });
        let given = timeout(AGAIN_LIFE, given).await;
        self.prompts().remove(&ticket);
        given.ok()?.ok()
    }

    /// What can be seen on a key now.
    pub async fn key_objects(&self, key: String) -> Result<Vec<ObjectView>, Failure> {
        let objects = self.inner.keys.module(&key)?.objects(&key).await?;
        Ok(objects.into_iter().map(Into::into).collect())
    }

    /// Signs something random with the key of a certificate and verifies it.
    async fn test_key(&self, key: &str, fingerprint: &str) -> Result<(), Failure> {
        let token = self.inner.keys.tokens().into_iter().find(|token| token.id == key).ok_or(LocalCode::NoKey)?;
        let held = token.certificates.into_iter().find(|held| sha256_hex(&held.der) == fingerprint);
        let held = held.ok_or(LocalCode::Gone)?;
        let spki = Certificate::parse(&held.der)?.spki_der;
        let scheme = certdesk_pki::key_algorithm(&spki).map_err(|_| LocalCode::KeyUnable)?.scheme();
        let mut message = b"certdesk test ".to_vec();
        message.extend(Uuid::new_v4().as_bytes());
        let signature = self.sign(KeyPlace { key, key_id: &held.key_id, spki: &spki }, scheme, &message).await?;
        Ok(certdesk_pki::verify(&spki, scheme, &message, &signature).map_err(|_| LocalCode::ProofFailed)?)
    }

    /// Does what the key was opened for. The key of the session stays open for its next acts, any other is closed.
    async fn serve(&self, purpose: PinPurpose) -> Result<PinOutcome, Failure> {
        let key = purpose.key().to_owned();
        // On the heap: an act is deep, and so is whoever asks for it.
        let outcome = Box::pin(self.act_with_key(purpose)).await;
        // A key whose PIN was changed or set anew is closed already.
        if self.session_key_id().as_ref() != Some(&key) {
            self.inner.keys.log_out(&key).await;
        }
        outcome
    }

    async fn act_with_key(&self, purpose: PinPurpose) -> Result<PinOutcome, Failure> {
        Ok(match purpose {
            PinPurpose::LogIn { key } => PinOutcome::LoggedIn { session: Box::new(self.log_in_with_key(&key).await?) },
            PinPurpose::ReadOffline { key } => {
                PinOutcome::LoggedIn { session: Box::new(self.read_offline_with_key(&key).await?) }
            }
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
            PinPurpose::ChangePin { key } => {
                self.refresh_key(&key).await?;
                PinOutcome::PinChanged
            }
            PinPurpose::Unblock { key } => {
                self.refresh_key(&key).await?;
                PinOutcome::Unblocked
            }
            PinPurpose::TestKey { key, fingerprint } => {
                self.test_key(&key, &fingerprint).await?;
                PinOutcome::Tested
            }
            PinPurpose::ShowObjects { key } => PinOutcome::Objects { objects: self.key_objects(key).await? },
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

/// The two PINs of a prompt that asks for two; `None` where they are typed on the key's own pad.
fn two(key: &KeyView, pins: Pin) -> Result<Option<(Pin, Pin)>, Failure> {
    if key.pin_pad {
        return Ok(None);
    }
    Ok(Some(pins.into_two().ok_or(LocalCode::BadCommand)?))
}

/// A PIN that the key's own limits rule out is not sent: it would cost a try for nothing.
fn check_length(key: &KeyView, pin: &Pin, otherwise: LocalCode) -> Result<(), Failure> {
    let (least, most) = key.pin_length;
    let length = pin.expose().len();
    let fits = length >= least as usize && (most == 0 || length <= most as usize);
    if key.pin_pad || fits { Ok(()) } else { Err(otherwise.into()) }
}

impl Asked {
    fn key(&self) -> &str {
        match self {
            Self::For(purpose) => purpose.key(),
            Self::Again { key, .. } => key,
        }
    }

    fn tries(&self, key: &KeyView) -> PinTries {
        match self {
            Self::For(purpose) => purpose.tries(key),
            Self::Again { .. } => key.tries,
        }
    }
}

impl PinPurpose {
    /// The tries of the PIN that it asks for.
    fn tries(&self, key: &KeyView) -> PinTries {
        match self {
            Self::Unblock { .. } => key.so_tries,
            _ => key.tries,
        }
    }

    /// Whether the key is opened to sign with the certificate of the session.
    fn is_signed_by_session(&self) -> bool {
        matches!(self, Self::SignForm { .. } | Self::Submit { .. } | Self::Withdraw { .. })
    }

    /// Whether it is nothing without a login.
    fn is_done_at_the_service(&self) -> bool {
        matches!(self, Self::Issue { .. } | Self::Submit { .. } | Self::Withdraw { .. })
    }

    fn key(&self) -> &str {
        match self {
            Self::LogIn { key }
            | Self::ReadOffline { key }
            | Self::Issue { key, .. }
            | Self::SignForm { key, .. }
            | Self::Submit { key, .. }
            | Self::Withdraw { key, .. }
            | Self::RemoveCertificate { key, .. }
            | Self::ChangePin { key }
            | Self::Unblock { key }
            | Self::TestKey { key, .. }
            | Self::ShowObjects { key } => key,
        }
    }
}
