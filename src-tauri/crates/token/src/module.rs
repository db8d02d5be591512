//! One driver module, spoken to through its helper process.
//!
//! Starts the helper at the first call, gives every call a deadline, kills and replaces a helper that hangs, dies or
//! talks nonsense. Calls to one module are made one after another; modules do not know of each other. A call that ended
//! in [`TokenError::Hung`] or [`TokenError::Crashed`] may have taken effect: only the caller can decide what then.

use crate::{
    error::TokenError,
    header,
    message::{self, Answer, KeyPair, LibraryInfo, Numbered, Reply, Request, ToSign, TokenInfo, TokenObject},
    pin::Pin,
};
use certdesk_domain::token::{KeyAlgorithm, PinTries, SignatureScheme};
use pkcs11_profiles::{Quirks, Unblock};
use sha2::{Digest, Sha256, Sha384};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::Mutex,
    time::{Instant, timeout},
};

/// Names a file in a helper's environment that it holds a shared lock on while it lives: a program that was killed leaves
/// helpers that end their call, and the next one can wait for them.
pub const ALIVE: &str = "CERTDESK_HELPER_ALIVE";

/// The helper program and what its processes find in their environment.
#[derive(Clone, Debug)]
pub struct HostProgram {
    /// Absolute path of `certdesk-token-host`.
    pub path: PathBuf,
    /// Variables added to our own environment (`SOFTHSM2_CONF` and the like).
    pub environment: Vec<(OsString, OsString)>,
}

/// How long a call may take before its helper is killed.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// Loading and initialising the module; some read every card then.
    pub start: Duration,
    /// [`Module::list`]
    pub list: Duration,
    /// [`Module::login`]
    pub login: Duration,
    /// Whatever is typed on the token's own pad: a person is typing.
    pub by_pin_pad: Duration,
    /// [`Module::sign`]
    pub sign: Duration,
    /// [`Module::generate_key_pair`]: a card may search long for RSA primes.
    pub generate: Duration,
    /// Everything else.
    pub other: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(30),
            list: Duration::from_secs(5),
            login: Duration::from_secs(30),
            by_pin_pad: Duration::from_secs(120),
            sign: Duration::from_secs(30),
            generate: Duration::from_secs(180),
            other: Duration::from_secs(15),
        }
    }
}

/// A driver module. Cheap to clone; the clones share one helper, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Module {
    inner: Arc<Inner>,
}

impl Module {
    /// A module at an absolute path. Nothing is started or looked at before the first call.
    pub fn new(host: HostProgram, module_path: PathBuf) -> Self {
        Self::with_deadlines(host, module_path, Deadlines::default())
    }

    /// The same, with deadlines of one's own.
    pub fn with_deadlines(host: HostProgram, module_path: PathBuf, deadlines: Deadlines) -> Self {
        let quirks = pkcs11_profiles::quirks(&module_path);
        Self::with_quirks(host, module_path, deadlines, quirks)
    }

    /// The same, with what is special about the module told by the caller and not by its profile.
    pub fn with_quirks(host: HostProgram, module_path: PathBuf, deadlines: Deadlines, quirks: Quirks) -> Self {
        Self { inner: Arc::new(Inner { host, path: module_path, deadlines, quirks, seat: Mutex::default() }) }
    }

    /// Path of the module.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What is special about it, as far as was known when this was made.
    pub fn quirks(&self) -> &Quirks {
        &self.inner.quirks
    }

    /// What the module says of itself.
    ///
    /// # Errors
    /// Those of the driver as a whole.
    pub async fn library(&self) -> Result<LibraryInfo, TokenError> {
        match self.call(Request::Library).await? {
            Reply::Library(said) => Ok(said),
            _ => Err(TokenError::Crashed),
        }
    }

    /// All tokens of this module. A token that cannot be read is left out and does not hide the others.
    ///
    /// # Errors
    /// Those of the driver as a whole.
    pub async fn list(&self) -> Result<Vec<TokenInfo>, TokenError> {
        self.tokens(true).await
    }

