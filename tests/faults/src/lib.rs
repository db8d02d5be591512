//! The campaign of faults: each act on a key, and in it each call that reaches the module, with each fault that a driver
//! or a key can have there. After each, the same four questions: was it told in the right words, in time; did no PIN go out
//! that nobody typed; was another key not affected; is everything there afterwards, and does the act succeed.
//!
//! Real helper, real SoftHSM behind the faulty module (`tests/faulty-module`), a store of its own for each case.

pub mod disk;
pub mod kills;
pub mod network;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use certdesk_controller::Failure;
use certdesk_token::{Deadlines, HostProgram, KeyAlgorithm, Module, Pin, SignatureScheme, TokenError};
use serde::Serialize;
use softhsm_lab::{FaultyModule, SoftHsm};

const LABEL: &str = "证办通故障锁";
const ANOTHER: &str = "另一把锁";
const PIN: &str = "135790";
const NEW_PIN: &str = "246813";
const NEW_KEY: &str = "new key";

/// The shortest that an act is given: a driver that hangs costs one each time.
const DEADLINE: Duration = Duration::from_millis(1500);
/// What a busy computer may add to a deadline.
const MARGIN: Duration = Duration::from_millis(1500);
/// Every act is given this many times what it takes on this computer, now, where nothing goes wrong.
const TIMES: u32 = 20;
/// Longest that an act takes where nothing goes wrong.
const PATIENCE: Duration = Duration::from_secs(30);
/// Another key is listed by then whatever happens to this one, or within as many times what that takes now.
const BESIDE: Duration = Duration::from_secs(1);

/// What a person does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Look what is plugged in.
    List,
    /// Log in.
    Login,
    /// Sign.
    Sign,
    /// Make a key pair.
    Generate,
    /// Write a certificate.
    Write,
    /// Change the PIN.
    ChangePin,
}

impl Act {
    /// All.
    pub const ALL: [Self; 6] = [Self::List, Self::Login, Self::Sign, Self::Generate, Self::Write, Self::ChangePin];

    fn needs_login(self) -> bool {
        matches!(self, Self::Sign | Self::Generate | Self::Write)
    }

    /// How often the person types a PIN for it.
    fn pins(self) -> usize {
        usize::from(matches!(self, Self::Login | Self::ChangePin))
    }
}

/// What goes wrong in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The call does not return.
    Hang,
    /// The driver crashes.
    Crash,
    /// It crashes when it has done what it was asked.
    CrashAfter,
    /// The key is pulled out.
    Pull,
    /// It is pulled out when the call has been done.
    PullAfter,
    /// Another key is in its place.
    Swap,
    /// `CKR_GENERAL_ERROR`
    Error,
    /// It is done, and then denied.
    DoneAndDenied,
    /// A code of the vendor's own.
    VendorError,
    /// `CKR_DEVICE_MEMORY`
    Full,
    /// The session is not known any more.
    SessionLost,
    /// The call takes its time.
    Slow,
    /// Lengths and counts in answers are too high.
    TooLong,
    /// Lengths and counts in answers are too low.
    TooShort,
}

impl Fault {
    /// All.
    pub const ALL: [Self; 14] = [
        Self::Hang,
        Self::Crash,
        Self::CrashAfter,
        Self::Pull,
        Self::PullAfter,
        Self::Swap,
        Self::Error,
        Self::DoneAndDenied,
        Self::VendorError,
        Self::Full,
        Self::SessionLost,
        Self::Slow,
        Self::TooLong,
        Self::TooShort,
    ];

    fn script(self, call: &str) -> String {
        match self {
            Self::Hang => format!("{call} once hang"),
            Self::Crash => format!("{call} once crash"),
            Self::CrashAfter => format!("{call} once after crash"),
            Self::Pull => format!("{call} once pull"),
            Self::PullAfter => format!("{call} once after pull"),
            Self::Swap => format!("{call} once swap {ANOTHER}"),
            Self::Error => format!("{call} return CKR_GENERAL_ERROR"),
            Self::DoneAndDenied => format!("{call} once after return CKR_DEVICE_ERROR"),
            Self::VendorError => format!("{call} return 0x80000042"),
            Self::Full => format!("{call} return CKR_DEVICE_MEMORY"),
            Self::SessionLost => format!("{call} return CKR_SESSION_HANDLE_INVALID"),
            Self::Slow => format!("{call} slow 4"),
            Self::TooLong => format!("{call} length +3"),
            Self::TooShort => format!("{call} length -1"),
        }
    }

