//! From what the probes saw to what is found. Pure: the same sight, the same findings.

use certdesk_contract::driver::DriverPackage;
use certdesk_domain::{Timestamp, token::PinTries};
use certdesk_portal::{Line, LineStep};
use certdesk_token::{Card, CardReader, CardServiceError, FoundModule, ModuleFault, ModuleOrigin, TokenError};
use pkcs11_profiles::Profile;
use time::format_description::well_known::Iso8601;

use super::{
    finding::{Examination, FactName, Finding, FindingCode, Level, Probe, Repair},
    machine::{CardService, Computer, Provenance, UsbDevice},
};
use crate::{failure::Failure, keys::Asked, view::KeyView};

/// What was seen so far; `None` where a probe has not answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    pub(crate) keys: Option<KeysSight>,
    pub(crate) usb: Option<Result<Vec<UsbDevice>, String>>,
    pub(crate) card_service: Option<Option<CardService>>,
    pub(crate) readers: Option<Result<Vec<CardReader>, CardServiceError>>,
    pub(crate) service: Option<ServiceSight>,
    /// Drivers that the service has for this computer.
    pub(crate) offers: Option<Vec<DriverPackage>>,
    pub(crate) computer: Option<Computer>,
    /// Probes that ran out of time.
    pub(crate) late: Vec<Probe>,
    /// Repairs that this system has.
    pub(crate) repairs: Vec<Repair>,
}

/// Modules and keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeysSight {
    pub(crate) modules: Vec<Asked>,
    pub(crate) keys: Vec<KeyView>,
    /// What the modules call the slots of the keys.
    pub(crate) slots: Vec<String>,
}

/// The portal service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceSight {
    pub(crate) address: String,
    pub(crate) line: Result<Line, Failure>,
    /// How much this computer's clock is ahead.
    pub(crate) skew: Option<time::Duration>,
}

/// Expiry is worth a word from here on.
const SOON: time::Duration = time::Duration::days(60);

/// More than this makes certificates look expired and logins look late.
const CLOCK_TOLERANCE: time::Duration = time::Duration::minutes(5);

pub(crate) fn judge(sight: &Sight, now: Timestamp) -> Examination {
    let keys = sight.keys.as_ref();
    let usable = keys.is_some_and(|seen| seen.keys.iter().any(|key| is_usable(key, now)));
    let judge = Judge { sight, now, usable, found: Vec::new(), told: Vec::new() };
    let mut findings = judge.all();
    findings.sort_by_key(|finding| (finding.level, finding.code));
    let waiting = Probe::ALL.iter().copied().filter(|probe| sight.waits_for(*probe)).collect();
    Examination { waiting, findings, usable }
}

/// A device or card that profiles know as a key.
pub(crate) struct KnownKey {
    /// The first of them, which names it.
    pub(crate) profile: &'static Profile,
    /// Ids of the profiles of its maker's own drivers.
    pub(crate) own: Vec<&'static str>,
    /// The same, and those of others that drive it too.
    pub(crate) drivers: Vec<&'static str>,
}

impl KnownKey {
    /// What profiles know of a device; `None` where none knows it.
    pub(crate) fn of(device: &UsbDevice) -> Option<Self> {
        Self::by(|profile| profile.usb.contains(&device.numbers))
    }

    /// What profiles know of a card by its answer to reset; `None` where none knows it.
    fn of_card(atr: &[u8]) -> Option<Self> {
        Self::by(|profile| profile.has_atr(atr))
    }

    fn by(is_it: impl Fn(&Profile) -> bool) -> Option<Self> {
        let profiles: Vec<_> = pkcs11_profiles::all().iter().filter(|profile| is_it(profile)).collect();
        let own: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).collect();
        let others = profiles.iter().flat_map(|profile| &profile.driven_by).map(String::as_str);
        let drivers = own.iter().copied().chain(others).collect();
        Some(Self { profile: profiles.first()?, own, drivers })
    }

    /// Whether a module is loaded that drives it.
    pub(crate) fn is_driven_by(&self, module: &FoundModule) -> bool {
        module.fault.is_none() && module.profile.as_deref().is_some_and(|id| self.drivers.contains(&id))
    }
}

impl Sight {
    fn waits_for(&self, probe: Probe) -> bool {
        let answered = match probe {
            Probe::Keys => self.keys.is_some(),
            Probe::Usb => self.usb.is_some(),
            Probe::CardService => self.card_service.is_some(),
            Probe::CardReaders => self.readers.is_some(),
            Probe::Service => self.service.is_some(),
            Probe::Offers => self.offers.is_some(),
            Probe::Computer => self.computer.is_some(),
        };
        !answered && !self.late.contains(&probe)
    }
}

struct Judge<'a> {
    sight: &'a Sight,
    now: Timestamp,
    usable: bool,
    found: Vec<Finding>,
    /// Profiles of what was told of by its USB numbers and is a reader to the smart card service.
    told: Vec<&'static str>,
}

