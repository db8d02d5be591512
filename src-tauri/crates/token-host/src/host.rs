//! One loaded module: its tokens, one session on each, and who is logged in.

use crate::{
    der,
    failure::{ends_session, token_error},
    keys, objects, process,
};
use certdesk_token::{
    Pin, PinTries, TokenError, TokenInfo,
    message::{Answer, Reply, Request},
};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    object::Attribute,
    session::{Session, SessionState, UserType},
    slot::Slot,
    types::RawAuthPin,
};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, path::Path};

/// A module and its open sessions.
pub(crate) struct Host {
    context: Pkcs11,
    /// At most one a slot, kept open: it carries the login, and some modules read the whole token when one opens.
    sessions: HashMap<Slot, Session>,
    /// Where each token was last seen.
    slots: HashMap<String, Slot>,
}

impl Host {
    /// Loads and initialises a module.
    pub(crate) fn load(path: &Path) -> Result<Self, TokenError> {
        process::prepare(path);
        let context = Pkcs11::new(path).map_err(|error| TokenError::CannotLoad { reason: error.to_string() })?;
        initialize(&context)?;
        Ok(Self { context, sessions: HashMap::new(), slots: HashMap::new() })
    }

    /// Does what is asked.
    pub(crate) fn answer(&mut self, request: Request) -> Answer {
        match request {
            Request::List { rescan } => self.list(rescan).map(Reply::Tokens),
            Request::Login { token, pin } => self.login(&token, Some(pin)),
            Request::LoginByPinPad { token } => self.login(&token, None),
            Request::Logout { token } => self.logout(&token),
            Request::KeyPairs { token } => self.logged_in(&token, keys::key_pairs).map(Reply::KeyPairs),
            Request::GenerateKeyPair { token, algorithm, label, provisional_id } => self
                .logged_in(&token, |session| keys::generate(session, algorithm, &label, &provisional_id))
                .map(Reply::KeyPair),
            Request::Sign { token, key_id, scheme, digest } => {
                self.logged_in(&token, |session| keys::sign(session, &key_id, scheme, &digest)).map(Reply::Signature)
            }
            Request::PutCertificate { token, key_id, der, label } => {
                self.logged_in(&token, |session| put_certificate(session, &key_id, &der, &label)).map(|()| Reply::Done)
            }
            Request::RemoveKeyPair { token, key_id } => {
                self.logged_in(&token, |session| keys::remove(session, &key_id)).map(|()| Reply::Done)
            }
            Request::RemoveCertificate { token, der } => {
                self.logged_in(&token, |session| remove_certificate(session, &der)).map(|()| Reply::Done)
            }
        }
    }

    fn list(&mut self, rescan: bool) -> Result<Vec<TokenInfo>, TokenError> {
        let mut tokens = self.tokens()?;
        if rescan && !tokens.iter().any(|token| token.initialised) && !tokens.iter().any(|token| token.logged_in) {
            self.sessions.clear();
            self.context.clone().finalize().map_err(token_error)?;
            initialize(&self.context)?;
            tokens = self.tokens()?;
        }
        Ok(tokens)
    }

    /// Slot by slot, so that a token that cannot be read hides no other.
    fn tokens(&mut self) -> Result<Vec<TokenInfo>, TokenError> {
        let slots = self.context.get_slots_with_token().map_err(|error| self.broken(error))?;
        self.sessions.retain(|slot, _| slots.contains(slot));
        let mut tokens = Vec::new();
        for slot in slots {
            match self.token(slot) {
                Ok(token) => tokens.push(token),
                Err(error) => {
                    eprintln!("slot {} is left out: {error}", slot.id());
                    self.sessions.remove(&slot);
                }
            }
        }
        let ids: Vec<String> = tokens.iter().map(|token| identity(token, false)).collect();
        for (token, id) in tokens.iter_mut().zip(&ids) {
            let unique = ids.iter().filter(|other| *other == id).count() == 1;
            token.id = if unique { id.clone() } else { identity(token, true) };
        }
        self.slots = HashMap::new();
        for token in &tokens {
            if let Ok(slot) = token.slot.try_into() {
                self.slots.insert(token.id.clone(), slot);
            }
        }
        Ok(tokens)
    }