    /// The same for who asks every second: certificates are read again only where the token, its flags or its login
    /// changed, or something was written through this module. What another program wrote shows in [`Module::list`].
    ///
    /// # Errors
    /// As [`Module::list`].
    pub async fn poll(&self) -> Result<Vec<TokenInfo>, TokenError> {
        self.tokens(false).await
    }

    async fn tokens(&self, thorough: bool) -> Result<Vec<TokenInfo>, TokenError> {
        // Whether to look from scratch is decided when it is this call's turn.
        match self.call(Request::List { rescan: false, thorough }).await? {
            Reply::Tokens(mut tokens) => {
                if self.inner.quirks.spare_slot {
                    tokens.retain(|token| token.initialised);
                }
                for token in &mut tokens {
                    token.tries = self.inner.believed(token.tries);
                    token.so_tries = self.inner.believed_of_officer(token.so_tries);
                }
                Ok(tokens)
            }
            _ => Err(TokenError::Crashed),
        }
    }

    /// Logs the user in with a typed PIN; the login lasts until [`Module::logout`], removal or a new helper.
    ///
    /// # Errors
    /// [`TokenError::PinIncorrect`] only where the token itself says so. The PIN went to the token at most once.
    pub async fn login(&self, token_id: &str, pin: Pin) -> Result<(), TokenError> {
        self.done(Request::Login { token: token_id.into(), pin }).await
    }

    /// Logs the user in with the PIN typed on the token's own pad (`TokenInfo::pin_pad`).
    ///
    /// # Errors
    /// As [`Module::login`].
    pub async fn login_by_pin_pad(&self, token_id: &str) -> Result<(), TokenError> {
        self.done(Request::LoginByPinPad { token: token_id.into() }).await
    }

    /// Changes the user's PIN. Whoever was logged in is logged out. The old PIN goes to the token once, or, on one that wants
    /// a login for this, once for the login and, after that was right, once more for the change.
    ///
    /// # Errors
    /// [`TokenError::PinIncorrect`] for the old PIN, [`TokenError::NewPinLength`] and [`TokenError::NewPinRefused`] for the
    /// new one; a new PIN outside the token's stated limits is not sent.
    pub async fn change_pin(&self, token_id: &str, old: Pin, new: Pin) -> Result<(), TokenError> {
        self.done(Request::ChangePin { token: token_id.into(), old, new }).await
    }

    /// Changes the user's PIN, both typed on the token's own pad.
    ///
    /// # Errors
    /// As [`Module::change_pin`].
    pub async fn change_pin_by_pin_pad(&self, token_id: &str) -> Result<(), TokenError> {
        self.done(Request::ChangePinByPinPad { token: token_id.into() }).await
    }

    /// Gives the user a new PIN in the security officer's name (`C_InitPIN`), or by the PUK where the module's profile has
    /// that, which unblocks a locked one.
    ///
    /// # Errors
    /// [`TokenError::SoPinIncorrect`], [`TokenError::SoPinLocked`]; for the new PIN as [`Module::change_pin`].
    pub async fn unblock(&self, token_id: &str, so_pin: Pin, new: Pin) -> Result<(), TokenError> {
        self.done(Request::Unblock { token: token_id.into(), so_pin, new }).await
    }

    /// The same, both typed on the token's own pad.
    ///
    /// # Errors
    /// As [`Module::unblock`].
    pub async fn unblock_by_pin_pad(&self, token_id: &str) -> Result<(), TokenError> {
        self.done(Request::UnblockByPinPad { token: token_id.into() }).await
    }