impl Judge<'_> {
    fn all(mut self) -> Vec<Finding> {
        self.keys();
        self.devices();
        self.readers();
        self.modules();
        self.card_service();
        self.service();
        self.computer();
        for probe in &self.sight.late {
            self.find(FindingCode::ProbeLate, Level::Note, |finding| finding.fact(FactName::Probe, name_of(*probe)));
        }
        self.found
    }

    fn find(&mut self, code: FindingCode, level: Level, tell: impl FnOnce(Finding) -> Finding) {
        self.found.push(tell(Finding::new(code, level)));
    }

    /// A problem, unless a key can be used all the same.
    fn in_the_way(&self) -> Level {
        if self.usable { Level::Note } else { Level::Problem }
    }

    /// The repair, where this system has it.
    fn with(&self, finding: Finding, repair: Repair) -> Finding {
        if self.sight.repairs.contains(&repair) { finding.repair(repair) } else { finding }
    }

    fn keys(&mut self) {
        let Some(seen) = &self.sight.keys else { return };
        for key in &seen.keys {
            let about = |finding: Finding| {
                let finding = finding.person(FactName::Label, &key.label).number(FactName::Serial, &key.serial);
                let finding = finding.fact(FactName::Device, format!("{} {}", key.manufacturer, key.model).trim());
                match (&key.holder, key.valid_until) {
                    (Some(holder), Some(until)) => {
                        let finding = finding.person(FactName::Holder, holder).fact(FactName::Until, day(until));
                        finding.fact(FactName::Days, (until - self.now).whole_days())
                    }
                    _ => finding,
                }
            };
            if is_usable(key, self.now) {
                self.found.push(about(Finding::new(FindingCode::KeyReady, Level::Good)));
            }
            let tries = match key.tries {
                _ if !key.ready => Some((FindingCode::KeyNotReady, Level::Problem)),
                PinTries::Locked => Some((FindingCode::KeyLocked, Level::Problem)),
                PinTries::Last => Some((FindingCode::KeyLastTry, Level::Problem)),
                PinTries::Few => Some((FindingCode::KeyFewTries, Level::Note)),
                PinTries::NoWarning | PinTries::Unknown => None,
            };
            if let Some((code, level)) = tries {
                let locks_after = key.pin_advice.and_then(|advice| advice.tries).filter(|_| key.ready);
                self.found.push(about(Finding::new(code, level)).known(FactName::LocksAfter, locks_after));
            }
            let mut note = |code, level| self.found.push(about(Finding::new(code, level)));
            match key.valid_until {
                _ if !key.ready => {}
                None => note(FindingCode::KeyEmpty, Level::Note),
                Some(_) if !key.can_log_in => note(FindingCode::KeyUnfit, Level::Problem),
                Some(until) if until < self.now => note(FindingCode::KeyExpired, Level::Problem),
                Some(until) if until < self.now + SOON => note(FindingCode::KeyEnding, Level::Note),
                Some(_) => {}
            }
        }
        if seen.keys.len() > 1 {
            let count = seen.keys.len();
            self.find(FindingCode::KeySeveral, Level::Note, |finding| finding.fact(FactName::Count, count));
        }
    }

    /// What is plugged in, compared with what the modules show.
    fn devices(&mut self) {
        let Some(Ok(devices)) = &self.sight.usb else { return };
        let Some(seen) = &self.sight.keys else { return };
        // What the smart card service shows of readers says more than that there is one.
        let readers = self.sight.readers.as_ref().and_then(|seen| seen.as_ref().ok()).map_or(0, Vec::len);
        let shown = readers >= devices.iter().filter(|device| device.is_reader).count();
        let mut known = readers > 0;
        for device in devices {
            let Some(key) = KnownKey::of(device) else {
                if device.is_reader && seen.keys.is_empty() && !shown {
                    known = true;
                    self.find(FindingCode::KeyUnknown, Level::Problem, |finding| about_device(finding, device));
                }
                continue;
            };
            known = true;
            if !seen.keys.is_empty() {
                continue;
            }
            let about = |code| about_device(Finding::new(code, Level::Problem), device);
            let finding = if device.allowed == Some(false) && !device.is_reader {
                let finding = self.offered(about(FindingCode::KeyForbidden), &key, &device.numbers);
                Some(self.with(finding, Repair::AllowKeys))
            } else {
                let (missing, unseen) = (about(FindingCode::KeyWithoutDriver), about(FindingCode::KeyUnseen));
                self.unshown(&key, &device.numbers, missing, unseen)
            };
            if device.is_reader {
                self.told.extend(&key.own);
            }
            self.found.extend(finding);
        }
        // A driver that fails is told of itself, and says nothing of keys.
        let works = seen.modules.iter().any(|module| matches!(module.answer, Some(Ok(_))));
        if seen.keys.is_empty() && !known && works {
            self.find(FindingCode::KeyNone, Level::Problem, |finding| finding.repair(Repair::LookAgain));
        }
    }

    /// Of a key that no driver shows: which finding it is, and what can be done. `None` where its driver fails, which is told
    /// of itself.
    fn unshown(&self, key: &KnownKey, usb: &str, missing: Finding, unseen: Finding) -> Option<Finding> {
        let driver = self.driver_of(key);
        let (finding, otherwise) = match driver {
            None => (missing, Repair::RefreshLists),
            Some(driver) if matches!(driver.answer, Some(Ok(_))) => (unseen, Repair::LookAgain),
            Some(_) => return None,
        };
        let finding = self.offered(finding, key, usb).known(FactName::Driver, driver.map(|driver| &driver.found.name));
        Some(if finding.repair.is_some() { finding } else { finding.repair(otherwise) })
    }

    /// The finding with the key's name, and with the driver that the service has for it, where its own is not here.
    fn offered(&self, finding: Finding, key: &KnownKey, usb: &str) -> Finding {
        let finding = finding.word(FactName::Vendor, &key.profile.name, key.profile.name_zh.as_deref());
        let own = |module: &&Asked| module.found.profile.as_deref().is_some_and(|id| key.own.contains(&id));
        let mut offers = self.sight.offers.iter().flatten();
        let offer = match self.driver_of(key).filter(own) {
            Some(_) => None,
            None => offers.find(|offer| offer.serves_token(usb, &key.own)),
        };
        match offer {
            Some(offer) => {
                let repair = Repair::InstallDriver { id: offer.id.clone() };
                finding.word(FactName::Package, &offer.name.en, Some(&offer.name.zh)).repair(repair)
            }
            None => finding,
        }
    }

    fn driver_of(&self, key: &KnownKey) -> Option<&Asked> {
        self.sight.keys.as_ref()?.modules.iter().find(|module| key.is_driven_by(&module.found))
    }

    /// What is in the readers, compared with what the modules show.
    fn readers(&mut self) {
        let Some(Ok(readers)) = &self.sight.readers else { return };
        let Some(seen) = &self.sight.keys else { return };
        let holds = |slot: &&String, reader: &CardReader| {
            !slot.is_empty() && (reader.name.starts_with(slot.as_str()) || slot.starts_with(&reader.name))
        };
        // A module may call its slots as it likes: each key that no reader is named for may be any card.
        let mut nameless = seen.slots.iter().filter(|slot| !readers.iter().any(|it| holds(slot, it))).count();
        let any_card = readers.iter().any(|reader| reader.card != Card::Absent);
        let bad = self.in_the_way();
        for reader in readers {
            let (name, serial) = parted_serial(&reader.name);
            let about = |code, level| {
                let finding = Finding::new(code, level).fact(FactName::Reader, &name);
                match &serial {
                    Some(serial) => finding.number(FactName::Serial, serial),
                    None => finding,
                }
            };
            let finding = match &reader.card {
                Card::Absent => {
                    let reason = seen.keys.is_empty() && !any_card && self.told.is_empty();
                    about(FindingCode::ReaderEmpty, if reason { Level::Problem } else { Level::Good })
                }
                Card::Mute => about(FindingCode::CardMute, bad),
                Card::Present { atr } => {
                    let about = |code, level| about(code, level).fact(FactName::Atr, hex(atr));
                    let key = KnownKey::of_card(atr);
                    let named = seen.slots.iter().any(|slot| holds(&slot, reader));
                    let is_shown = named || nameless > 0;
                    if is_shown && !named {
                        nameless -= 1;
                    }
                    match key {
                        Some(key) if is_shown => {
                            let finding = about(FindingCode::CardKnown, Level::Good);
                            finding.word(FactName::Vendor, &key.profile.name, key.profile.name_zh.as_deref())
                        }
                        None if is_shown => about(FindingCode::CardSeen, Level::Good),
                        // A key that is plugged in as a reader was told of by its USB numbers.
                        Some(key) if key.own.iter().any(|id| self.told.contains(id)) => continue,
                        None if !self.told.is_empty() => continue,
                        Some(key) => {
                            let (missing, unseen) =
                                (about(FindingCode::CardWithoutDriver, bad), about(FindingCode::CardUnseen, bad));
                            match self.unshown(&key, "", missing, unseen) {
                                Some(finding) => finding,
                                None => continue,
                            }
                        }
                        None => about(FindingCode::CardUnknown, bad),
                    }
                }
            };
            self.found.push(finding);
        }
    }

    fn modules(&mut self) {
        let Some(seen) = &self.sight.keys else { return };
        if seen.modules.is_empty() {
            self.find(FindingCode::DriverNone, Level::Problem, |finding| finding.repair(Repair::RefreshLists));
        }
        let bad = self.in_the_way();
        for module in &seen.modules {
            let finding = match (&module.found.fault, &module.answer) {
                (Some(fault), _) => refused(module, fault, bad),
                (None, Some(Ok(count))) => {
                    let said = module.library.as_ref();
                    about_module(module, FindingCode::DriverWorks, Level::Good)
                        .known(FactName::Maker, said.map(|said| &said.manufacturer).filter(|name| !name.is_empty()))
                        .known(FactName::Version, said.map(|said| &said.version))
                        .fact(FactName::Count, count)
                }
                (None, Some(Err(error))) => failed(module, error, bad),
                (None, None) => continue,
            };
            self.found.push(finding);
        }
    }

    fn card_service(&mut self) {
        let state = self.sight.card_service.flatten();
        let Some(Ok(devices)) = &self.sight.usb else { return };
        let Some(seen) = &self.sight.keys else { return };
        // Only readers and keys of that class need it; many keys bring a driver that reaches them by itself. A driver
        // that answers an error may miss it.
        let needed = devices.iter().find(|device| device.is_reader);
        let missed = seen.modules.iter().any(|module| matches!(module.answer, Some(Err(TokenError::Driver { .. }))));
        let level = if needed.is_some() || missed { self.in_the_way() } else { Level::Note };
        let tell = |finding: Finding| finding.known(FactName::Device, needed.map(device_name));
        let about = |code| tell(Finding::new(code, level));
        let stopped = || self.with(about(FindingCode::CardServiceStopped), Repair::StartCardService);
        let missing = |code| self.with(about(code), Repair::InstallCardService);
        // Who asked it knows better than who looked for it.
        let finding = match (&self.sight.readers, state) {
            (Some(Ok(_)), _) => Finding::new(FindingCode::CardServiceRuns, Level::Good),
            (Some(Err(CardServiceError::Forbidden)), _) => about(FindingCode::CardServiceForbidden),
            (Some(Err(CardServiceError::Hung { after })), _) => {
                let finding = about(FindingCode::CardServiceHung).repair(Repair::LookAgain);
                finding.fact(FactName::Cause, format!("{} s", after.as_secs()))
            }
            (Some(Err(error @ CardServiceError::Failed { .. })), _) => {
                about(FindingCode::CardServiceFailed).fact(FactName::Cause, error)
            }
            (Some(Err(CardServiceError::NoLibrary { reason })), state) if state != Some(CardService::Missing) => {
                missing(FindingCode::CardServiceLibrary).fact(FactName::Cause, reason)
            }
            (_, Some(CardService::Missing)) => missing(FindingCode::CardServiceMissing),
            (_, Some(CardService::Stopped)) | (Some(Err(CardServiceError::NotRunning)), _) => stopped(),
            (_, Some(CardService::Forbidden)) => about(FindingCode::CardServiceForbidden),
            (_, Some(CardService::Runs)) => Finding::new(FindingCode::CardServiceRuns, Level::Good),
            (_, None) => return,
        };
        self.found.push(finding);
    }

    fn service(&mut self) {
        let Some(seen) = &self.sight.service else { return };
        let line = match &seen.line {
            Ok(line) => line,
            Err(failure) => {
                let cause = failure.detail.clone();
                return self.find(FindingCode::ServiceUnset, Level::Problem, |finding| {
                    finding.fact(FactName::Address, &seen.address).known(FactName::Cause, cause)
                });
            }
        };
        let tell = |finding: Finding| {
            finding.fact(FactName::Address, &seen.address).known(FactName::Proxy, line.proxy.as_ref())
        };
        match &line.answer {
            Ok(time) => self.find(FindingCode::ServiceAnswers, Level::Good, |finding| {
                tell(finding).fact(FactName::Milliseconds, time.as_millis())
            }),
            Err((step, cause)) => {
                let (code, fact) = match step {
                    LineStep::Name => (FindingCode::ServiceName, FactName::Cause),
                    LineStep::Connect => (FindingCode::ServiceConnect, FactName::Cause),
                    LineStep::Proxy => (FindingCode::ServiceProxy, FactName::Cause),
                    LineStep::Network => (FindingCode::ServiceNetworkLogin, FactName::Cause),
                    LineStep::Tls => (FindingCode::ServiceTls, FactName::Cause),
                    LineStep::Inspection => (FindingCode::ServiceReplaced, FactName::Issuer),
                    LineStep::Certificate => (FindingCode::ServiceUntrusted, FactName::Cause),
                    LineStep::Clock => (FindingCode::ClockWrong, FactName::Minutes),
                    LineStep::Answer => (FindingCode::ServiceAnswer, FactName::Cause),
                };
                self.find(code, Level::Problem, |finding| tell(finding).fact(fact, cause));
            }
        }
        match seen.skew {
            Some(skew) if skew.abs() > CLOCK_TOLERANCE => {
                let minutes = skew.whole_minutes();
                self.find(FindingCode::ClockWrong, Level::Problem, |finding| finding.fact(FactName::Minutes, minutes));
            }
            Some(_) => self.find(FindingCode::ClockRight, Level::Good, |finding| finding),
            None => {}
        }
    }

    fn computer(&mut self) {
        let Some(computer) = &self.sight.computer else { return };
        self.find(FindingCode::Computer, Level::Good, |finding| {
            finding
                .fact(FactName::System, &computer.system)
                .known(FactName::SystemVersion, computer.version.as_ref())
                .fact(FactName::Machine, std::env::consts::ARCH)
                .fact(FactName::Program, env!("CARGO_PKG_VERSION"))
                .known(FactName::WebView, computer.web_view.as_ref())
        });
        if computer.web_view.is_none() {
            self.find(FindingCode::WebViewMissing, Level::Note, |finding| finding);
        }
        // Where a key is seen, it got through.
        let unseen = self.sight.keys.as_ref().is_some_and(|seen| seen.keys.is_empty());
        if let Some(kind) = &computer.remote {
            let level = if unseen { Level::Problem } else { Level::Note };
            self.find(FindingCode::RemoteSession, level, |finding| finding.fact(FactName::Kind, kind));
        }
        if let Some(kind) = &computer.virtual_machine {
            self.find(FindingCode::VirtualMachine, Level::Note, |finding| finding.fact(FactName::Kind, kind));
        }
        if !computer.security.is_empty() {
            let products = computer.security.join(", ");
            self.find(FindingCode::SecuritySoftware, Level::Note, |f| f.fact(FactName::Products, products));
        }
    }
}