    /// The codes that tell it rightly. Where an act gets by without the call it may also go well.
    fn told_as(self) -> &'static [&'static str] {
        match self {
            Self::Hang => &["driver_hung"],
            Self::Crash | Self::CrashAfter => &["driver_failed"],
            // That the key is gone, or that it is another one now, which nobody has unlocked.
            Self::Pull | Self::PullAfter | Self::Swap => &["key_removed", "pin_needed"],
            Self::Error | Self::DoneAndDenied | Self::VendorError => &["driver_failed", "key_removed"],
            Self::Full => &["token_full", "key_removed", "driver_failed"],
            Self::SessionLost => &["pin_needed", "key_removed", "driver_failed"],
            Self::Slow => &[],
            // Nothing that a driver says of lengths may pass for an answer, and it may take the helper with it.
            Self::TooLong | Self::TooShort => &["driver_failed", "driver_hung", "key_removed", "certificate_mismatch"],
        }
    }
}

/// One case and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// What was done.
    pub act: Act,
    /// In which call of it.
    pub call: String,
    /// What went wrong there.
    pub fault: Fault,
    /// `ok`, or the code whose sentence a person reads.
    pub answer: String,
    /// Milliseconds until the answer.
    pub took: u64,
    /// PINs that reached the module meanwhile.
    pub pins: usize,
    /// What is not as it should be.
    pub complaint: Option<String>,
    /// What it fell short of when it was played first, where that was time alone and it was played again for it.
    pub at_first: Option<String>,
}

/// What is known of an act that goes well.
pub struct Rehearsal {
    /// The calls of it, each once, in their order.
    pub calls: Vec<String>,
    /// What it is given before it counts as hanging.
    deadline: Duration,
}

/// Where the cases are played.
pub struct Lab {
    /// A key with a certificate, and a key pair that waits for one; and a second token.
    store: SoftHsm,
    held: Held,
    waiting: Held,
    _neighbour_store: SoftHsm,
    neighbour: Module,
}

struct Held {
    key_id: Vec<u8>,
    certificate: Vec<u8>,
}

impl Lab {
    /// Sets it up.
    ///
    /// # Errors
    /// When SoftHSM or the helper does not do what it does without faults.
    pub async fn new() -> Result<Self> {
        let store = SoftHsm::new();
        store.add_token(LABEL, PIN);
        store.add_token(ANOTHER, PIN);
        let faulty = FaultyModule::before(&store).showing(LABEL);
        let module = helper(&faulty, PATIENCE);
        let id = only_token(&module).await?;
        module.login(&id, pin(PIN)).await?;
        let mut made = Vec::new();
        for label in ["held", "waiting"] {
            let pair = module.generate_key_pair(&id, KeyAlgorithm::EcP256, label, label.into()).await?;
            made.push(Held { certificate: certificate(&pair.spki_der)?, key_id: pair.key_id });
        }
        let [held, waiting]: [Held; 2] = made.try_into().ok().context("two pairs were made")?;
        module.put_certificate(&id, &held.key_id, held.certificate.clone(), "held").await?;
        drop(module);

        let neighbour_store = SoftHsm::new();
        neighbour_store.add_token("neighbour", PIN);
        let host =
            HostProgram { path: softhsm_lab::host_program().into(), environment: neighbour_store.environment.clone() };
        let neighbour = Module::new(host, neighbour_store.module.clone());
        neighbour.list().await?;
        Ok(Self { store, held, waiting, _neighbour_store: neighbour_store, neighbour })
    }

    /// Does an act without a fault: which calls it makes, and how long it takes here and now.
    ///
    /// # Errors
    /// When it does not go well.
    pub async fn rehearse(&self, act: Act) -> Result<Rehearsal> {
        let seat = self.seat(act, PATIENCE).await?;
        let before = seat.faulty.calls().len();
        let started = Instant::now();
        ensure!(self.perform(&seat, act).await.is_ok(), "{act:?} does not go well without a fault");
        let deadline = DEADLINE.max(started.elapsed() * TIMES);
        let mut calls: Vec<String> = Vec::new();
        for call in seat.faulty.calls().split_off(before) {
            let name = call.split(' ').next().unwrap_or_default().to_owned();
            if !calls.contains(&name) {
                calls.push(name);
            }
        }
        Ok(Rehearsal { calls, deadline })
    }