    /// All objects that can be seen now: with a login the private ones too, but never their values.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn objects(&self, token_id: &str) -> Result<Vec<TokenObject>, TokenError> {
        match self.call(Request::Objects { token: token_id.into() }).await? {
            Reply::Objects(objects) => Ok(objects),
            _ => Err(TokenError::Crashed),
        }
    }

    /// Logs the user out. Not being logged in is no error.
    ///
    /// # Errors
    /// [`TokenError::NoToken`] and those of the driver.
    pub async fn logout(&self, token_id: &str) -> Result<(), TokenError> {
        self.done(Request::Logout { token: token_id.into() }).await
    }

    /// The key pairs of the algorithms we work with, certificate or not.
    ///
    /// # Errors
    /// [`TokenError::NotLoggedIn`] and those of the driver.
    pub async fn key_pairs(&self, token_id: &str) -> Result<Vec<KeyPair>, TokenError> {
        match self.call(Request::KeyPairs { token: token_id.into() }).await? {
            Reply::KeyPairs(pairs) => Ok(pairs),
            _ => Err(TokenError::Crashed),
        }
    }

    /// Makes a key pair on the token, never to leave it.
    ///
    /// Both keys are born with `CKA_ID` = `provisional_id` and then get the SHA-1 of the public key bits, where the token
    /// lets its `CKA_ID` be changed. The label should name the case the key is made for: a pair of this label and
    /// algorithm without a certificate is what an earlier call left behind, whatever cut it short, and is finished and
    /// returned in place of a second one. So after [`TokenError::Hung`] or [`TokenError::Crashed`] the same call, made
    /// again, leaves one pair. `provisional_id` must not be empty nor name anything else on the token.
    ///
    /// # Errors
    /// [`TokenError::NotLoggedIn`], [`TokenError::TokenFull`], [`TokenError::Unsupported`] where the token makes no such
    /// keys, and those of the driver.
    pub async fn generate_key_pair(
        &self,
        token_id: &str,
        algorithm: KeyAlgorithm,
        label: &str,
        provisional_id: Vec<u8>,
    ) -> Result<KeyPair, TokenError> {
        let request =
            Request::GenerateKeyPair { token: token_id.into(), algorithm, label: label.into(), provisional_id };
        match self.call(request).await? {
            Reply::KeyPair(pair) => Ok(pair),
            _ => Err(TokenError::Crashed),
        }
    }

    /// Signs a message of any length; its digest is taken here. ECDSA gives the raw `r‖s`.
    ///
    /// # Errors
    /// [`TokenError::NotLoggedIn`], [`TokenError::NoSuchKey`], [`TokenError::Unsupported`] (SM2 too, whose digest takes the
    /// public key: see [`Module::sign_digest`]), [`TokenError::PinAgain`] and those of the driver.
    pub async fn sign(
        &self,
        token_id: &str,
        key_id: &[u8],
        scheme: SignatureScheme,
        message: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        let digest = match scheme {
            SignatureScheme::RsaPkcs1Sha256 | SignatureScheme::RsaPssSha256 | SignatureScheme::EcdsaP256Sha256 => {
                Sha256::digest(message).to_vec()
            }
            SignatureScheme::EcdsaP384Sha384 => Sha384::digest(message).to_vec(),
            SignatureScheme::Sm2Sm3 => return Err(TokenError::Unsupported { what: "SM2 without a digest".into() }),
        };
        self.sign_digest(token_id, key_id, scheme, digest).await
    }

    /// Signs a digest of [`SignatureScheme::digest_length`] bytes.
    ///
    /// # Errors
    /// [`TokenError::NotLoggedIn`], [`TokenError::NoSuchKey`], [`TokenError::Unsupported`] and those of the driver;
    /// [`TokenError::PinAgain`], before anything was done, for a key that wants the PIN for each signature.
    pub async fn sign_digest(
        &self,
        token_id: &str,
        key_id: &[u8],
        scheme: SignatureScheme,
        digest: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        self.signed(Request::Sign(to_sign(token_id, key_id, scheme, digest))).await
    }

    /// Signs with a key that wants the PIN for each signature: this one's was just typed.
    ///
    /// # Errors
    /// As [`Module::sign_digest`], and [`TokenError::PinIncorrect`].
    pub async fn sign_digest_with_pin(
        &self,
        token_id: &str,
        key_id: &[u8],
        scheme: SignatureScheme,
        digest: Vec<u8>,
        pin: Pin,
    ) -> Result<Vec<u8>, TokenError> {
        self.signed(Request::SignWithPin { what: to_sign(token_id, key_id, scheme, digest), pin }).await
    }

    /// The same with the PIN typed on the token's own pad.
    ///
    /// # Errors
    /// As [`Module::sign_digest_with_pin`].
    pub async fn sign_digest_by_pin_pad(
        &self,
        token_id: &str,
        key_id: &[u8],
        scheme: SignatureScheme,
        digest: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        self.signed(Request::SignByPinPad(to_sign(token_id, key_id, scheme, digest))).await
    }

    /// Writes a certificate beside its key, with the key's `CKA_ID`. Writing what is there already changes nothing.
    ///
    /// # Errors
    /// [`TokenError::NoSuchKey`] and [`TokenError::CertificateMismatch`] before anything is written,
    /// [`TokenError::NotLoggedIn`], [`TokenError::TokenFull`] and those of the driver.
    pub async fn put_certificate(
        &self,
        token_id: &str,
        key_id: &[u8],
        der: Vec<u8>,
        label: &str,
    ) -> Result<(), TokenError> {
        self.done(Request::PutCertificate { token: token_id.into(), key_id: key_id.into(), der, label: label.into() })
            .await
    }

    /// Removes both keys of a pair. Keys that are not there are no error.
    ///
    /// # Errors
    /// [`TokenError::NotLoggedIn`] and those of the driver.
    pub async fn remove_key_pair(&self, token_id: &str, key_id: &[u8]) -> Result<(), TokenError> {
        self.done(Request::RemoveKeyPair { token: token_id.into(), key_id: key_id.into() }).await
    }

    /// Removes a certificate, not its keys. One that is not there is no error.
    ///
    /// # Errors
    /// [`TokenError::NotLoggedIn`] and those of the driver.
    pub async fn remove_certificate(&self, token_id: &str, der: Vec<u8>) -> Result<(), TokenError> {
        self.done(Request::RemoveCertificate { token: token_id.into(), der }).await
    }

    async fn signed(&self, request: Request) -> Result<Vec<u8>, TokenError> {
        match self.call(request).await? {
            Reply::Signature(signature) => Ok(signature),
            _ => Err(TokenError::Crashed),
        }
    }

    async fn done(&self, request: Request) -> Result<(), TokenError> {
        match self.call(request).await? {
            Reply::Done => Ok(()),
            _ => Err(TokenError::Crashed),
        }
    }

    /// A task of its own, so that a caller that stops waiting does not tear a call (a login!) apart in the middle.
    async fn call(&self, request: Request) -> Answer {
        let inner = Arc::clone(&self.inner);
        let call = tokio::spawn(async move {
            let answer = inner.seat.lock().await.call(&inner, request).await;
            answer.map_err(|error| inner.in_doubt(error))
        });
        call.await.unwrap_or(Err(TokenError::Crashed))
    }
}