    /// A module that cannot even list its slots. One that lost what is behind it (p11-kit's, whose other process ended)
    /// only finds it again from scratch; its logins are gone anyway.
    fn broken(&mut self, error: Error) -> TokenError {
        if matches!(error, Error::Pkcs11(RvError::DeviceError, _)) {
            self.sessions.clear();
            let anew = self.context.clone().finalize().map_err(token_error).and_then(|()| initialize(&self.context));
            if let Err(still) = anew {
                eprintln!("the module did not start anew: {still}");
            }
        }
        token_error(error)
    }

    fn token(&mut self, slot: Slot) -> Result<TokenInfo, TokenError> {
        let info = self.context.get_token_info(slot).map_err(token_error)?;
        let mut token = TokenInfo {
            id: String::new(),
            slot: slot.id(),
            label: objects::trim(info.label()),
            manufacturer: objects::trim(info.manufacturer_id()),
            model: objects::trim(info.model()),
            serial: objects::trim(info.serial_number()),
            tries: tries(&info),
            pin_min: info.min_pin_length().try_into().unwrap_or(0),
            pin_max: info.max_pin_length().try_into().unwrap_or(0),
            pin_pad: info.protected_authentication_path(),
            initialised: info.token_initialized(),
            user_pin_set: info.user_pin_initialized(),
            write_protected: info.write_protected(),
            logged_in: false,
            certificates: Vec::new(),
        };
        if token.initialised {
            // A session can outlive its token; then a new one finds out whether the token is back.
            if self.sessions.get(&slot).is_some_and(|session| session.get_session_info().is_err()) {
                self.sessions.remove(&slot);
            }
            let session = self.session(slot)?;
            token.logged_in = is_logged_in(session)?;
            token.certificates = objects::token_certificates(session, token.logged_in || !info.login_required())?;
        }
        Ok(token)
    }

    fn login(&mut self, token: &str, pin: Option<Pin>) -> Answer {
        let slot = self.slot(token)?;
        let info = self.context.get_token_info(slot).map_err(token_error)?;
        // Asking for the pad of a token without one crashes some modules.
        if pin.is_none() && !info.protected_authentication_path() {
            return Err(TokenError::Unsupported { what: "a PIN pad".into() });
        }
        let was_locked = info.user_pin_locked();
        let session = self.session(slot)?;
        // A PIN is proven by a login; an earlier one would let any PIN pass.
        if is_logged_in(session)? {
            session.logout().map_err(token_error)?;
        }
        let outcome = match pin {
            // The one place where a PIN leaves our hands; `RawAuthPin` wipes its copy.
            Some(pin) => session.login_with_raw(UserType::User, &RawAuthPin::new(Box::new(pin.expose().to_vec()))),
            None => session.login(UserType::User, None),
        };
        match outcome {
            Ok(()) => Ok(Reply::Done),
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) if was_locked => Err(TokenError::PinLocked),
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                let tries = self.context.get_token_info(slot).map_or(PinTries::Unknown, |info| tries(&info));
                Err(TokenError::PinIncorrect { tries })
            }
            Err(error) => Err(self.noticed(slot, token_error(error))),
        }
    }

    fn logout(&mut self, token: &str) -> Answer {
        let slot = self.slot(token)?;
        let Some(session) = self.sessions.get(&slot) else { return Ok(Reply::Done) };
        match session.logout() {
            Ok(()) | Err(Error::Pkcs11(RvError::UserNotLoggedIn, _)) => Ok(Reply::Done),
            Err(error) => Err(self.noticed(slot, token_error(error))),
        }
    }

    /// Runs what needs a login in the token's session.
    fn logged_in<T>(
        &mut self,
        token: &str,
        act: impl FnOnce(&Session) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let slot = self.slot(token)?;
        let session = self.sessions.get(&slot).ok_or(TokenError::NotLoggedIn)?;
        let outcome = match is_logged_in(session) {
            Ok(true) => act(session),
            Ok(false) => return Err(TokenError::NotLoggedIn),
            Err(error) => Err(error),
        };
        outcome.map_err(|error| self.noticed(slot, error))
    }

    /// Forgets a session that is of no more use.
    fn noticed(&mut self, slot: Slot, error: TokenError) -> TokenError {
        if ends_session(&error) {
            self.sessions.remove(&slot);
        }
        error
    }

    /// Where the token sits; looks again if it was not seen yet.
    fn slot(&mut self, token: &str) -> Result<Slot, TokenError> {
        if !self.slots.contains_key(token) {
            self.tokens()?;
        }
        self.slots.get(token).copied().ok_or(TokenError::NoToken)
    }

    /// The slot's session, read-write where the token allows it.
    fn session(&mut self, slot: Slot) -> Result<&Session, TokenError> {
        use std::collections::hash_map::Entry;
        match self.sessions.entry(slot) {
            Entry::Occupied(session) => Ok(session.into_mut()),
            Entry::Vacant(place) => {
                let session = match self.context.open_rw_session(slot) {
                    Err(Error::Pkcs11(RvError::TokenWriteProtected, _)) => self.context.open_ro_session(slot),
                    other => other,
                };
                Ok(place.insert(session.map_err(token_error)?))
            }
        }
    }
}

