//! The keys: which drivers show them, logging in to them, and logging in at the service with them. When they come and go is
//! `hotplug`'s.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use certdesk_contract::ProblemCode;
use certdesk_domain::Timestamp;
use certdesk_pki::Certificate;
use certdesk_portal::{PortalError, TokenChallenge, TokenProof};
use certdesk_token::{
    FoundModule, HostProgram, LibraryInfo, Module, ModuleFault, ModuleOrigin, Pin, SignatureScheme, TokenCertificate,
    TokenError, TokenInfo, Wishes, discovery,
};
use futures_util::future::join_all;
use tokio::sync::OnceCell;

use crate::{
    Controller, Options,
    certificates::{self, Standing, Standings},
    doctor::machine::Provenance,
    failure::{Failure, LocalCode},
    hotplug::Hotplug,
    modules::Choices,
    pin::KeyPlace,
    predecessor::Place,
    view::{KeyState, KeyView, SessionView},
};

/// How long it takes at most until a driver that was just installed is asked.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

pub(crate) struct Keys {
    host: HostProgram,
    /// Folder for local state.
    data: PathBuf,
    /// Taken before the first helper is started; `None` where that cannot be.
    place: OnceCell<Option<Place>>,
    /// What the start of the program asks for.
    wishes: Wishes,
    /// What a person asks for.
    choices: Mutex<Choices>,
    drivers: tokio::sync::Mutex<Option<(Instant, Arc<Drivers>)>>,
    pub(crate) hotplug: Hotplug,
}

/// The modules of this computer.
pub(crate) struct Drivers {
    /// All that were found.
    found: Vec<FoundModule>,
    /// Those that are asked.
    pub(crate) usable: Vec<Driver>,
}

#[derive(Clone)]
pub(crate) struct Driver {
    pub(crate) file_name: String,
    pub(crate) module: Module,
}

impl Driver {
    /// Whether it is the same file, and treated the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.module.path() == other.module.path() && self.module.quirks() == other.module.quirks()
    }

    /// Whether profiles say of it what they said when it was made.
    fn is_up_to_date(&self) -> bool {
        *self.module.quirks() == pkcs11_profiles::quirks(self.module.path())
    }
}

/// The key of a session by key, and the certificate it logged in with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SessionKey {
    /// `KeyView::id`
    pub(crate) id: String,
    /// DER.
    pub(crate) certificate_der: Vec<u8>,
}

/// One token with the driver that shows it.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) info: TokenInfo,
    pub(crate) module: Module,
}