    /// Plays one case; once more where nothing but time fell short, for another program may have had the computer. What it
    /// fell short of at first is kept.
    ///
    /// # Errors
    /// When it cannot be set up; what the program does wrong is the case's complaint.
    pub async fn play(&self, act: Act, call: &str, fault: Fault, rehearsal: &Rehearsal) -> Result<Case> {
        let (case, of_time) = self.play_once(act, call, fault, rehearsal.deadline).await?;
        if !of_time {
            return Ok(case);
        }
        // The computer may be busier than it was.
        let anew = self.rehearse(act).await?;
        let (again, _) = self.play_once(act, call, fault, anew.deadline).await?;
        Ok(Case { at_first: case.complaint, ..again })
    }

    /// The case, and whether it falls short of time alone.
    async fn play_once(&self, act: Act, call: &str, fault: Fault, deadline: Duration) -> Result<(Case, bool)> {
        let seat = self.seat(act, deadline).await?;
        let before = seat.faulty.pin_tries();
        let asked = Instant::now();
        self.neighbour.list().await?;
        let alone = asked.elapsed();
        seat.faulty.play(&fault.script(call));
        let neighbour = self.neighbour.clone();
        let beside = tokio::spawn(async move {
            let asked = Instant::now();
            (neighbour.list().await.map(|tokens| tokens.len()), asked.elapsed())
        });
        let started = Instant::now();
        let answer = self.perform(&seat, act).await;
        let took = started.elapsed();
        let pins = seat.faulty.pin_tries() - before;
        let (beside, beside_took) = beside.await?;

        let told = told(&answer);
        let (mut wrong, mut late) = (Vec::new(), Vec::new());
        if answer.is_err() && !fault.told_as().contains(&told.as_str()) {
            wrong.push(format!("told as {told}: {:?}", answer.as_ref().err()));
        }
        if took > deadline + MARGIN {
            late.push(format!("the answer took {took:?}"));
        }
        if pins > act.pins() {
            wrong.push(format!("{pins} PINs reached the key for {} typed", act.pins()));
        }
        match beside {
            Ok(1) if beside_took > BESIDE.max(alone * TIMES) => {
                late.push(format!("the other key was listed after {beside_took:?}"));
            }
            Ok(1) => {}
            other => wrong.push(format!("the other key was affected: {other:?}")),
        }
        if let Err(lost) = self.all_is_there(&seat, act, answer.is_ok(), deadline).await {
            let hung = lost.chain().any(|cause| matches!(cause.downcast_ref(), Some(TokenError::Hung { .. })));
            if hung { &mut late } else { &mut wrong }.push(format!("afterwards: {lost:#}"));
        }
        let of_time = wrong.is_empty() && !late.is_empty();
        wrong.append(&mut late);
        let complaint = (!wrong.is_empty()).then(|| wrong.join("; "));
        let took = took.as_millis() as u64;
        Ok((Case { act, call: call.into(), fault, answer: told, took, pins, complaint, at_first: None }, of_time))
    }

    /// A copy of the key, the faulty module before it, and whoever needs to be logged in is.
    async fn seat(&self, act: Act, deadline: Duration) -> Result<Seat> {
        let store = SoftHsm::new();
        stage::copy_folder(&self.store.tokens(), &store.tokens())?;
        let faulty = FaultyModule::before(&store).showing(LABEL);
        let module = helper(&faulty, deadline);
        let id = only_token(&module).await?;
        if act.needs_login() {
            module.login(&id, pin(PIN)).await?;
        }
        Ok(Seat { _store: store, faulty, module, id })
    }

    async fn perform(&self, seat: &Seat, act: Act) -> Result<(), TokenError> {
        let Seat { module, id, .. } = seat;
        match act {
            Act::List => module.list().await.map(drop),
            Act::Login => module.login(id, pin(PIN)).await,
            Act::Sign => {
                let message = b"signed in the campaign".to_vec();
                let scheme = SignatureScheme::EcdsaP256Sha256;
                let signature = module.sign(id, &self.held.key_id, scheme, message).await?;
                assert_eq!(signature.len(), 64, "what is no signature of P-256 passed for one");
                Ok(())
            }
            Act::Generate => {
                let made = module.generate_key_pair(id, KeyAlgorithm::EcP256, NEW_KEY, b"provisional".to_vec());
                made.await.map(drop)
            }
            Act::Write => {
                let Held { key_id, certificate } = &self.waiting;
                module.put_certificate(id, key_id, certificate.clone(), "waiting").await
            }
            Act::ChangePin => module.change_pin(id, pin(PIN), pin(NEW_PIN)).await,
        }
    }