/// Some modules insist on the system's locks, some cannot have them.
fn initialize(context: &Pkcs11) -> Result<(), TokenError> {
    let outcome = match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Err(Error::Pkcs11(RvError::CantLock, _)) => context.initialize(CInitializeArgs::new(CInitializeFlags::empty())),
        other => other,
    };
    outcome.map_err(|error| match token_error(error) {
        TokenError::Driver { call, code } => TokenError::CannotLoad { reason: format!("{call} answered {code}") },
        other => TokenError::CannotLoad { reason: other.to_string() },
    })
}

fn is_logged_in(session: &Session) -> Result<bool, TokenError> {
    let info = session.get_session_info().map_err(token_error)?;
    Ok(matches!(info.session_state(), SessionState::RwUser | SessionState::RoUser))
}

fn tries(info: &cryptoki::slot::TokenInfo) -> PinTries {
    if info.user_pin_locked() {
        PinTries::Locked
    } else if info.user_pin_final_try() {
        PinTries::Last
    } else if info.user_pin_count_low() {
        PinTries::Few
    } else {
        PinTries::NoWarning
    }
}

/// [`TokenInfo::id`]
fn identity(token: &TokenInfo, with_place: bool) -> String {
    let TokenInfo { manufacturer, model, serial, label, slot, .. } = token;
    let place = if with_place { format!("|{label}|{slot}") } else { String::new() };
    format!("{:x}", Sha256::digest(format!("{manufacturer}|{model}|{serial}{place}")))
}

/// Refuses before anything is written: no such key, or a certificate that is not for it.
fn put_certificate(session: &Session, key_id: &[u8], der: &[u8], label: &str) -> Result<(), TokenError> {
    let key_bits = keys::public_key_bits(session, key_id)?;
    let fields = der::certificate(der).ok_or(TokenError::CertificateMismatch)?;
    if der::public_key_bits(fields.spki) != Some(&key_bits) {
        return Err(TokenError::CertificateMismatch);
    }
    objects::remove_shells(session)?;
    match objects::certificates(session)?.into_iter().find(|there| there.der == der) {
        None => objects::create_certificate(session, key_id, der, &fields, label),
        Some(there) if there.key_id == key_id => Ok(()),
        Some(there) => session.update_attributes(there.handle, &[Attribute::Id(key_id.to_vec())]).map_err(token_error),
    }
}

fn remove_certificate(session: &Session, der: &[u8]) -> Result<(), TokenError> {
    for there in objects::certificates(session)?.into_iter().filter(|there| there.der == der) {
        session.destroy_object(there.handle).map_err(token_error)?;
    }
    Ok(())
}