impl Keys {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            host: HostProgram { path: options.token_host.clone(), environment: options.token_environment.clone() },
            data: options.data.clone(),
            place: OnceCell::new(),
            wishes: Wishes {
                helpers: discovery::helpers(&options.token_host),
                only: options.modules.clone(),
                ..Wishes::default()
            },
            choices: Mutex::default(),
            drivers: tokio::sync::Mutex::default(),
            hotplug: Hotplug::default(),
        }
    }

    /// The helper program.
    pub(crate) fn host(&self) -> &HostProgram {
        &self.host
    }

    /// Logs in to the key: with the PIN that was typed, or by the key's own pad.
    pub(crate) async fn log_in(&self, id: &str, pin: Pin) -> Result<(), TokenError> {
        let seen = self.seen(id)?;
        if seen.info.pin_pad {
            return seen.module.login_by_pin_pad(id).await;
        }
        seen.module.login(id, pin).await
    }

    /// Changes the PIN: `pins` as typed, the old and the new one, or both on the key's own pad.
    pub(crate) async fn change_pin(&self, id: &str, pins: Option<(Pin, Pin)>) -> Result<(), TokenError> {
        let module = self.module(id)?;
        match pins {
            Some((old, new)) => module.change_pin(id, old, new).await,
            None => module.change_pin_by_pin_pad(id).await,
        }
    }

    /// Gives the key a new PIN: `pins` as typed, that of the security officer and the new one, or both on the pad.
    pub(crate) async fn unblock(&self, id: &str, pins: Option<(Pin, Pin)>) -> Result<(), TokenError> {
        let module = self.module(id)?;
        match pins {
            Some((so_pin, new)) => module.unblock(id, so_pin, new).await,
            None => module.unblock_by_pin_pad(id).await,
        }
    }

    /// Signs a digest with a key that wants its PIN for this signature.
    pub(crate) async fn sign_again(
        &self,
        id: &str,
        key_id: &[u8],
        scheme: SignatureScheme,
        digest: Vec<u8>,
        pin: Pin,
    ) -> Result<Vec<u8>, TokenError> {
        let seen = self.seen(id)?;
        if seen.info.pin_pad {
            return seen.module.sign_digest_by_pin_pad(id, key_id, scheme, digest).await;
        }
        seen.module.sign_digest_with_pin(id, key_id, scheme, digest, pin).await
    }

    /// Logs the key out. A key that is gone is logged out.
    pub(crate) async fn log_out(&self, id: &str) {
        let Ok(module) = self.module(id) else { return };
        if let Err(error) = module.logout(id).await {
            tracing::debug!(%error, "logout of the key");
        }
    }

    /// The driver that shows a key.
    pub(crate) fn module(&self, id: &str) -> Result<Module, TokenError> {
        self.seen(id).map(|seen| seen.module)
    }

    /// Modules that show a key another module shows better, once for each such key.
    pub(crate) fn folded(&self) -> Vec<PathBuf> {
        self.hotplug.folded()
    }

    fn seen(&self, id: &str) -> Result<Seen, TokenError> {
        self.hotplug.tokens().into_iter().find(|seen| seen.info.id == id).ok_or(TokenError::NoToken)
    }

    /// All keys as last seen, in a stable order.
    pub(crate) fn tokens(&self) -> Vec<TokenInfo> {
        self.hotplug.tokens().into_iter().map(|seen| seen.info).collect()
    }

    /// Which modules are asked. Looked for again now and then: a driver may be installed while the program runs.
    pub(crate) async fn drivers(&self) -> Arc<Drivers> {
        let mut held = self.drivers.lock().await;
        if let Some((when, drivers)) = held.as_ref()
            && when.elapsed() < LOOK_AGAIN
        {
            return Arc::clone(drivers);
        }
        let place = self.place.get_or_init(|| take_place(self.data.clone())).await.as_ref();
        let wishes = self.wishes();
        let found = tokio::task::spawn_blocking(move || discovery::discover(&wishes)).await.unwrap_or_default();
        let drivers = match held.as_ref() {
            Some((_, drivers)) if drivers.found == found && drivers.usable.iter().all(Driver::is_up_to_date) => {
                Arc::clone(drivers)
            }
            known => Arc::new(self.to_ask(found, known.map(|(_, drivers)| drivers.as_ref()), place)),
        };
        *held = Some((Instant::now(), Arc::clone(&drivers)));
        drivers
    }

    /// What a person wants of modules.
    pub(crate) fn choices(&self) -> Choices {
        self.choices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on; the drivers are looked for anew.
    pub(crate) async fn choose(&self, choices: Choices) {
        *self.choices.lock().unwrap_or_else(PoisonError::into_inner) = choices;
        self.look_again().await;
    }

    /// Looks for drivers at the next question, however lately that was done.
    pub(crate) async fn look_again(&self) {
        if let Some((when, _)) = self.drivers.lock().await.as_mut() {
            *when = Instant::now().checked_sub(LOOK_AGAIN).unwrap_or(*when);
        }
    }

    /// All modules of this computer, used or not.
    pub(crate) async fn found(&self) -> Vec<FoundModule> {
        self.drivers().await.found.clone()
    }

    /// What becomes of a file that is named as a module.
    pub(crate) async fn judge(&self, path: PathBuf) -> Option<FoundModule> {
        let wishes = Wishes { only: vec![path], helpers: self.wishes.helpers.clone(), ..Wishes::default() };
        tokio::task::spawn_blocking(move || discovery::discover(&wishes).pop()).await.ok().flatten()
    }

    fn wishes(&self) -> Wishes {
        let Choices { added, always, never } = self.choices();
        Wishes { added, always, never, ..self.wishes.clone() }
    }

    /// Drivers for what can be loaded; one that is known keeps its helper process, and who is logged in there, unless
    /// another profile speaks of it now.
    fn to_ask(&self, found: Vec<FoundModule>, known: Option<&Drivers>, place: Option<&Place>) -> Drivers {
        let environment: Vec<_> = self.host.environment.iter().cloned().chain(place.map(Place::variable)).collect();
        let sound = found.iter().filter(|module| module.fault.is_none());
        let usable = sound.filter_map(|found| {
            let helper = found.helper.as_ref()?;
            let mut known = known.iter().flat_map(|known| &known.usable).filter(|driver| driver.is_up_to_date());
            Some(known.find(|driver| driver.module.path() == found.path).cloned().unwrap_or_else(|| Driver {
                file_name: file_name(found),
                module: Module::new(
                    HostProgram { path: helper.clone(), environment: environment.clone() },
                    found.path.clone(),
                ),
            }))
        });
        Drivers { usable: usable.collect(), found }
    }
}