    /// The fault is over, the key is in: nothing is lost, and the act succeeds.
    async fn all_is_there(&self, seat: &Seat, act: Act, done: bool, deadline: Duration) -> Result<()> {
        let Seat { faulty, module, id, .. } = seat;
        faulty.play("");
        faulty.insert(LABEL);
        let back = Instant::now();
        while !module.list().await.is_ok_and(|tokens| tokens.iter().any(|token| token.id == *id)) {
            ensure!(back.elapsed() < deadline * 4, "the key is not seen again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        match act {
            // It was changed, or it was not: the person has one of the two.
            Act::ChangePin => match module.login(id, pin(NEW_PIN)).await {
                Ok(()) => {}
                Err(TokenError::PinIncorrect { .. }) if !done => {
                    module.login(id, pin(PIN)).await.context("the old PIN")?
                }
                Err(error) => return Err(error).context("the new PIN"),
            },
            _ => module.login(id, pin(PIN)).await.context("the PIN")?,
        }
        if act != Act::ChangePin {
            self.perform(seat, act).await.context("once more")?;
            if act == Act::Login || act == Act::List {
                module.login(id, pin(PIN)).await.context("the PIN, once more")?;
            }
        }
        let pairs = module.key_pairs(id).await?;
        for held in [&self.held, &self.waiting] {
            ensure!(pairs.iter().any(|pair| pair.key_id == held.key_id), "a key pair is gone");
        }
        let new = pairs.iter().filter(|pair| pair.label == NEW_KEY).count();
        ensure!(new == usize::from(act == Act::Generate), "{new} new key pairs are on the key");
        let token = module.list().await?.into_iter().find(|token| token.id == *id).context("the token is gone")?;
        let count = |der: &[u8]| token.certificates.iter().filter(|there| there.der == der).count();
        ensure!(count(&self.held.certificate) == 1, "the certificate is there {} times", count(&self.held.certificate));
        let written = count(&self.waiting.certificate);
        ensure!(written == usize::from(act == Act::Write), "the new certificate is there {written} times");
        self.perform(seat, Act::Sign).await.context("a signature")?;
        Ok(())
    }
}

struct Seat {
    _store: SoftHsm,
    faulty: FaultyModule,
    module: Module,
    id: String,
}

/// The code whose sentence a person reads, or `ok`.
fn told(answer: &Result<(), TokenError>) -> String {
    match answer {
        Ok(()) => "ok".into(),
        // No failure but an outcome of its own: see `PinOutcome::Refused`.
        Err(TokenError::PinIncorrect { .. }) => "pin_incorrect".into(),
        Err(error) => match serde_json::to_value(Failure::from(error.clone()).code) {
            Ok(code) => code.as_str().unwrap_or_default().to_owned(),
            Err(error) => error.to_string(),
        },
    }
}

fn helper(faulty: &FaultyModule, deadline: Duration) -> Module {
    let host = HostProgram { path: softhsm_lab::host_program().into(), environment: Vec::new() };
    let deadlines = Deadlines {
        start: deadline * 4,
        list: deadline,
        login: deadline,
        sign: deadline,
        generate: deadline,
        other: deadline,
        ..Deadlines::default()
    };
    Module::with_deadlines(host, faulty.path.clone(), deadlines)
}

async fn only_token(module: &Module) -> Result<String> {
    let tokens = module.list().await?;
    let [token] = tokens.as_slice() else { anyhow::bail!("one token was expected: {tokens:?}") };
    Ok(token.id.clone())
}

fn pin(text: &str) -> Pin {
    Pin::from_bytes(text.into())
}

/// A certificate for a public key, under a throw-away CA.
fn certificate(spki: &[u8]) -> Result<Vec<u8>> {
    let ca = rcgen::KeyPair::generate()?;
    let issuer = rcgen::Issuer::new(rcgen::CertificateParams::new(Vec::new())?, ca);
    let subject = rcgen::SubjectPublicKeyInfo::from_der(spki)?;
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "故障测试");
    Ok(params.signed_by(&subject, &issuer)?.der().to_vec())
}