fn to_sign(token_id: &str, key_id: &[u8], scheme: SignatureScheme, digest: Vec<u8>) -> ToSign {
    ToSign { token: token_id.into(), key_id: key_id.into(), scheme, digest }
}

#[derive(Debug)]
struct Inner {
    host: HostProgram,
    path: PathBuf,
    deadlines: Deadlines,
    quirks: Quirks,
    seat: Mutex<Seat>,
}

impl Inner {
    fn deadline(&self, request: &Request) -> Duration {
        match request {
            Request::List { .. } | Request::Library => self.deadlines.list,
            Request::Login { .. } if self.quirks.vendor_dialog => self.deadlines.by_pin_pad,
            Request::Login { .. } | Request::ChangePin { .. } | Request::Unblock { .. } => self.deadlines.login,
            Request::LoginByPinPad { .. }
            | Request::ChangePinByPinPad { .. }
            | Request::UnblockByPinPad { .. }
            | Request::SignByPinPad(_) => self.deadlines.by_pin_pad,
            Request::Sign(_) | Request::SignWithPin { .. } => self.deadlines.sign,
            Request::GenerateKeyPair { .. } => self.deadlines.generate,
            _ => self.deadlines.other,
        }
    }

    /// What an answer to a PIN is worth from this driver.
    fn in_doubt(&self, error: TokenError) -> TokenError {
        match error {
            TokenError::Driver { call, code }
                if matches!(call.as_str(), "C_Login" | "C_SetPIN") && self.quirks.wrong_pin.contains(&code) =>
            {
                TokenError::PinDoubtful { code }
            }
            TokenError::PinIncorrect { tries } => TokenError::PinIncorrect { tries: self.believed(tries) },
            TokenError::SoPinIncorrect { tries } => {
                TokenError::SoPinIncorrect { tries: self.believed_of_officer(tries) }
            }
            other => other,
        }
    }

