//! Agreement, registration, login by password, logout.

use certdesk_contract::{
    account::{
        ConsentReceipt, ConsentRequest, ConsentSubject, PasswordChange, RegistrationReceipt, RegistrationRequest,
    },
    session::{PasswordLogin, SessionKind},
};
use certdesk_domain::form::Registration;
use certdesk_portal::{Login, Portal};
use futures_util::future::OptionFuture;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    Controller,
    command::Faults,
    convert::named_uuid,
    failure::{Failure, LocalCode},
    keys::SessionKey,
    offline::{certificate_proof, password_proof},
    view::{Event, SessionView},
};

impl Controller {
    /// Records at the service that a text was read and accepted.
    pub async fn accept_consent(&self, subject: ConsentSubject, version: String) -> Result<ConsentReceipt, Failure> {
        // The agreement is asked for on the way to a login; anything else belongs to an account that the service knows.
        if subject != ConsentSubject::Agreement {
            self.need_login()?;
        }
        let answer = self.portal()?.consent(&ConsentRequest { subject, version }).await;
        let receipt = self.consented(self.noted(answer)).await?;
        self.state().consents.insert(subject, receipt.clone());
        if let Ok(account) = self.account_name() {
            self.keep(consent_document(&account, subject), None, &receipt).await?;
        }
        Ok(receipt)
    }

    /// The consent on record for the account that is logged in, if it is for `version`.
    pub(crate) async fn consent(&self, subject: ConsentSubject, version: &str) -> Result<Option<Uuid>, Failure> {
        let held = self.state().consents.get(&subject).cloned();
        let held = match held {
            Some(held) => Some(held),
            None => self.kept(consent_document(&self.account_name()?, subject)).await?,
        };
        Ok(held.filter(|receipt: &ConsentReceipt| receipt.version == version).map(|receipt| receipt.id))
    }

    /// The record of the service agreement that was accepted since the start, if it was.
    pub(crate) fn agreement(&self) -> Option<Uuid> {
        self.state().consents.get(&ConsentSubject::Agreement).map(|receipt| receipt.id)
    }

    /// What is not right in the registration form yet.
    pub async fn check_registration(&self, registration: Registration) -> Result<Faults, Failure> {
        Ok(Faults { faults: certdesk_domain::check::registration(&registration) })
    }

    /// Registers an account; name and initial password go out by SMS.
    pub async fn register(&self, registration: Registration) -> Result<RegistrationReceipt, Failure> {
        let faults = certdesk_domain::check::registration(&registration);
        if !faults.is_empty() {
            return Err(Failure { faults, ..LocalCode::FieldsIncomplete.into() });
        }
        let consent = self.agreement().ok_or(LocalCode::BadCommand)?;
        let request = RegistrationRequest { registration, consent };
        // A name made from the content: pressing the button twice registers once. After a kill the agreement is accepted
        // anew: that is another request, which the service knows for the same person's.
        let key = crate::convert::named_uuid(&request)?;
        let answer = self.portal()?.register(&request, key).await;
        self.consented(self.noted(answer)).await
    }

    /// Logs in by account and password.
    pub async fn log_in_with_password(&self, account: String, password: String) -> Result<SessionView, Failure> {
        let account = account.trim().to_owned();
        let kept = Zeroizing::new(password.clone());
        let login = PasswordLogin { account: account.clone(), password, consent: self.agreement(), session_key: None };
        let answer = self.portal()?.log_in_with_password(&login).await;
        let session = match self.consented(self.noted(answer)).await {
            Ok(session) => session,
            Err(failure) => {
                self.password_was_refused(&account, kept, &failure).await;
                return Err(failure);
            }
        };
        let view = self.begin_session(&session, None).await?;
        // An initial password opens nothing but its own change.
        if view.must_change_password {
            self.forget_for_offline(&view.account.name, |_| true).await;
        } else {
            self.keep_password_for_offline(&view, kept).await;
        }
        Ok(view)
    }

    /// Replaces the password of the session's account.
    pub async fn change_password(&self, current: String, replacement: String) -> Result<SessionView, Failure> {
        let kept = Zeroizing::new(replacement.clone());
        let change = PasswordChange { old: current, new: replacement };
        let key = self.password_key(&change)?;
        let answer = self.portal()?.change_password(&change, key).await;
        self.noted(answer)?;
        let session = {
            let mut state = self.state();
            state.password_change = None;
            let session = state.session.as_mut().ok_or(LocalCode::SessionEnded)?;
            session.must_change_password = false;
            session.clone()
        };
        // In a session by key the key stays what the account is known by.
        if session.kind == SessionKind::Password {
            self.keep_password_for_offline(&session, kept).await;
        }
        self.emit(Event::Session { session: Some(Box::new(session.clone())), unasked: None });
        self.inner.uploads.wake();
        self.inner.sync.begin_session();
        self.inner.outbox.wake_all();
        Ok(session)
    }

