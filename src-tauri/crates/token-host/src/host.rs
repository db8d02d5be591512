//! One loaded module: its tokens, one session on each, and who is logged in.

use crate::{
    der,
    failure::{ends_session, token_error},
    keys::{self, Keys},
    objects, process,
    raw::Functions,
    text,
};
use certdesk_token::{
    LibraryInfo, Pin, PinTries, TokenError, TokenInfo,
    message::{Answer, Reply, Request, ToSign},
};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    object::Attribute,
    session::{Session, SessionState, UserType},
    slot::Slot,
    types::RawAuthPin,
};
use pkcs11_profiles::{LabelEncoding, Quirks, Unblock};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// A module and its open sessions.
pub(crate) struct Host {
    context: Pkcs11,
    functions: Functions,
    quirks: Quirks,
    /// At most one a slot, kept open: it carries the login, and some modules read the whole token when one opens.
    sessions: HashMap<Slot, Session>,
    /// Where each token was last seen.
    slots: HashMap<String, Slot>,
    /// What was last read from each token, under the session that is open on it.
    known: HashMap<Slot, TokenInfo>,
    /// Unblocked, and no right PIN given since: some tokens go on saying "locked" until then (Kryoptic).
    unblocked: HashSet<Slot>,
}

impl Host {
    /// Loads and initialises a module.
    pub(crate) fn load(path: &Path, quirks: Quirks) -> Result<Self, TokenError> {
        process::prepare(path);
        let context = Pkcs11::new(path).map_err(|error| TokenError::CannotLoad { reason: error.to_string() })?;
        let functions = Functions::of(path)?;
        initialize(&context)?;
        let (sessions, slots, known, unblocked) = Default::default();
        Ok(Self { context, functions, quirks, sessions, slots, known, unblocked })
    }

    /// Does what is asked.
    pub(crate) fn answer(&mut self, request: Request) -> Answer {
        if !matches!(request, Request::List { .. } | Request::Library) {
            self.known.clear();
        }
        match request {
            Request::List { rescan, thorough } => {
                if thorough {
                    self.known.clear();
                }
                self.list(rescan).map(Reply::Tokens)
            }
            Request::Library => self.library(),
            Request::Login { token, pin } => self.login(&token, Some(pin)),
            Request::LoginByPinPad { token } => self.login(&token, None),
            Request::Logout { token } => self.logout(&token),
            Request::ChangePin { token, old, new } => self.change_pin(&token, Some((old, new))),
            Request::ChangePinByPinPad { token } => self.change_pin(&token, None),
            Request::Unblock { token, so_pin, new } => self.unblock(&token, Some((so_pin, new))),
            Request::UnblockByPinPad { token } => self.unblock(&token, None),
            Request::KeyPairs { token } => self.logged_in(&token, |keys| keys.key_pairs()).map(Reply::KeyPairs),
            Request::GenerateKeyPair { token, algorithm, label, provisional_id } => {
                self.logged_in(&token, |keys| keys.generate(algorithm, &label, &provisional_id)).map(Reply::KeyPair)
            }
            Request::Sign(what) => self.sign(what, None),
            Request::SignWithPin { what, pin } => self.sign(what, Some(Some(pin))),
            Request::SignByPinPad(what) => self.sign(what, Some(None)),
            Request::Objects { token } => self.objects(&token),
            Request::PutCertificate { token, key_id, der, label } => {
                self.logged_in(&token, |keys| put_certificate(keys, &key_id, &der, &label)).map(|()| Reply::Done)
            }
            Request::RemoveKeyPair { token, key_id } => {
                self.logged_in(&token, |keys| keys::remove(keys.session, &key_id)).map(|()| Reply::Done)
            }
            Request::RemoveCertificate { token, der } => {
                self.logged_in(&token, |keys| remove_certificate(keys.session, &der)).map(|()| Reply::Done)
            }
        }
    }