fn is_usable(key: &KeyView, now: Timestamp) -> bool {
    let in_force = key.valid_until.is_some_and(|until| until >= now);
    key.ready && key.can_log_in && in_force && key.tries != PinTries::Locked
}

fn about_module(module: &Asked, code: FindingCode, level: Level) -> Finding {
    let path = module.found.path.display();
    let finding = Finding::new(code, level).fact(FactName::Driver, &module.found.name).fact(FactName::File, path);
    match &module.provenance {
        Some(Provenance::Signed { by }) => finding.fact(FactName::Signer, by),
        Some(Provenance::Unsigned) => finding.word(FactName::Signer, "nobody", Some("没有签名")),
        Some(Provenance::Broken) => {
            finding.word(FactName::Signer, "broken or not trusted", Some("签名已损坏或不受信任"))
        }
        Some(Provenance::Package { name }) => finding.fact(FactName::Brought, name),
        Some(Provenance::NoPackage) => finding.word(FactName::Brought, "none", Some("不属于任何软件包")),
        None => finding,
    }
}

/// A module that is not loaded.
fn refused(module: &Asked, fault: &ModuleFault, bad: Level) -> Finding {
    match fault {
        ModuleFault::OtherMachine { machine, bits } => {
            let bits = if *bits == 0 { String::new() } else { format!(" ({bits}-bit)") };
            about_module(module, FindingCode::DriverOtherMachine, bad)
                .fact(FactName::Found, format!("{machine}{bits}"))
                .fact(FactName::Needed, std::env::consts::ARCH)
        }
        ModuleFault::MissingLibraries { names } => {
            about_module(module, FindingCode::DriverLacksLibraries, bad).fact(FactName::Libraries, names.join(", "))
        }
        ModuleFault::NotALibrary => about_module(module, FindingCode::DriverUnloadable, bad),
        ModuleFault::NotAModule => {
            about_module(module, FindingCode::DriverUnloadable, bad).fact(FactName::Cause, "C_GetFunctionList")
        }
        ModuleFault::OtherInterface { name } => {
            about_module(module, FindingCode::DriverOtherInterface, bad).fact(FactName::Found, name)
        }
        ModuleFault::Banned => about_module(module, FindingCode::DriverBanned, Level::Note),
        // An entry left behind by a driver that was removed harms nobody.
        ModuleFault::Gone if module.found.origin != ModuleOrigin::Chosen => {
            about_module(module, FindingCode::DriverGone, Level::Note)
        }
        ModuleFault::Gone => about_module(module, FindingCode::DriverGone, bad),
    }
}