    /// Of a driver that never warns the absence of a warning means nothing.
    fn believed(&self, tries: PinTries) -> PinTries {
        match tries {
            PinTries::NoWarning if self.quirks.silent_tries => PinTries::Unknown,
            told => told,
        }
    }

    /// The same of the PIN that unblocks. The flags tell of the security officer's, and nothing of a PUK.
    fn believed_of_officer(&self, tries: PinTries) -> PinTries {
        match (self.believed(tries), self.quirks.unblock) {
            (PinTries::NoWarning, Unblock::Puk) => PinTries::Unknown,
            (told, _) => told,
        }
    }

    /// File name of the module, for the log.
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.path.file_name().unwrap_or_default().to_string_lossy()
    }
}

/// Where the module's one helper sits, or did.
#[derive(Debug, Default)]
struct Seat {
    helper: Option<Helper>,
    /// Helpers lost within a short time of each other, with the last reason.
    lost: Option<Lost>,
    last_id: u64,
    last_rescan: Option<Instant>,
}

#[derive(Debug)]
struct Lost {
    count: u32,
    at: Instant,
    error: TokenError,
}

/// A driver that answers and then crashes, again and again, is no better than one that never answers: only after this
/// long without a loss it counts as sound.
const HEALTHY: Duration = Duration::from_secs(60);

/// The first new helper starts at once, the next wait doubling times, so that a driver that always crashes does not
/// keep the computer busy. Until then its last failure is the answer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A module that only sees new tokens from scratch is not reset more often than this.
const RESCAN_EVERY: Duration = Duration::from_secs(2);

impl Seat {
    async fn call(&mut self, inner: &Inner, mut request: Request) -> Answer {
        // Taken out: a call that ends early leaves no helper behind whose answers are out of step. A helper that is let go
        // ends by itself.
        let mut helper = match self.helper.take().filter(Helper::is_alive) {
            Some(helper) => helper,
            None => self.start(inner).await?,
        };
        if let Request::List { rescan, .. } = &mut request {
            *rescan = self.rescan_due(inner);
        }
        if request.proves_pin() {
            // In its process any PIN would pass now.
            if helper.was_opened && inner.quirks.cached_pin {
                helper.kill().await;
                helper = self.start(inner).await?;
            }
            helper.was_opened = true;
        }
        let ends_login = inner.quirks.cached_pin && matches!(request, Request::Logout { .. });
        let writes = request.writes();
        let name = request.name();
        let deadline = inner.deadline(&request);
        self.last_id += 1;
        let exchange = timeout(deadline, helper.exchange(Numbered { id: self.last_id, body: request }));
        match exchange.await {
            Ok(Ok(answer)) => {
                // What a write that failed has left on the token only a fresh look tells: a module may have forgotten an
                // object that is there, and the next try would make a second one.
                if ends_login || (writes && answer.as_ref().is_err_and(leaves_doubt)) {
                    helper.kill().await;
                } else {
                    self.helper = Some(helper);
                }
                self.lost.take_if(|lost| lost.at.elapsed() >= HEALTHY);
                answer
            }
            Ok(Err(Broken::NotSent(reason))) => {
                self.helper = Some(helper);
                Err(TokenError::Unsupported { what: reason })
            }
            Ok(Err(Broken::Lost(reason))) => {
                tracing::warn!(module = %inner.name(), call = name, reason, "driver crashed");
                Err(self.lose(helper, TokenError::Crashed).await)
            }
            Err(_) => {
                tracing::warn!(module = %inner.name(), call = name, ?deadline, "driver hung");
                Err(self.lose(helper, TokenError::Hung { call: name.into(), after: deadline }).await)
            }
        }
    }