async fn take_place(data: PathBuf) -> Option<Place> {
    let taken = tokio::task::spawn_blocking(move || Place::take(&data)).await.ok()?;
    taken.inspect_err(|error| tracing::warn!(%error, "helpers of an earlier start are not waited for")).ok()
}

/// A module of this computer, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) found: FoundModule,
    /// How many keys it shows, or why none; `None` where it is not loaded.
    pub(crate) answer: Option<Result<usize, TokenError>>,
    /// What it says of itself; `None` where it was not asked, or did not say.
    pub(crate) library: Option<LibraryInfo>,
    /// What the system tells of where its file comes from; `None` where it was not asked, or tells nothing.
    pub(crate) provenance: Option<Provenance>,
}

impl Keys {
    /// All modules, with what those that are asked said last.
    pub(crate) async fn asked(&self) -> Vec<Asked> {
        let found = self.found().await;
        let asked = |found: FoundModule| Asked {
            answer: self.hotplug.said(&found.path),
            found,
            library: None,
            provenance: None,
        };
        found.into_iter().map(asked).collect()
    }

    /// Lets the modules that answer say who made them.
    pub(crate) async fn introduce(&self, modules: &mut [Asked]) {
        let drivers = self.drivers().await;
        let answering = modules.iter_mut().filter(|module| matches!(module.answer, Some(Ok(_))));
        let asked = answering.filter_map(|module| {
            let driver = drivers.usable.iter().find(|driver| driver.module.path() == module.found.path)?;
            Some(async { module.library = driver.module.library().await.ok() })
        });
        join_all(asked).await;
    }
}

impl Controller {
    /// Logs in at the service with a key that is logged in itself (design §5.2). Beside the certificate in force there
    /// may be its predecessor, or a successor that was not confirmed yet: where the service refuses one, the next is
    /// tried. That asks the key for a signature, and for no PIN.
    pub(crate) async fn log_in_with_key(&self, id: &str) -> Result<SessionView, Failure> {
        let seen = self.inner.keys.seen(id)?;
        let standings = self.state().standings.clone();
        let candidates = login_certificates(&seen.info, &standings, self.service_now());
        let candidates = candidates.into_iter().filter(|(_, parsed)| logs_in(parsed));
        let mut refused = Failure::new(LocalCode::NoCertificateOnKey);
        for (tried, (held, parsed)) in candidates.take(MOST_CANDIDATES).enumerate() {
            match self.log_in_with_certificate(id, held, &parsed.spki_der).await {
                Err(failure) if is_refusal(&failure) => {
                    self.certificate_was_refused(&held.der).await;
                    refused = if tried == 0 { failure } else { refused };
                }
                other => return other,
            }
        }
        Err(refused)
    }

    async fn log_in_with_certificate(
        &self,
        id: &str,
        certificate: &TokenCertificate,
        spki: &[u8],
    ) -> Result<SessionView, Failure> {
        let scheme = certdesk_pki::key_algorithm(spki)?.scheme();
        let sign = async |challenge: TokenChallenge| -> Result<TokenProof, TokenError> {
            let by = KeyPlace { key: id, key_id: &certificate.key_id, spki };
            let signature = self.sign(by, scheme, &challenge.message(scheme)).await?;
            Ok(TokenProof { certificate_der: certificate.der.clone(), scheme, signature })
        };
        let session = match self.portal()?.log_in_with_token(self.agreement(), sign).await {
            Ok(session) => self.noted(Ok(session))?,
            Err(certdesk_portal::SigningError::Sign(error)) => return Err(error.into()),
            // A refused certificate says nothing about the session that may be there.
            Err(certdesk_portal::SigningError::Portal(PortalError::Problem(problem))) => {
                self.noted(Ok(()))?;
                return self.consented(Err(problem.into())).await;
            }
            Err(certdesk_portal::SigningError::Portal(error)) => return self.noted(Err(error)),
        };
        let key = SessionKey { id: id.to_owned(), certificate_der: certificate.der.clone() };
        self.begin_session(&session, Some(key)).await
    }
}