    async fn keep_password_for_offline(&self, session: &SessionView, password: Zeroizing<String>) {
        match password_proof(password).await {
            Ok(proof) => self.keep_for_offline(session, proof).await,
            Err(failure) => tracing::warn!(code = ?failure.code, "the password was not kept for reading offline"),
        }
    }

    /// Names a change of password, the same again where its answer was lost: or it would be refused, for the old password
    /// is wrong by then.
    fn password_key(&self, change: &PasswordChange) -> Result<Uuid, Failure> {
        // The key is chance, so that what is remembered of the passwords tells nothing without it.
        let named = |key: Uuid| named_uuid(&(key, change));
        let mut state = self.state();
        if let Some((key, name)) = state.password_change
            && named(key)? == name
        {
            return Ok(key);
        }
        let key = Uuid::new_v4();
        state.password_change = Some((key, named(key)?));
        Ok(key)
    }

    /// Logs out here and at the service; the key is logged out too.
    pub async fn log_out(&self) -> Result<(), Failure> {
        let key = self.state().session_key.take();
        let had_session = self.state().session.is_some();
        // Out is out, and at once: neither key nor service keeps anyone logged in here, not even while they are told.
        let telling = had_session.then(|| self.leave_session(None));
        if let Some(key) = key {
            self.inner.keys.log_out(&key.id).await;
        }
        OptionFuture::from(telling).await;
        Ok(())
    }

    pub(crate) async fn begin_session(&self, login: &Login, key: Option<SessionKey>) -> Result<SessionView, Failure> {
        self.portal()?.set_session(login);
        let session = &login.session;
        let view = SessionView {
            kind: session.kind,
            key: key.as_ref().map(|key| key.id.clone()),
            must_change_password: session.must_change_password,
            account: session.account.clone(),
            offline: None,
        };
        let proof = key.as_ref().map(|key| certificate_proof(&key.certificate_der));
        self.take_session(view.clone(), key);
        if let Some(proof) = proof {
            self.keep_for_offline(&view, proof).await;
        }
        self.inner.uploads.wake();
        self.inner.sync.begin_session();
        self.inner.outbox.wake_all();
        Ok(view)
    }

    /// From now on it is this session, whatever was before.
    pub(crate) fn take_session(&self, view: SessionView, key: Option<SessionKey>) {
        // What still runs belongs to the session before.
        self.inner.uploads.stop_all();
        self.inner.sync.end_session();
        let mut state = self.state();
        state.session = Some(view.clone());
        let before = std::mem::replace(&mut state.session_key, key);
        // The agreement is its reader's; this one is the account's.
        state.consents.remove(&ConsentSubject::SensitiveData);
        (state.unread_notices, state.changes_asked) = (0, None);
        let now = state.session_key.as_ref().map(|key| &key.id);
        let left = before.filter(|before| Some(&before.id) != now);
        drop(state);
        self.leave_key(left);
        self.emit(Event::Session { session: Some(Box::new(view)), unasked: None });
    }

    /// Ends the session here at once; the service is told when the answer is awaited.
    pub(crate) fn leave_session(&self, unasked: Option<Failure>) -> impl Future<Output = ()> + Send + use<> {
        let telling = self.portal().map(Portal::log_out);
        self.end_session(unasked);
        async move {
            if let Ok(telling) = telling
                && let Err(error) = telling.await
            {
                tracing::info!(code = ?Failure::from(error).code, "the service was not told of the end of the session");
            }
        }
    }

    /// Ends the session here; `unasked` says why, where nobody wanted it.
    pub(crate) fn end_session(&self, unasked: Option<Failure>) {
        if let Ok(portal) = &self.inner.portal {
            portal.clear_session();
        }
        let mut state = self.state();
        state.session = None;
        let key = state.session_key.take();
        state.consents.clear();
        state.unread_notices = 0;
        drop(state);
        self.inner.uploads.stop_all();
        self.inner.sync.end_session();
        self.leave_key(key);
        self.emit(Event::Session { session: None, unasked });
    }

    /// Logs a key out whose session is over. Nobody waits for it: a driver may take its time.
    pub(crate) fn leave_key(&self, key: Option<SessionKey>) {
        let Some(key) = key else { return };
        let controller = self.clone();
        tokio::spawn(async move { controller.inner.keys.log_out(&key.id).await });
    }
}

pub(crate) fn consent_document(account: &str, subject: ConsentSubject) -> String {
    format!("consent/{account}/{subject:?}")
}