    fn library(&self) -> Answer {
        let said = self.context.get_library_info().map_err(token_error)?;
        let labels = self.quirks.labels;
        Ok(Reply::Library(LibraryInfo {
            manufacturer: text::of(said.manufacturer_id().as_bytes(), labels),
            description: text::of(said.library_description().as_bytes(), labels),
            version: said.library_version().to_string(),
        }))
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
        self.known.retain(|slot, _| slots.contains(slot));
        self.unblocked.retain(|slot| slots.contains(slot));
        let mut tokens = Vec::new();
        for slot in slots {
            match self.token(slot) {
                Ok(token) => tokens.push(token),
                Err(error) => {
                    eprintln!("slot {} is left out: {error}", slot.id());
                    self.sessions.remove(&slot);
                    self.known.remove(&slot);
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

    /// What a token says of itself, also where its clock does not read.
    fn token_info(&self, slot: Slot) -> Result<cryptoki::slot::TokenInfo, Error> {
        match self.context.get_token_info(slot) {
            Err(unread) if !matches!(unread, Error::Pkcs11(..)) => {
                self.functions.token_info_without_clock(slot).map_err(|_| unread)
            }
            other => other,
        }
    }

    /// Label, manufacturer, model and serial number of a token. cryptoki takes them for UTF-8; where they are none, the bytes
    /// tell more.
    fn texts(&self, slot: Slot, info: &cryptoki::slot::TokenInfo) -> [String; 4] {
        let told = [info.label(), info.manufacturer_id(), info.model(), info.serial_number()];
        let labels = self.quirks.labels;
        let garbled =
            labels != LabelEncoding::Utf8 || told.iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER));
        match garbled.then(|| self.functions.token_texts(slot)) {
            Some(Ok(bytes)) => bytes.map(|bytes| text::of(&bytes, labels)),
            _ => told.map(|text| text::of(text.as_bytes(), LabelEncoding::Utf8)),
        }
    }

    fn token(&mut self, slot: Slot) -> Result<TokenInfo, TokenError> {
        let info = self.token_info(slot).map_err(token_error)?;
        if !info.user_pin_locked() {
            self.unblocked.remove(&slot);
        }
        let [label, manufacturer, model, serial] = self.texts(slot, &info);
        let mut token = TokenInfo {
            id: String::new(),
            slot: slot.id(),
            reader: String::new(),
            label,
            manufacturer,
            model,
            serial,
            tries: self.tries(slot, &info),
            so_tries: so_tries(&info),
            pin_must_change: info.user_pin_to_be_changed(),
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
                self.known.remove(&slot);
            }
            let session = self.session(slot)?;
            token.logged_in = is_logged_in(session)?;
            if let Some(known) = self.known.get(&slot)
                && (TokenInfo { certificates: Vec::new(), reader: String::new(), ..known.clone() }) == token
            {
                return Ok(known.clone());
            }
            let labels = self.quirks.labels;
            let session = self.session(slot)?;
            let all_shown = token.logged_in || !info.login_required();
            token.certificates = objects::token_certificates(session, all_shown, labels)?;
            token.reader = self.reader(slot);
            self.known.insert(slot, token.clone());
        }
        Ok(token)
    }

    /// What the module calls a slot.
    fn reader(&self, slot: Slot) -> String {
        let told = self.context.get_slot_info(slot);
        told.map(|slot| text::of(slot.slot_description().as_bytes(), self.quirks.labels)).unwrap_or_default()
    }

    fn login(&mut self, token: &str, pin: Option<Pin>) -> Answer {
        let slot = self.slot(token)?;
        let info = self.token_info(slot).map_err(token_error)?;
        if pin.is_none() {
            must_have_pad(&info)?;
        }
        let was_locked = self.is_locked(slot, &info);
        let session = self.session(slot)?;
        // A PIN is proven by a login; an earlier one would let any PIN pass.
        leave(session)?;
        match log_in(session, UserType::User, pin.as_ref()) {
            Ok(()) => {
                self.unblocked.remove(&slot);
                Ok(Reply::Done)
            }
            Err(error) => Err(self.refused(slot, was_locked, error)),
        }
    }

    /// Whether the flags say that the user's PIN is locked, and may be believed.
    fn is_locked(&self, slot: Slot, info: &cryptoki::slot::TokenInfo) -> bool {
        info.user_pin_locked() && !self.unblocked.contains(&slot)
    }

    /// What the flags say of the user's tries, as far as they may be believed.
    fn tries(&self, slot: Slot, info: &cryptoki::slot::TokenInfo) -> PinTries {
        match tries(info) {
            PinTries::Locked if self.unblocked.contains(&slot) => PinTries::Unknown,
            told => told,
        }
    }

    /// What an answer to the user's PIN means. `was_locked`: the flags said so before it was asked.
    fn refused(&mut self, slot: Slot, was_locked: bool, error: Error) -> TokenError {
        match error {
            Error::Pkcs11(RvError::PinIncorrect, _) if was_locked => TokenError::PinLocked,
            Error::Pkcs11(RvError::PinIncorrect, _) => {
                let tries = self.token_info(slot).map_or(PinTries::Unknown, |info| self.tries(slot, &info));
                TokenError::PinIncorrect { tries }
            }
            error => {
                // Now it says so itself.
                if matches!(error, Error::Pkcs11(RvError::PinLocked, _)) {
                    self.unblocked.remove(&slot);
                }
                self.noticed(slot, token_error(error))
            }
        }
    }

    /// Where a token sits that is to get a new PIN, and what it says of itself. What it would refuse anyhow is told before
    /// it is asked: a PIN would be tried for nothing.
    fn about_to_set(
        &mut self,
        token: &str,
        pins: Option<&(Pin, Pin)>,
    ) -> Result<(Slot, cryptoki::slot::TokenInfo), TokenError> {
        let slot = self.slot(token)?;
        let info = self.token_info(slot).map_err(token_error)?;
        match pins {
            None => must_have_pad(&info)?,
            Some((_, new)) if !takes_length(&info, new) => return Err(TokenError::NewPinLength),
            Some(_) => {}
        }
        Ok((slot, info))
    }

    /// `pins`: the old and the new one, or both typed on the pad.
    fn change_pin(&mut self, token: &str, pins: Option<(Pin, Pin)>) -> Answer {
        let (slot, info) = self.about_to_set(token, pins.as_ref())?;
        let was_locked = self.is_locked(slot, &info);
        self.session(slot)?;
        let Some(session) = self.sessions.get(&slot) else { return Err(TokenError::NoToken) };
        leave(session)?;
        let set = || self.functions.set_pin(session, pins.as_ref().map(|(old, new)| (old, new)));
        let set_logged_in = || {
            log_in(session, UserType::User, pins.as_ref().map(|(old, _)| old))?;
            let outcome = set();
            // The next act asks for the new PIN; where this fails the session is left, which logs out too.
            if session.logout().is_err() {
                eprintln!("no logout after the PIN was changed");
            }
            outcome
        };
        let outcome = match &pins {
            // Such a module would try the old PIN as something else.
            _ if self.quirks.change_logged_in || self.quirks.unblock == Unblock::Puk => set_logged_in(),
            // Some want a login before they look at any PIN: none was tried yet.
            Some(_) => match set() {
                Err(Error::Pkcs11(RvError::UserNotLoggedIn, _)) => set_logged_in(),
                outcome => outcome,
            },
            None => set(),
        };
        match outcome {
            Ok(()) => {
                self.unblocked.remove(&slot);
                Ok(Reply::Done)
            }
            // Of the old PIN some tokens say this too.
            Err(Error::Pkcs11(RvError::PinLenRange, _))
                if pins.as_ref().is_some_and(|(old, _)| !takes_length(&info, old)) =>
            {
                Err(TokenError::PinLength)
            }
            Err(error) => Err(match new_pin_refused(&error) {
                Some(refused) => refused,
                None => self.refused(slot, was_locked, error),
            }),
        }
    }

    /// `pins`: that of the security officer and the user's new one, or both typed on the pad.
    fn unblock(&mut self, token: &str, pins: Option<(Pin, Pin)>) -> Answer {
        let (slot, info) = self.about_to_set(token, pins.as_ref())?;
        let was_locked = info.so_pin_locked();
        self.session(slot)?;
        let Some(session) = self.sessions.get(&slot) else { return Err(TokenError::NoToken) };
        leave(session)?;
        if self.quirks.unblock == Unblock::Puk {
            return match self.functions.set_pin(session, pins.as_ref().map(|(puk, new)| (puk, new))) {
                // The flags tell of the security officer's PIN, and nothing of a PUK.
                Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                    Err(TokenError::SoPinIncorrect { tries: PinTries::Unknown })
                }
                Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(TokenError::SoPinLocked),
                outcome => self.set_anew(slot, outcome, "unblocking by the PUK"),
            };
        }
        match log_in(session, UserType::So, pins.as_ref().map(|(so_pin, _)| so_pin)) {
            Ok(()) => {}
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) if was_locked => return Err(TokenError::SoPinLocked),
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                let tries = self.token_info(slot).map_or(PinTries::Unknown, |info| so_tries(&info));
                return Err(TokenError::SoPinIncorrect { tries });
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => return Err(TokenError::SoPinLocked),
            Err(Error::Pkcs11(RvError::UserTypeInvalid | RvError::FunctionNotSupported, _)) => {
                return Err(TokenError::Unsupported { what: "unblocking by the security officer".into() });
            }
            Err(Error::Pkcs11(RvError::SessionReadOnlyExists, _)) => return Err(TokenError::WriteProtected),
            Err(error) => return Err(self.noticed(slot, token_error(error))),
        }
        let outcome = self.functions.init_pin(session, pins.as_ref().map(|(_, new)| new));
        // Nobody stays the security officer, whatever came of it: a session that cannot be logged out is given up.
        let left = session.logout();
        if left.is_err() {
            self.sessions.remove(&slot);
        }
        self.set_anew(slot, outcome, "unblocking by the security officer")
    }

    /// What came of setting a PIN by `way`, which the token may not have.
    fn set_anew(&mut self, slot: Slot, outcome: Result<(), Error>, way: &str) -> Answer {
        match outcome {
            Ok(()) => {
                self.unblocked.insert(slot);
                Ok(Reply::Done)
            }
            Err(error) => Err(match new_pin_refused(&error) {
                Some(refused) => refused,
                None => self.noticed(slot, crate::failure::unable(way)(error)),
            }),
        }
    }

    /// `again`: the PIN for a key that wants it for each signature, `Some(None)` where it is typed on the pad.
    fn sign(&mut self, what: ToSign, again: Option<Option<Pin>>) -> Answer {
        let slot = self.slot(&what.token)?;
        let info = self.token_info(slot).map_err(token_error)?;
        if matches!(again, Some(None)) {
            must_have_pad(&info)?;
        }
        let functions = &self.functions;
        let keys = Keys { session: self.sessions.get(&slot).ok_or(TokenError::NotLoggedIn)?, quirks: &self.quirks };
        let outcome = match is_logged_in(keys.session) {
            Ok(true) => keys.sign(functions, &what, again.as_ref().map(Option::as_ref)),
            Ok(false) => return Err(TokenError::NotLoggedIn),
            Err(error) => Err(keys::Refusal::Token(error)),
        };
        match outcome {
            Ok(signature) => Ok(Reply::Signature(signature)),
            Err(keys::Refusal::Token(error)) => Err(self.noticed(slot, error)),
            Err(keys::Refusal::Pin(error)) => Err(self.refused(slot, self.is_locked(slot, &info), error)),
        }
    }

    fn objects(&mut self, token: &str) -> Answer {
        let slot = self.slot(token)?;
        let labels = self.quirks.labels;
        match objects::all(self.session(slot)?, labels) {
            Ok(objects) => Ok(Reply::Objects(objects)),
            Err(error) => Err(self.noticed(slot, error)),
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
        act: impl FnOnce(&Keys<'_>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let slot = self.slot(token)?;
        let keys = Keys { session: self.sessions.get(&slot).ok_or(TokenError::NotLoggedIn)?, quirks: &self.quirks };
        let outcome = match is_logged_in(keys.session) {
            Ok(true) => act(&keys),
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

fn log_in(session: &Session, user: UserType, pin: Option<&Pin>) -> Result<(), Error> {
    match pin {
        // `RawAuthPin` wipes its copy.
        Some(pin) => session.login_with_raw(user, &RawAuthPin::new(Box::new(pin.expose().to_vec()))),
        None => session.login(user, None),
    }
}

/// Logs out whoever is logged in.
fn leave(session: &Session) -> Result<(), TokenError> {
    let state = session.get_session_info().map_err(token_error)?.session_state();
    match state {
        SessionState::RoPublic | SessionState::RwPublic => Ok(()),
        _ => session.logout().map_err(token_error),
    }
}

/// Asking for the pad of a token without one crashes some modules.
fn must_have_pad(info: &cryptoki::slot::TokenInfo) -> Result<(), TokenError> {
    if info.protected_authentication_path() {
        return Ok(());
    }
    Err(TokenError::Unsupported { what: "a PIN pad".into() })
}

/// Whether a PIN is within what the token states. 0 as its most stands for no limit.
fn takes_length(info: &cryptoki::slot::TokenInfo, pin: &Pin) -> bool {
    let (least, most) = (info.min_pin_length(), info.max_pin_length());
    let length = pin.expose().len();
    length >= least && (most == 0 || length <= most)
}

/// What is said of a PIN that is to be, by a call that sets one.
fn new_pin_refused(error: &Error) -> Option<TokenError> {
    match error {
        Error::Pkcs11(RvError::PinLenRange, _) => Some(TokenError::NewPinLength),
        Error::Pkcs11(RvError::PinInvalid | RvError::PinTooWeak, _) => Some(TokenError::NewPinRefused),
        _ => None,
    }
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

fn so_tries(info: &cryptoki::slot::TokenInfo) -> PinTries {
    if info.so_pin_locked() {
        PinTries::Locked
    } else if info.so_pin_final_try() {
        PinTries::Last
    } else if info.so_pin_count_low() {
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
fn put_certificate(keys: &Keys<'_>, key_id: &[u8], der: &[u8], label: &str) -> Result<(), TokenError> {
    let session = keys.session;
    let key_bits = keys.public_key_bits(key_id)?;
    let fields = der::certificate(der).ok_or(TokenError::CertificateMismatch)?;
    if der::public_key_bits(fields.spki) != Some(&key_bits) {
        return Err(TokenError::CertificateMismatch);
    }
    objects::remove_shells(session)?;
    let mut there: Vec<_> =
        objects::certificates(session)?.into_iter().filter(|certificate| certificate.der == der).collect();
    there.sort_by_key(|certificate| certificate.key_id != key_id);
    let mut there = there.into_iter();
    match there.next() {
        None => objects::create_certificate(session, key_id, der, &fields, label)?,
        Some(first) if first.key_id == key_id => {}
        Some(first) => {
            let id = [Attribute::Id(key_id.to_vec())];
            session.update_attributes(first.handle, &id).map_err(token_error)?;
        }
    }
    // More than one is left where an earlier write was told as failed and was not.
    for copy in there {
        session.destroy_object(copy.handle).map_err(token_error)?;
    }
    Ok(())
}

fn remove_certificate(session: &Session, der: &[u8]) -> Result<(), TokenError> {
    for there in objects::certificates(session)?.into_iter().filter(|there| there.der == der) {
        session.destroy_object(there.handle).map_err(token_error)?;
    }
    Ok(())
}