    /// A new helper whose module is loaded.
    async fn start(&mut self, inner: &Inner) -> Result<Helper, TokenError> {
        if let Some(lost) = &self.lost
            && lost.at.elapsed() < pause(lost.count)
        {
            return Err(lost.error.clone());
        }
        header::check(&inner.path, &as_first_started(&inner.host.path)).await?;
        let mut helper = Helper::spawn(inner).map_err(|error| TokenError::NoHelper { reason: error.to_string() })?;
        let deadline = inner.deadlines.start;
        match timeout(deadline, helper.receive(0)).await {
            Ok(Ok(Ok(Reply::Ready))) => Ok(helper),
            Ok(Ok(Err(refused))) => Err(self.lose(helper, refused).await),
            Ok(Ok(Ok(_)) | Err(_)) => {
                tracing::warn!(module = %inner.name(), "driver crashed while loading");
                Err(self.lose(helper, TokenError::Crashed).await)
            }
            Err(_) => {
                tracing::warn!(module = %inner.name(), ?deadline, "driver hung while loading");
                Err(self.lose(helper, TokenError::Hung { call: "start".into(), after: deadline }).await)
            }
        }
    }

    async fn lose(&mut self, helper: Helper, error: TokenError) -> TokenError {
        helper.kill().await;
        let count = self.lost.as_ref().map_or(1, |lost| lost.count.saturating_add(1));
        self.lost = Some(Lost { count, at: Instant::now(), error: error.clone() });
        error
    }

    fn rescan_due(&mut self, inner: &Inner) -> bool {
        let due = inner.quirks.rescan && self.last_rescan.is_none_or(|last| last.elapsed() >= RESCAN_EVERY);
        if due {
            self.last_rescan = Some(Instant::now());
        }
        due
    }
}

/// The helper program, about to be started.
pub(crate) fn helper(host: &HostProgram) -> Command {
    let mut command = Command::new(as_first_started(&host.path));
    // By its name all the same: libraries that are configured by program look at it.
    #[cfg(unix)]
    command.arg0(&host.path);
    command.envs(host.environment.iter().map(|(name, value)| (name, value)));
    // A library that loads others by bare name must not find them where the program happened to be started.
    if let Some(folder) = host.path.parent() {
        command.current_dir(folder);
    }
    #[cfg(windows)]
    command.creation_flags(0x0800_0000); // CREATE_NO_WINDOW
    command
}

fn pause(lost: u32) -> Duration {
    match lost {
        0 | 1 => Duration::ZERO,
        more => FIRST_PAUSE.saturating_mul(1 << (more - 2).min(16)).min(LONGEST_PAUSE),
    }
}

/// Whether something may have been written before a call failed in this way.
fn leaves_doubt(error: &TokenError) -> bool {
    matches!(error, TokenError::NoToken | TokenError::TokenFull | TokenError::Driver { .. })
}

/// The helper's file as it was when this process first started it. An update puts another in its place, which speaks to
/// the program that comes with it; whoever runs on goes on with the one it was built with, also where that has no name any
/// more.
#[cfg(target_os = "linux")]
fn as_first_started(path: &Path) -> PathBuf {
    use std::{
        collections::{BTreeMap, btree_map::Entry},
        fs::File,
        os::{fd::AsRawFd as _, unix::fs::MetadataExt as _},
        sync::{Mutex, PoisonError},
    };
    static FIRST: Mutex<BTreeMap<PathBuf, File>> = Mutex::new(BTreeMap::new());
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = match first.entry(path.to_owned()) {
        Entry::Occupied(kept) => kept.into_mut(),
        Entry::Vacant(free) => match File::open(path) {
            Ok(file) => free.insert(file),
            Err(_) => return path.to_owned(),
        },
    };
    let file = |found: &std::fs::Metadata| (found.dev(), found.ino());
    let unchanged = matches!((&path.metadata(), &kept.metadata()), (Ok(now), Ok(then)) if file(now) == file(then));
    if unchanged { path.to_owned() } else { format!("/proc/self/fd/{}", kept.as_raw_fd()).into() }
}