/// A module that was loaded, or should have been.
fn failed(module: &Asked, error: &TokenError, bad: Level) -> Finding {
    let about = |code| about_module(module, code, bad);
    match error {
        TokenError::WrongArchitecture { found, needed } => {
            about(FindingCode::DriverOtherMachine).fact(FactName::Found, found).fact(FactName::Needed, needed)
        }
        TokenError::NoSuchModule => about(FindingCode::DriverGone),
        TokenError::CannotLoad { reason } => about(FindingCode::DriverUnloadable).fact(FactName::Cause, reason),
        TokenError::Hung { call, after } => about(FindingCode::DriverHung)
            .fact(FactName::Cause, format!("{call}, {} s", after.as_secs()))
            .repair(Repair::LookAgain),
        TokenError::Crashed => about(FindingCode::DriverCrashed).repair(Repair::LookAgain),
        TokenError::NoHelper { reason } => {
            about_module(module, FindingCode::HelperBroken, Level::Problem).fact(FactName::Cause, reason)
        }
        other => about(FindingCode::DriverFailed).fact(FactName::Cause, other).repair(Repair::LookAgain),
    }
}

fn about_device(finding: Finding, device: &UsbDevice) -> Finding {
    finding
        .fact(FactName::Device, device_name(device))
        .fact(FactName::Usb, &device.numbers)
        .known(FactName::Node, device.node.as_ref().map(|node| node.display().to_string()))
}