/// More certificates than a login tries.
const MOST_CANDIDATES: usize = 4;

/// Whether the service refused the certificate, and not the login as such.
fn is_refusal(failure: &Failure) -> bool {
    failure.is_certificate_end() || failure.is_said(ProblemCode::LoginRefused)
}

/// Whether a login by this certificate has a name for how its key signs.
fn logs_in(certificate: &Certificate) -> bool {
    let algorithm = certdesk_pki::key_algorithm(&certificate.spki_der);
    algorithm.is_ok_and(|algorithm| certdesk_pki::web_eid::jwa_name(algorithm.scheme()).is_some())
}

/// The certificates with their private key, read, in the order a login would take them: those that can log in at all, of
/// them those nothing bad is known of, of them those valid now, of them the one valid longest, and of two that end
/// together the newer one. Where none is valid, the one that ended last, so that the strip can say so.
fn login_certificates<'a>(
    info: &'a TokenInfo,
    standings: &Standings,
    now: Timestamp,
) -> Vec<(&'a TokenCertificate, Certificate)> {
    let with_key = info.certificates.iter().filter(|certificate| certificate.has_private_key);
    let parsed = with_key.filter_map(|held| Some((held, Certificate::parse(&held.der).ok()?)));
    let mut ranked: Vec<_> = parsed
        .map(|(held, parsed)| {
            let standing = standings.get(&certificates::sha256(&held.der)).copied().unwrap_or(Standing::Fine);
            let valid = parsed.not_before <= now && now <= parsed.not_after;
            ((logs_in(&parsed), standing, valid, parsed.not_after, parsed.not_before), (held, parsed))
        })
        .collect();
    ranked.sort_by(|(one, _), (other, _)| other.cmp(one));
    ranked.into_iter().map(|(_, certificate)| certificate).collect()
}

pub(crate) fn key_view(Seen { info, module }: &Seen, standings: &Standings, now: Timestamp) -> KeyView {
    let certificate = login_certificates(info, standings, now).into_iter().next().map(|(_, parsed)| parsed);
    KeyView {
        id: info.id.clone(),
        label: info.label.clone(),
        manufacturer: info.manufacturer.clone(),
        model: info.model.clone(),
        serial: info.serial.clone(),
        holder: certificate.as_ref().map(|certificate| certificate.holder.clone()),
        valid_until: certificate.as_ref().map(|certificate| certificate.not_after),
        can_log_in: certificate.as_ref().is_some_and(logs_in),
        tries: info.tries,
        so_tries: info.so_tries,
        pin_must_change: info.pin_must_change,
        pin_pad: info.pin_pad,
        ready: info.initialised && info.user_pin_set,
        pin_length: (info.pin_min, info.pin_max),
        pin_advice: pkcs11_profiles::of_module(module.path()).and_then(|profile| profile.pin).map(Into::into),
    }
}

impl Drivers {
    /// Why there is nothing to ask: a driver that is here and cannot be used, or none. `None` where there is one to ask.
    pub(crate) fn none_to_ask(&self) -> Option<KeyState> {
        if !self.usable.is_empty() {
            return None;
        }
        let reason = |module: &&FoundModule| match &module.fault {
            None | Some(ModuleFault::Banned) => false,
            // An entry left behind by a driver that was removed.
            Some(ModuleFault::Gone) => module.origin == ModuleOrigin::Chosen,
            Some(_) => true,
        };
        let unusable = self.found.iter().find(reason).and_then(|module| {
            Some(KeyState::ModuleUnusable { driver: file_name(module), fault: module.fault.clone()? })
        });
        Some(unusable.unwrap_or(KeyState::NoDriver))
    }
}

fn file_name(module: &FoundModule) -> String {
    module.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