/// Elsewhere a program that runs is not replaced under it.
#[cfg(not(target_os = "linux"))]
fn as_first_started(path: &Path) -> PathBuf {
    path.to_owned()
}

/// Why an exchange did not come to an answer.
enum Broken {
    /// The request cannot be put into a frame; the helper never saw it.
    NotSent(String),
    /// The helper is of no use any more.
    Lost(String),
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<message::FrameError> for Broken {
    fn from(error: message::FrameError) -> Self {
        Self::Lost(error.to_string())
    }
}

#[derive(Debug)]
struct Helper {
    child: std::sync::Mutex<Child>,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// A PIN was proven in it, or tried.
    was_opened: bool,
    /// Set before a PIN is sent: from then on the driver's own words are not logged, for it may print what it was given.
    knows_pin: Arc<AtomicBool>,
}

impl Helper {
    fn spawn(inner: &Inner) -> std::io::Result<Self> {
        let mut command = helper(&inner.host);
        command.arg(&inner.path).args(inner.quirks.to_arguments());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let missing = || std::io::Error::other("a pipe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let knows_pin = Arc::new(AtomicBool::new(false));
        tokio::spawn(log_stderr(stderr, inner.name().into_owned(), Arc::clone(&knows_pin)));
        tracing::debug!(module = %inner.name(), pid = child.id(), "helper started");
        Ok(Self { child: child.into(), stdin, stdout, was_opened: false, knows_pin })
    }

    fn is_alive(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        matches!(child.try_wait(), Ok(None))
    }

    async fn exchange(&mut self, request: Numbered<Request>) -> Result<Answer, Broken> {
        if request.body.carries_pin() {
            self.knows_pin.store(true, Ordering::Relaxed);
        }
        let id = request.id;
        let frame = message::encode(&request).map_err(|error| Broken::NotSent(error.to_string()))?;
        drop(request);
        self.stdin.write_all(&frame).await?;
        self.stdin.flush().await?;
        drop(frame);
        self.receive(id).await
    }

    async fn receive(&mut self, id: u64) -> Result<Answer, Broken> {
        let mut length = [0; 4];
        self.stdout.read_exact(&mut length).await?;
        let mut body = vec![0; message::body_length(length)?];
        self.stdout.read_exact(&mut body).await?;
        let answer = message::decode::<Answer>(&body)?;
        if answer.id != id {
            return Err(Broken::Lost(format!("answered call {} instead of {id}", answer.id)));
        }
        Ok(answer.body)
    }

    /// Ends the process and waits until it is gone, so that two helpers never hold one token.
    async fn kill(self) {
        let mut child = self.child.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        // It may have ended by itself, and a process stuck in the kernel cannot be waited for: both are logged by now.
        let _ = timeout(Duration::from_secs(2), child.kill()).await;
    }
}

/// Reads in pieces of bounded size; a driver may print without end and without line breaks.
async fn log_stderr(mut stderr: ChildStderr, module: String, knows_pin: Arc<AtomicBool>) {
    let mut piece = [0; 2048];
    while let Ok(read @ 1..) = stderr.read(&mut piece).await {
        if !knows_pin.load(Ordering::Relaxed) {
            tracing::debug!(module, "{}", String::from_utf8_lossy(&piece[..read]).trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        assert_eq!(pause(1), Duration::ZERO, "after one crash the driver gets a second chance at once");
        assert_eq!(pause(2), FIRST_PAUSE);
        assert_eq!(pause(4), 4 * FIRST_PAUSE);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
