//! Legal acts: what the key of a session signs them with, taking a case back, and the receipts of all of them.

use certdesk_contract::{Problem, ProblemCode};
use certdesk_domain::token::SignatureScheme;
use certdesk_pki::Certificate;
use certdesk_portal::{ActKey, SigningError};
use certdesk_token::{TokenCertificate, TokenError};
use uuid::Uuid;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    outbox::withdrawal_key,
    picker::SaveQuestion,
    pin::KeyPlace,
    view::{ApplicationView, Locale},
};

/// For what the PIN was given that opened the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlocked {
    /// For the act at hand, just now.
    ForThis,
    /// For something before, or not at all.
    Before,
}

/// The key of the session on its token, open to sign.
pub(crate) struct SessionSigner {
    /// The certificate that logged in, DER.
    pub(crate) certificate_der: Vec<u8>,
    /// How its key signs.
    pub(crate) scheme: SignatureScheme,
    controller: Controller,
    key: String,
    key_id: Vec<u8>,
    spki: Vec<u8>,
}

impl SessionSigner {
    /// Signs a message of any length; ECDSA gives the raw `r‖s`.
    ///
    /// # Errors
    /// [`TokenError::NotLoggedIn`] (`pin_needed`), [`TokenError::PinAgain`] (`pin_withheld`), and what the driver says.
    pub(crate) async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, TokenError> {
        let by = KeyPlace { key: &self.key, key_id: &self.key_id, spki: &self.spki };
        self.controller.sign(by, self.scheme, &message).await
    }
}

impl ActKey for SessionSigner {
    type Error = TokenError;

    fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, TokenError> {
        Self::sign(self, message).await
    }
}

/// Where the certificate of the session is now.
pub(crate) struct SessionKeyNow {
    /// `KeyView::id` of the key that holds it.
    pub(crate) key: String,
    held: TokenCertificate,
    open: bool,
}

impl Controller {
    /// The key of a session by key, open to sign; `None` in a session by password, which has none.
    ///
    /// # Errors
    /// `session_key_missing` where no key that is plugged in holds the certificate of the session, `pin_needed` where that
    /// key is locked (again).
    pub(crate) async fn session_signer(&self) -> Result<Option<SessionSigner>, Failure> {
        let Some(id) = self.session_key_id() else { return Ok(None) };
        // Ask the key anew: it may have been pulled out and plugged in again, which locks it.
        self.refresh_key(&id).await?;
        let Some(now) = self.session_key_now()? else { return Err(LocalCode::SessionKeyMissing.into()) };
        if !now.open {
            return Err(LocalCode::PinNeeded.into());
        }
        let spki = Certificate::parse(&now.held.der)?.spki_der;
        Ok(Some(SessionSigner {
            scheme: certdesk_pki::key_algorithm(&spki)?.scheme(),
            controller: self.clone(),
            key: now.key,
            key_id: now.held.key_id,
            certificate_der: now.held.der,
            spki,
        }))
    }

    /// The key of the session among those seen last.
    ///
    /// # Errors
    /// `session_ended` without a session, `bad_command` in a session by password.
    pub(crate) fn session_key_now(&self) -> Result<Option<SessionKeyNow>, Failure> {
        self.session_view()?;
        let session = self.state().session_key.clone().ok_or(LocalCode::BadCommand)?;
        let held =
            |certificate: &&TokenCertificate| certificate.der == session.certificate_der && certificate.has_private_key;
        let mut found = self.inner.keys.tokens().into_iter().filter_map(|token| {
            let held = token.certificates.iter().find(held)?.clone();
            Some(SessionKeyNow { key: token.id, held, open: token.logged_in })
        });
        Ok(found.next())
    }

    /// `KeyView::id` of the key that logged in.
    pub(crate) fn session_key_id(&self) -> Option<String> {
        self.state().session_key.as_ref().map(|key| key.id.clone())
    }

    /// Takes a case back.
    pub async fn withdraw_application(&self, id: Uuid) -> Result<ApplicationView, Failure> {
        self.need_login()?;
        let _alone = self.inner.outbox.case(id).await;
        let view = self.withdraw_alone(id, None).await?;
        // Where that was queued, it need not go by itself any more.
        self.with_cache(move |cache| cache.drop_withdrawal(id)).await?;
        Ok(ApplicationView { withdrawal: None, ..view })
    }

    /// The same, by whoever works on the case alone. `meant`: the name of what was to be taken back, where that was before.
    ///
    /// # Errors
    /// The problem `wrong_state` where it was handed in anew since.
    pub(crate) async fn withdraw_alone(&self, id: Uuid, meant: Option<Uuid>) -> Result<ApplicationView, Failure> {
        let signer = self.session_signer().await?;
        let portal = self.portal()?;
        let seen = self.seen_application(id).await?;
        let (business, key) = (seen.business, withdrawal_key(&seen)?);
        if meant.is_some_and(|meant| meant != key) {
            return Err(Problem::new(ProblemCode::WrongState).into());
        }
        let application = match signer {
            None => self.noted(portal.withdraw(id, key).await)?,
            Some(signer) => self.signed(portal.withdraw_signed(id, business, key, &signer).await)?,
        };
        self.keep_application(application.clone()).await?;
        self.application_view(application).await
    }

    /// Saves a signed receipt where the person says. `None`: cancelled. Else the file's name.
    pub async fn save_receipt(&self, receipt: Uuid) -> Result<Option<String>, Failure> {
        let bytes = self.noted(self.portal()?.receipt(receipt).await)?;
        let (title, file_name) = match self.state().settings.locale {
            Locale::ZhCn => ("保存签名回执", "签名回执.json"),
            Locale::En => ("Save the signed receipt", "receipt.json"),
        };
        self.save_file(SaveQuestion { title: title.to_owned(), file_name: file_name.to_owned() }, bytes).await
    }

    /// Passes on what came of an act that the key of the session signed.
    pub(crate) fn signed<T>(&self, answer: Result<T, SigningError<TokenError>>) -> Result<T, Failure> {
        match answer {
            Ok(answer) => self.noted(Ok(answer)),
            Err(SigningError::Portal(error)) => self.noted(Err(error)),
            Err(SigningError::Sign(error)) => Err(error.into()),
        }
    }
}