/// The name of a reader, and the serial number that some have in parentheses: `Maker K1 (70D7E2EE) 00 00`.
fn parted_serial(name: &str) -> (String, Option<String>) {
    let number = |text: &str| {
        text.len() > 3 && text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let found = name.match_indices('(').find_map(|(at, _)| {
        let (serial, _) = name[at + 1..].split_once(')')?;
        number(serial).then_some((at, serial))
    });
    match found {
        Some((at, serial)) => {
            let rest = &name[at + serial.len() + 2..];
            (format!("{} {}", name[..at].trim_end(), rest.trim_start()).trim_end().to_owned(), Some(serial.to_owned()))
        }
        None => (name.to_owned(), None),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn device_name(device: &UsbDevice) -> String {
    device.name.clone().unwrap_or_else(|| format!("USB {}", device.numbers))
}

fn name_of(probe: Probe) -> String {
    serde_json::to_value(probe).ok().and_then(|value| value.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

fn day(at: Timestamp) -> String {
    at.date().format(&Iso8601::DATE).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = time::macros::datetime!(2026-11-23 08:00 UTC);

    fn codes(sight: &Sight) -> Vec<FindingCode> {
        judge(sight, NOW).findings.into_iter().map(|finding| finding.code).collect()
    }

    fn find(sight: &Sight, code: FindingCode) -> Finding {
        let found = judge(sight, NOW).findings.into_iter().find(|finding| finding.code == code);
        found.unwrap_or_else(|| panic!("{code:?} is not among {:?}", codes(sight)))
    }

    fn key() -> KeyView {
        KeyView {
            id: "1".into(),
            label: "林小满".into(),
            manufacturer: "Feitian".into(),
            model: "ePass2003".into(),
            serial: "2611230042".into(),
            holder: Some("福州云帆测试科技有限公司".into()),
            valid_until: Some(NOW + time::Duration::days(300)),
            can_log_in: true,
            tries: PinTries::NoWarning,
            so_tries: PinTries::NoWarning,
            pin_must_change: false,
            pin_pad: false,
            ready: true,
            pin_length: (6, 16),
            pin_advice: None,
        }
    }

    fn found(profile: &str, fault: Option<ModuleFault>) -> FoundModule {
        FoundModule {
            path: "/usr/lib/libcastle.so.1.0.0".into(),
            name: "Feitian ePass2003".into(),
            profile: Some(profile.into()),
            origin: ModuleOrigin::Profile,
            helper: None,
            fault,
        }
    }

    fn module(profile: &str, answer: Result<usize, TokenError>) -> Asked {
        Asked { found: found(profile, None), answer: Some(answer), library: None, provenance: None }
    }

    fn unusable(fault: ModuleFault) -> Asked {
        Asked { found: found("haitai", Some(fault)), answer: None, library: None, provenance: None }
    }

    fn device(numbers: &str, is_reader: bool) -> UsbDevice {
        UsbDevice { numbers: numbers.into(), name: None, is_reader, node: None, allowed: Some(true) }
    }

    /// What was seen of keys and USB; nothing of the rest.
    fn sight(modules: Vec<Asked>, keys: Vec<KeyView>, devices: Vec<UsbDevice>) -> Sight {
        let slots = keys.iter().map(|_| String::new()).collect();
        Sight { keys: Some(KeysSight { modules, keys, slots }), usb: Some(Ok(devices)), ..Sight::default() }
    }

    #[test]
    fn a_key_that_can_be_used_is_said_to_be() {
        let seen = sight(vec![module("feitian-epass2003", Ok(1))], vec![key()], vec![device("096e:0807", true)]);
        assert!(judge(&seen, NOW).usable, "certificate in force, PIN not locked");
        assert_eq!(codes(&seen), [FindingCode::KeyReady, FindingCode::DriverWorks], "and nothing is wrong");
    }

    #[test]
    fn each_state_of_a_key_has_its_finding() {
        let with = |change: fn(&mut KeyView)| {
            let mut key = key();
            change(&mut key);
            sight(vec![module("feitian-epass2003", Ok(1))], vec![key], Vec::new())
        };
        type Change = fn(&mut KeyView);
        let cases: [(Change, FindingCode, bool); 7] = [
            (|key| key.tries = PinTries::Locked, FindingCode::KeyLocked, false),
            (|key| key.tries = PinTries::Last, FindingCode::KeyLastTry, true),
            (|key| key.tries = PinTries::Few, FindingCode::KeyFewTries, true),
            (|key| key.ready = false, FindingCode::KeyNotReady, false),
            (|key| (key.valid_until, key.holder, key.can_log_in) = (None, None, false), FindingCode::KeyEmpty, false),
            (|key| key.valid_until = Some(NOW - time::Duration::days(1)), FindingCode::KeyExpired, false),
            (|key| key.valid_until = Some(NOW + time::Duration::days(9)), FindingCode::KeyEnding, true),
        ];
        for (change, code, usable) in cases {
            let seen = with(change);
            find(&seen, code);
            assert_eq!(judge(&seen, NOW).usable, usable, "{code:?}");
        }
    }

    #[test]
    fn a_key_without_its_driver_is_named_and_offered_what_the_service_has() {
        let mut seen = sight(Vec::new(), Vec::new(), vec![device("096e:0807", true)]);
        let lonely = find(&seen, FindingCode::KeyWithoutDriver);
        assert_eq!(lonely.repair, Some(Repair::RefreshLists), "nothing is offered: the list may be old");
        assert!(lonely.facts.iter().any(|fact| fact.zh.as_deref() == Some("飞天诚信 ePass2003")), "its maker is named");
        let text = certdesk_contract::catalogue::Text { zh: "飞天驱动".into(), en: "ePass driver".into() };
        let offer = |token: &str| DriverPackage {
            id: "epass".into(),
            name: text.clone(),
            serves: text.clone(),
            publisher: "Feitian".into(),
            version: "1".into(),
            os: certdesk_contract::driver::DriverOs::LinuxDeb,
            architectures: Vec::new(),
            file_name: "epass_1_all.deb".into(),
            bytes: 1,
            sha256: "00".repeat(32),
            tokens: vec![token.into()],
            signer: None,
            silent: Vec::new(),
        };
        for serves in ["096e:0807", "feitian-epass2003"] {
            seen.offers = Some(vec![offer(serves)]);
            let offered = find(&seen, FindingCode::KeyWithoutDriver).repair;
            assert_eq!(offered, Some(Repair::InstallDriver { id: "epass".into() }), "matched by {serves}");
        }
        seen.offers = Some(vec![offer("1234:5678")]);
        let other = find(&seen, FindingCode::KeyWithoutDriver).repair;
        assert_eq!(other, Some(Repair::RefreshLists), "another key's driver is not offered");
    }

    #[test]
    fn a_driver_that_does_not_see_its_key_is_the_reason() {
        let seen = sight(vec![module("feitian-epass2003", Ok(0))], Vec::new(), vec![device("096e:0807", true)]);
        assert_eq!(find(&seen, FindingCode::KeyUnseen).repair, Some(Repair::LookAgain));
        let other = sight(vec![module("yubico", Ok(0))], Vec::new(), vec![device("096e:0807", true)]);
        find(&other, FindingCode::KeyWithoutDriver);
        let shared = sight(vec![module("opensc", Ok(0))], Vec::new(), vec![device("096e:0807", true)]);
        find(&shared, FindingCode::KeyUnseen);
    }

    #[test]
    fn a_device_that_may_not_be_reached_is_the_reason_only_where_the_driver_reaches_it_by_itself() {
        let forbidden = |is_reader| UsbDevice { allowed: Some(false), ..device("055c:e618", is_reader) };
        let mut seen = sight(vec![module("longmai-gm3000", Ok(0))], Vec::new(), vec![forbidden(false)]);
        assert_eq!(find(&seen, FindingCode::KeyForbidden).repair, None, "no repair where the system has none");
        seen.repairs = vec![Repair::AllowKeys];
        assert_eq!(find(&seen, FindingCode::KeyForbidden).repair, Some(Repair::AllowKeys));
        seen.usb = Some(Ok(vec![forbidden(true)]));
        assert!(!codes(&seen).contains(&FindingCode::KeyForbidden), "a reader is reached by the smart card service");
    }

    fn reader(name: &str, card: Card) -> CardReader {
        CardReader { name: name.into(), card }
    }

    /// A YubiKey 4 by its answer to reset.
    fn known_card() -> Card {
        let atr = pkcs11_profiles::by_id("yubico").unwrap().atr.last().unwrap();
        let byte = |at| u8::from_str_radix(&atr[at..at + 2], 16).unwrap();
        Card::Present { atr: (0..atr.len()).step_by(2).map(byte).collect() }
    }

    fn unknown_card() -> Card {
        Card::Present { atr: vec![0x3b, 0x00] }
    }

    fn with_readers(seen: Sight, readers: Vec<CardReader>) -> Sight {
        Sight { readers: Some(Ok(readers)), ..seen }
    }

    #[test]
    fn a_card_that_no_driver_shows_is_named_by_its_answer() {
        let alone = |card| {
            let seen = sight(vec![module("haitai", Ok(0))], Vec::new(), vec![device("058f:9540", true)]);
            with_readers(seen, vec![reader("Alcor Micro AU9540 00 00", card)])
        };
        let missing = find(&alone(known_card()), FindingCode::CardWithoutDriver);
        assert_eq!((missing.level, missing.repair), (Level::Problem, Some(Repair::RefreshLists)));
        assert!(missing.facts.iter().any(|fact| fact.name == FactName::Vendor && fact.value == "YubiKey (PIV)"));
        let seen = alone(unknown_card());
        let unknown = find(&seen, FindingCode::CardUnknown);
        assert!(unknown.facts.iter().any(|fact| fact.name == FactName::Atr && fact.value == "3b00"));
        for said in [FindingCode::KeyNone, FindingCode::KeyUnknown] {
            assert!(!codes(&seen).contains(&said), "{said:?} would say less than is known");
        }
        find(&alone(Card::Mute), FindingCode::CardMute);
        assert_eq!(
            find(&alone(Card::Absent), FindingCode::ReaderEmpty).level,
            Level::Problem,
            "it may be all there is"
        );
        let mut driven = alone(known_card());
        driven.keys = sight(vec![module("opensc", Ok(0))], Vec::new(), Vec::new()).keys;
        assert_eq!(
            find(&driven, FindingCode::CardUnseen).repair,
            Some(Repair::LookAgain),
            "its driver does not show it"
        );
    }

    #[test]
    fn a_card_that_a_driver_shows_is_well_and_another_beside_it_is_not() {
        let name = "Yubico YubiKey CCID 00 00";
        let mut seen = sight(vec![module("opensc", Ok(1))], vec![key()], Vec::new());
        seen.keys.as_mut().unwrap().slots = vec![name.into()];
        let one = with_readers(seen.clone(), vec![reader(name, known_card())]);
        assert_eq!(find(&one, FindingCode::CardKnown).level, Level::Good);
        let two = with_readers(seen.clone(), vec![reader(name, known_card()), reader("Other 01 00", unknown_card())]);
        assert_eq!(find(&two, FindingCode::CardUnknown).level, Level::Note, "a key can be used all the same");
        let empty = with_readers(seen.clone(), vec![reader(name, known_card()), reader("Other 01 00", Card::Absent)]);
        assert_eq!(find(&empty, FindingCode::ReaderEmpty).level, Level::Good, "a reader may be empty");
        // A driver that calls its slots otherwise: the card is taken for its key.
        seen.keys.as_mut().unwrap().slots = vec!["slot 0".into()];
        find(&with_readers(seen, vec![reader(name, unknown_card())]), FindingCode::CardSeen);
    }

    #[test]
    fn a_key_that_is_a_reader_too_is_told_of_once() {
        let lonely = sight(Vec::new(), Vec::new(), vec![device("096e:0807", true)]);
        for card in [unknown_card(), known_card()] {
            let seen = with_readers(lonely.clone(), vec![reader("Feitian ePass2003 00 00", card.clone())]);
            let told = codes(&seen);
            assert!(told.contains(&FindingCode::KeyWithoutDriver), "{told:?}");
            let again = told.contains(&FindingCode::CardUnknown);
            assert!(!again, "the same once more: {told:?}");
        }
    }

    #[test]
    fn why_the_readers_are_not_known_is_told() {
        let asked = |state, error| {
            let mut seen = sight(vec![module("opensc", Ok(0))], Vec::new(), vec![device("058f:9540", true)]);
            seen.repairs = vec![Repair::StartCardService, Repair::InstallCardService];
            seen.card_service = Some(state);
            seen.readers = Some(Err(error));
            seen
        };
        let (none, hung) = (CardServiceError::NotRunning, CardServiceError::Hung { after: Duration::from_secs(5) });
        let library = CardServiceError::NoLibrary { reason: "libpcsclite.so.1".into() };
        let failed = CardServiceError::Failed { call: "SCardListReaders".into(), code: "0x8010001F".into() };
        let cases = [
            (Some(CardService::Stopped), none.clone(), FindingCode::CardServiceStopped, Some(Repair::StartCardService)),
            (Some(CardService::Runs), none.clone(), FindingCode::CardServiceStopped, Some(Repair::StartCardService)),
            (Some(CardService::Missing), none, FindingCode::CardServiceMissing, Some(Repair::InstallCardService)),
            (Some(CardService::Runs), hung, FindingCode::CardServiceHung, Some(Repair::LookAgain)),
            (
                Some(CardService::Missing),
                library.clone(),
                FindingCode::CardServiceMissing,
                Some(Repair::InstallCardService),
            ),
            (Some(CardService::Stopped), library, FindingCode::CardServiceLibrary, Some(Repair::InstallCardService)),
            (None, CardServiceError::Forbidden, FindingCode::CardServiceForbidden, None),
            (Some(CardService::Runs), failed, FindingCode::CardServiceFailed, None),
        ];
        for (state, error, code, repair) in cases {
            let found = find(&asked(state, error.clone()), code);
            assert_eq!((found.level, found.repair), (Level::Problem, repair), "{state:?}, {error:?}");
        }
        let answered =
            Sight { readers: Some(Ok(Vec::new())), ..asked(Some(CardService::Stopped), CardServiceError::NotRunning) };
        find(&answered, FindingCode::CardServiceRuns);
    }

    #[test]
    fn a_readers_serial_number_is_a_fact_of_its_own() {
        let parted = |name| parted_serial(name);
        assert_eq!(parted("Maker K1 (70D7E2EE) 00 00"), ("Maker K1 00 00".into(), Some("70D7E2EE".into())));
        assert_eq!(parted("Maker [CCID Interface] (0042133) 01 00").1.as_deref(), Some("0042133"));
        for name in ["Maker K1 00 00", "Maker (PC Twin) 00 00", "Maker (1) 00 00", "Maker (0042"] {
            assert_eq!(parted(name), (name.into(), None));
        }
    }

    #[test]
    fn after_how_many_tries_such_keys_lock_is_told_beside_the_warning() {
        let advice =
            crate::view::PinAdvice { min: 6, max: 8, characters: crate::view::PinCharacters::Digits, tries: Some(3) };
        let few = KeyView { tries: PinTries::Few, pin_advice: Some(advice), ..key() };
        let found = find(&sight(Vec::new(), vec![few], Vec::new()), FindingCode::KeyFewTries);
        assert!(found.facts.iter().any(|fact| fact.name == FactName::LocksAfter && fact.value == "3"));
    }

    #[test]
    fn the_smart_card_service_is_a_problem_where_a_reader_needs_it() {
        let mut seen = sight(vec![module("opensc", Ok(0))], Vec::new(), vec![device("096e:0807", true)]);
        seen.card_service = Some(Some(CardService::Stopped));
        seen.repairs = vec![Repair::StartCardService];
        let stopped = find(&seen, FindingCode::CardServiceStopped);
        assert_eq!((stopped.level, stopped.repair), (Level::Problem, Some(Repair::StartCardService)));
        seen.usb = Some(Ok(Vec::new()));
        assert_eq!(find(&seen, FindingCode::CardServiceStopped).level, Level::Note, "no reader, no need");
        let error = TokenError::Driver { call: "C_GetSlotList".into(), code: "CKR_DEVICE_ERROR".into() };
        seen.keys = sight(vec![module("yubico", Err(error))], Vec::new(), Vec::new()).keys;
        assert_eq!(find(&seen, FindingCode::CardServiceStopped).level, Level::Problem, "the driver may miss it");
    }

    #[test]
    fn a_bad_driver_stands_in_the_way_only_where_no_key_can_be_used() {
        let failures = [
            (TokenError::Hung { call: "list".into(), after: Duration::from_secs(5) }, FindingCode::DriverHung),
            (TokenError::Crashed, FindingCode::DriverCrashed),
            (
                TokenError::WrongArchitecture { found: "Linux x86 (32-bit)".into(), needed: "Linux x86-64".into() },
                FindingCode::DriverOtherMachine,
            ),
            (TokenError::NoSuchModule, FindingCode::DriverGone),
        ];
        for (failure, code) in failures {
            let alone = sight(vec![module("haitai", Err(failure.clone()))], Vec::new(), Vec::new());
            assert_eq!(find(&alone, code).level, Level::Problem, "{code:?}");
            assert!(!codes(&alone).contains(&FindingCode::KeyNone), "{code:?}: nobody looked for a key");
            let beside = sight(vec![module("haitai", Err(failure)), module("opensc", Ok(1))], vec![key()], Vec::new());
            assert_eq!(find(&beside, code).level, Level::Note, "{code:?}, but there is a key");
        }
        let left = sight(vec![unusable(ModuleFault::Gone)], Vec::new(), Vec::new());
        assert_eq!(find(&left, FindingCode::DriverGone).level, Level::Note, "an entry left behind harms nobody");
    }

    #[test]
    fn the_step_that_fails_on_the_way_to_the_service_is_named() {
        let service = |answer, skew| Sight {
            service: Some(ServiceSight {
                address: "https://ca.example".into(),
                line: Ok(Line { proxy: None, answer }),
                skew,
            }),
            ..Sight::default()
        };
        let steps = [
            (LineStep::Name, FindingCode::ServiceName),
            (LineStep::Connect, FindingCode::ServiceConnect),
            (LineStep::Proxy, FindingCode::ServiceProxy),
            (LineStep::Tls, FindingCode::ServiceTls),
            (LineStep::Network, FindingCode::ServiceNetworkLogin),
            (LineStep::Certificate, FindingCode::ServiceUntrusted),
            (LineStep::Inspection, FindingCode::ServiceReplaced),
            (LineStep::Clock, FindingCode::ClockWrong),
            (LineStep::Answer, FindingCode::ServiceAnswer),
        ];
        for (step, code) in steps {
            assert_eq!(codes(&service(Err((step, "x".into())), None)), [code]);
        }
        let answered = |skew| service(Ok(Duration::from_millis(20)), Some(skew));
        find(&answered(time::Duration::seconds(-20)), FindingCode::ClockRight);
        find(&answered(time::Duration::hours(-8)), FindingCode::ClockWrong);
    }

    #[test]
    fn a_remote_session_is_the_reason_where_no_key_is_seen() {
        let computer = Computer { remote: Some("Remote Desktop".into()), ..Computer::default() };
        let with =
            |keys| Sight { computer: Some(computer.clone()), ..sight(vec![module("opensc", Ok(0))], keys, Vec::new()) };
        assert_eq!(find(&with(Vec::new()), FindingCode::RemoteSession).level, Level::Problem);
        assert_eq!(find(&with(vec![key()]), FindingCode::RemoteSession).level, Level::Note, "the key came through");
    }

    #[test]
    fn what_is_waited_for_is_told_and_what_was_late_is_not_waited_for() {
        let mut seen = sight(Vec::new(), Vec::new(), Vec::new());
        seen.late = vec![Probe::Service];
        let examination = judge(&seen, NOW);
        assert_eq!(examination.waiting, [Probe::CardService, Probe::CardReaders, Probe::Offers, Probe::Computer]);
        find(&seen, FindingCode::ProbeLate);
        assert_eq!(examination.findings[0].level, Level::Problem, "problems come first");
    }
}
