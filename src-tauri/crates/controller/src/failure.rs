//! Failures as the window shows them: a code it acts on, a first fork (try again or not), and the exact cause one
//! click away. Texts are the window's: `err.<code>` says what happened, `rec.<code>` what to do.

use certdesk_contract::{Problem, ProblemCode};
use certdesk_domain::form::FieldFault;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Failure {
    /// What the window acts on.
    pub code: FailureCode,
    /// Whether the same act may succeed later without a change.
    pub retriable: bool,
    /// Exact cause for the helpdesk, without personal data: a return value's name, an HTTP status. For
    /// `rare_character`: the characters.
    pub detail: Option<String>,
    /// Refused fields.
    #[serde(default)]
    pub faults: Vec<FieldFault>,
    /// Seconds until another try makes sense.
    pub retry_after: Option<u32>,
}

/// All codes: the service's and our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(untagged)]
pub enum FailureCode {
    /// Something on this computer, or on the way to the service.
    Local(LocalCode),
    /// The service said so.
    Service(ProblemCode),
}

macro_rules! local_codes {
    ($($(#[$doc:meta])* $name:ident, $retriable:literal;)*) => {
        /// Failures that do not come from the service's own words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        #[serde(rename_all = "snake_case")]
        pub enum LocalCode { $($(#[$doc])* $name,)* }

        impl LocalCode {
            /// All, for the test that each has its texts.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The first fork.
            pub fn is_retriable(self) -> bool { match self { $(Self::$name => $retriable,)* } }
        }
    };
}

local_codes! {
    /// No service address is configured.
    NoServiceAddress, false;
    /// The service address is no `https` URL.
    BadServiceAddress, false;
    /// No connection.
    ServiceUnreachable, true;
    /// The proxy on the way cannot be reached, or breaks off.
    ProxyUnreachable, true;
    /// The proxy does not let through to the service.
    ProxyRefused, true;
    /// The proxy wants name and password; `detail` is `refused` where those that were sent were wrong.
    ProxyLoginNeeded, true;
    /// The proxy is of a kind, or wants a login of a kind, that this program does not do; `detail` names it.
    ProxyUnsupported, false;
    /// The system is to search the network for its proxy script (PAC), which is not done.
    ProxyScriptUnaddressed, false;
    /// The system finds its proxy by a script, which cannot be fetched, and there is no direct way; so for all that follow.
    ProxyScriptUnfetched, true;
    /// What is at the script's address is no script.
    ProxyScriptMissing, false;
    /// The script ends with an error of its own.
    ProxyScriptThrew, false;
    /// The script comes to no end.
    ProxyScriptEndless, false;
    /// The script's answer, in `detail`, names no proxy.
    ProxyScriptNonsense, false;
    /// The script names proxies of kinds alone that this program does not do; `detail` names them.
    ProxyScriptUnspoken, false;
    /// The script could not be run here.
    ProxyScriptNotRun, true;
    /// That can be no proxy's address.
    BadProxy, false;
    /// The network wants a login in a browser first.
    NetworkLogin, true;
    /// The service sends to another address, where nothing of ours goes; `detail` has it.
    ServiceMoved, false;
    /// Somebody looks into the connection, with a certificate of their own; `detail` is who issued it.
    ServiceReplaced, true;
    /// The service's certificate is not trusted.
    TlsUntrusted, false;
    /// The service answered, but not as the contract says.
    ServiceGarbled, true;
    /// This computer's clock is off; `detail` has the difference.
    ClockWrong, false;
    /// The session has ended; log in again.
    SessionEnded, false;
    /// The session has ended because its key was pulled out.
    SessionKeyPulled, false;
    /// Somebody reads without the service: this is done after a login.
    OfflineSession, false;
    /// Nobody logged in with this account, or this key, on this computer, or what was kept of it was forgotten.
    OfflineUnknown, false;
    /// The account logged in by key last: it is read with that key.
    OfflineNeedsKey, false;
    /// Not the password of the last login here; `retry_after` where the next try has to wait.
    OfflinePasswordWrong, false;
    /// Too many wrong passwords: `retry_after` says when the next may be tried. This one was not looked at.
    OfflineTooSoon, false;
    /// The certificate of the last login has expired.
    OfflineCertificateExpired, false;
    /// The certificate of the last login is revoked, as far as is known here.
    OfflineCertificateRevoked, false;
    /// The draft is not there any more.
    DraftGone, false;
    /// The submission of the draft is queued: it is taken back before anything is changed.
    SubmissionQueued, false;
    /// Taking the case back is queued: that ends before it is handed in.
    WithdrawalQueued, false;
    /// Step 1 has faults.
    FieldsIncomplete, false;
    /// Step 3 is not complete.
    FilesIncomplete, false;
    /// Step 2 was not done, or the details changed since.
    FormNotMade, false;
    /// The form's fonts lack a character.
    RareCharacter, false;
    /// The file cannot be read.
    FileUnreadable, false;
    /// The file is empty.
    FileEmpty, false;
    /// The file is larger than asked for.
    FileTooLarge, false;
    /// The content is of another kind than asked for.
    FileWrongKind, false;
    /// The file changed since it was picked.
    FileChanged, false;
    /// The file is not there any more.
    FileGone, false;
    /// The file is no certificate.
    NotACertificate, false;
    /// A signed form on this computer is not as it was signed: damaged, or changed by somebody.
    SignedFormDamaged, false;
    /// More files than asked for.
    TooManyFiles, false;
    /// The video is shorter than asked for.
    VideoTooShort, false;
    /// The video is longer than asked for.
    VideoTooLong, false;
    /// No file dialog can be shown here.
    DialogUnavailable, false;
    /// The disk is full.
    DiskFull, true;
    /// Local state cannot be read or written.
    StorageFailed, false;
    /// The system's key store is not there, or does not answer.
    KeyStoreAway, true;
    /// The system's key store stays locked.
    KeyStoreLocked, true;
    /// Not the passphrase of what is kept on this computer.
    WrongPassphrase, false;
    /// The passphrase has too few characters.
    PassphraseTooShort, false;
    /// A later version of the program wrote what is kept on this computer.
    StorageNewer, false;
    /// What is kept on this computer is damaged; the next start sets it aside.
    StorageDamaged, false;
    /// The key is not plugged in.
    NoKey, true;
    /// The key was pulled out meanwhile.
    KeyRemoved, true;
    /// Tries are used up.
    PinLocked, false;
    /// The key answered the PIN with what may mean that it was wrong, or anything else. Nothing was tried again.
    PinDoubtful, false;
    /// Too short or too long for this key; not sent.
    PinLength, false;
    /// The security officer's PIN is locked too: nobody can unblock this key.
    SoPinLocked, false;
    /// The key takes the new PIN not for its length; the old one holds.
    NewPinLength, false;
    /// The key takes the new PIN not for what it consists of; the old one holds.
    NewPinRefused, false;
    /// The first PIN must be changed before anything else.
    PinMustChange, false;
    /// The PIN of a signature was wrong, and the key logged out over it.
    PinIncorrect, false;
    /// The PIN that an act asked for once more was not given.
    PinWithheld, false;
    /// The last try needs an explicit yes.
    LastTryUnconfirmed, false;
    /// The key must be unlocked by its PIN first: ask with the act as purpose.
    PinNeeded, false;
    /// The certificate of the session is not on any key that is plugged in.
    SessionKeyMissing, true;
    /// The certificate is still the only one in force of its holder: it stays on the key.
    CertificateInUse, false;
    /// A certificate is being made on a key: what is kept of it is needed to go on.
    IssuanceUnfinished, false;
    /// What was downloaded is not what the service announced; it was thrown away.
    DownloadDamaged, true;
    /// The package names another maker than the service does; it was thrown away and not run.
    WrongPublisher, false;
    /// Something is being done with this driver already.
    DriverBusy, true;
    /// The file is no driver that the service lists for this computer.
    UnlistedDriver, false;
    /// The system has no way to open this file.
    OpenFailed, false;
    /// The person or the system did not allow a repair.
    RepairRefused, true;
    /// A repair was begun and did not succeed.
    RepairFailed, true;
    /// The prompt was answered already, or is too old.
    PromptGone, false;
    /// No driver is installed.
    DriverMissing, false;
    /// The driver fails.
    DriverFailed, true;
    /// The driver does not answer; it was stopped.
    DriverHung, true;
    /// The driver is for another processor or bitness.
    DriverWrongArchitecture, false;
    /// The file is no driver of a key (PKCS#11 module).
    NotADriver, false;
    /// No room on the key.
    TokenFull, false;
    /// The key cannot be written to.
    TokenWriteProtected, false;
    /// The key has not been initialised.
    TokenNotReady, false;
    /// The key or its driver cannot do this.
    KeyUnable, false;
    /// The key makes no key pairs of this kind.
    KeyGenerationUnsupported, false;
    /// No certificate that can log in is on the key.
    NoCertificateOnKey, false;
    /// The key has a certificate, of a kind that logs in nowhere here.
    CertificateUnusable, false;
    /// The certificate belongs to another key; nothing was written.
    CertificateMismatch, false;
    /// The test signature did not verify.
    ProofFailed, true;
    /// There is no such thing here any more.
    Gone, false;
    /// The page asked for something impossible: a fault of this program.
    BadCommand, false;
    /// A fault of this program.
    Internal, true;
}

impl Failure {
    /// A failure with the code's own fork and nothing more to say.
    pub fn new(code: LocalCode) -> Self {
        Self {
            retriable: code.is_retriable(),
            code: FailureCode::Local(code),
            detail: None,
            faults: Vec::new(),
            retry_after: None,
        }
    }

    /// The same with an exact cause.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Whether the service said this.
    pub fn is_said(&self, code: ProblemCode) -> bool {
        self.code == FailureCode::Service(code)
    }

    /// Whether it is this local code.
    pub fn is(&self, code: LocalCode) -> bool {
        self.code == FailureCode::Local(code)
    }
}

impl From<LocalCode> for Failure {
    fn from(code: LocalCode) -> Self {
        Self::new(code)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self {
            retriable: problem.status >= 500 || problem.retry_after.is_some(),
            code: FailureCode::Service(problem.code),
            detail: Some(format!("HTTP {}", problem.status)),
            faults: problem.faults,
            retry_after: problem.retry_after,
        }
    }
}
