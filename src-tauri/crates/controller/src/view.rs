//! What the window sees. TypeScript types are generated from here (see [`crate::bindings`]).
//!
//! Views hold what is shown and nothing else: personal data arrives masked unless its owner is editing it, no path of
//! the file system leaves Rust except as text to show, no secret is here at all.

use certdesk_contract::{
    account::AccountView,
    application::{Application, Receipt, Remark},
    catalogue::{Requirement, Text},
    certificate::{CertificateStatus, RenewalWindow, Revocation},
    driver::DriverPackage,
    notice::Notice,
    session::SessionKind,
};
use certdesk_domain::{
    Business, FileKind, RequirementId, State, Timestamp,
    form::{FieldFault, FieldName, Handler, Particulars},
    token::{KeyAlgorithm, PinTries},
};
use certdesk_token::ModuleFault;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::failure::Failure;

/// Everything the home screen shows at once. Answered at once: waits for neither network nor token.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Home {
    /// Who is logged in.
    pub session: Option<SessionView>,
    /// The key strip.
    pub keys: KeyStrip,
    /// How the service is.
    pub service: ServiceState,
    /// Language and look.
    pub settings: Settings,
    /// True in the demo: a mark says so on every screen.
    pub demo: bool,
    /// Drafts that wait to be continued.
    pub drafts: Vec<DraftSummary>,
    /// Notices that were not read, as far as it is known.
    pub unread_notices: u32,
    /// What is kept on this computer, and the key to it.
    pub storage: StorageView,
}

/// Where the data of this computer stands, and what is to be told about it.
#[derive(Clone, Debug, Serialize, TS)]
pub struct StorageView {
    /// Now.
    pub state: StorageState,
    /// What happened to it, until it was read.
    pub notice: Option<StorageNotice>,
}

/// Whether what is kept on this computer can be used.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StorageState {
    /// The key store is being asked, or the file opened.
    Opening,
    /// A person decides.
    Asking {
        /// What is asked.
        question: StorageQuestion,
        /// Why.
        failure: Option<Failure>,
    },
    /// The disk is full, or does not let us.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// It can.
    Open {
        /// Where its key is kept.
        kept: KeyKeeping,
    },
}

/// What a person decides about what is kept on this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StorageQuestion {
    /// No key store takes a key: a passphrase, or keep nothing.
    ChooseKeeping,
    /// The passphrase.
    Passphrase,
    /// The key is in a key store that stays locked or does not answer: ask it again, keep nothing, or begin anew.
    KeyStoreAway,
    /// A later version of the program wrote it: keep nothing until this one is renewed, or begin anew.
    Newer,
}

/// Where the key of what is kept on this computer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeyKeeping {
    /// In the system's key store.
    KeyStore,
    /// Under a passphrase.
    Passphrase,
    /// In memory: nothing is kept beyond this run.
    Memory,
    /// In a file of the demo.
    Demo,
}

/// What was kept could not be used and was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct StorageNotice {
    /// Why.
    pub trouble: StorageTrouble,
    /// Name of the file it is now, in the folder of the program's data.
    pub file: String,
}

/// Why it was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StorageTrouble {
    /// Its key is not in the key store any more.
    KeyLost,
    /// The file is damaged.
    Damaged,
    /// A person wished to begin anew.
    BegunAnew,
}

/// Who is logged in, and what is open to them.
#[derive(Clone, Debug, Serialize, TS)]
pub struct SessionView {
    /// By password or by key.
    pub kind: SessionKind,
    /// The key that logged in ([`KeyView::id`]), whether it is still plugged in or not: legal acts ask for its PIN.
    pub key: Option<String>,
    /// The first login: nothing else goes before a new password.
    pub must_change_password: bool,
    /// The account, its owner's own data unmasked.
    pub account: AccountView,
}

/// State of the service as last seen.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ServiceState {
    /// Host and port, to show.
    pub address: String,
    /// Whether the last request was answered. `None` before the first.
    pub reachable: Option<bool>,
    /// Why it was not.
    pub failure: Option<Failure>,
}

/// Choices of the user, kept between starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Settings {
    /// Language.
    pub locale: Locale,
    /// Look.
    pub theme: Theme,
}

impl Default for Settings {
    fn default() -> Self {
        Self { locale: Locale::ZhCn, theme: Theme::System }
    }
}

/// Language of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum Locale {
    /// 简体中文
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English
    #[serde(rename = "en")]
    En,
}

/// Look of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the desktop has it.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The key strip: always in sight.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct KeyStrip {
    /// What is the case.
    pub state: KeyState,
    /// The keys seen, in a stable order.
    pub keys: Vec<KeyView>,
    /// The drivers that fail, whether others show keys or not.
    pub failing: Vec<FailingDriver>,
}

/// A driver that fails.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct FailingDriver {
    /// File name of the module.
    pub driver: String,
    /// What it does wrong.
    pub failure: Failure,
}

/// Whether a key is seen, and if not, why.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum KeyState {
    /// The drivers are being asked for the first time.
    Reading,
    /// At least one key is there.
    Present,
    /// A driver runs and sees no key.
    NoKey,
    /// No driver is installed here.
    NoDriver,
    /// A driver is there but fails; `driver` names it.
    DriverFailed {
        /// File name of the module.
        driver: String,
        /// What it does wrong.
        failure: Failure,
    },
    /// A key is plugged in by its USB numbers, and no driver for it is installed.
    KeyWithoutDriver {
        /// The key, as people call it.
        vendor: Text,
        /// USB numbers, `vvvv:pppp`.
        usb: String,
        /// The driver that the service has for it and this computer, as far as its list was seen.
        package: Option<Text>,
    },
    /// A driver is installed, and none that can be used; `driver` names the first.
    ModuleUnusable {
        /// File name of the module.
        driver: String,
        /// Why it is not loaded.
        fault: ModuleFaultView,
    },
}

/// The driver modules of this computer, the one to ask first first.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ModulesView {
    /// All that were found, used or not.
    pub modules: Vec<ModuleView>,
    /// What is known of tokens and drivers.
    pub profiles: ProfilesView,
}

/// Where the program's knowledge of tokens and drivers comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ProfilesView {
    /// When the published profiles in use were signed; `None`: none are, the packaged ones count.
    #[ts(type = "string | null")]
    #[serde(with = "time::serde::rfc3339::option")]
    pub signed_at: Option<Timestamp>,
    /// How many of them there are.
    pub published: u32,
    /// All that is known, packaged and published.
    pub known: u32,
    /// Why what the service publishes now was not taken; the last good ones stay.
    pub refused: Option<ProfilesRefusal>,
}

/// Why published profiles are not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ProfilesRefusal {
    /// Not signed by their publisher, or changed since.
    BadSignature,
    /// Signed before those in use.
    Older,
    /// Signed later than now: a clock was wrong.
    FromTheFuture,
    /// Made for a newer program.
    NewerFormat,
    /// They do not read, or make no sense.
    Unusable {
        /// What is wrong, for the helpdesk.
        detail: String,
    },
}

/// A driver module (PKCS#11).
#[derive(Clone, Debug, Serialize, TS)]
pub struct ModuleView {
    /// Where it lies; its name for commands.
    pub path: String,
    /// The last part of it.
    pub file_name: String,
    /// What it is for, as people call it.
    pub name: String,
    /// Maker of the tokens, where a profile knows it.
    pub vendor: Option<String>,
    /// Id of that profile.
    pub profile: Option<String>,
    /// What that profile tells whoever looks after such tokens.
    pub notes: Option<String>,
    /// Who pointed to it.
    pub origin: ModuleOrigin,
    /// A person added it, and may take it off the list again.
    pub added: bool,
    /// What a person wants of it.
    pub choice: ModuleUse,
    /// Why it is not used; `None` where it is.
    pub fault: Option<ModuleFaultView>,
    /// Keys it shows that another module shows better, so that they are on the strip once.
    pub folded_keys: u32,
}

/// Who pointed to a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ModuleOrigin {
    /// A person.
    Chosen,
    /// The system's own list of modules.
    Registered {
        /// Whose list: `p11-kit`, `Firefox`.
        by: String,
    },
    /// A place our profiles know.
    Profile,
}

/// What a person wants of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ModuleUse {
    /// As the program sees fit.
    Auto,
    /// Before all others, and although a library seems to be missing.
    Always,
    /// Not at all.
    Never,
}

/// Why a driver module is not loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ModuleFaultView {
    /// No library of this system.
    NotALibrary,
    /// A library, but no PKCS#11 module.
    NotAModule,
    /// For another machine than this program can serve.
    OtherMachine {
        /// Such as `x86`, `ARM64`.
        machine: String,
        /// 32 or 64; 0 where it is not known.
        bits: u8,
    },
    /// Libraries it needs are not on this computer.
    MissingLibraries {
        /// Their names.
        names: Vec<String>,
    },
    /// A driver of another interface than PKCS#11.
    OtherInterface {
        /// `SKF` (GM/T 0016).
        name: String,
    },
    /// Switched off by a person.
    Banned,
    /// There is no such file.
    Gone,
}

impl From<ModuleFault> for ModuleFaultView {
    fn from(fault: ModuleFault) -> Self {
        match fault {
            ModuleFault::NotALibrary => Self::NotALibrary,
            ModuleFault::NotAModule => Self::NotAModule,
            ModuleFault::OtherMachine { machine, bits } => Self::OtherMachine { machine, bits },
            ModuleFault::MissingLibraries { names } => Self::MissingLibraries { names },
            ModuleFault::OtherInterface { name } => Self::OtherInterface { name },
            ModuleFault::Banned => Self::Banned,
            ModuleFault::Gone => Self::Gone,
        }
    }
}

/// One plugged-in key (token).
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct KeyView {
    /// Stable name of the key for commands.
    pub id: String,
    /// Label, trimmed.
    pub label: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Serial number as the token states it.
    pub serial: String,
    /// Name of the holder, from the certificate that would be used to log in.
    pub holder: Option<String>,
    /// Last instant that certificate is valid.
    #[serde(with = "time::serde::rfc3339::option")]
    #[ts(type = "string | null")]
    pub valid_until: Option<Timestamp>,
    /// Whether it can log in: a certificate with its private key is on it.
    pub can_log_in: bool,
    /// PIN tries.
    pub tries: PinTries,
    /// Tries of the security officer's PIN, by which a locked key is unblocked.
    pub so_tries: PinTries,
    /// It still has the PIN it was handed out with: nothing goes before a new one.
    pub pin_must_change: bool,
    /// PIN is typed on the key's own pad.
    pub pin_pad: bool,
    /// The token has been initialised and has a user PIN.
    pub ready: bool,
    /// Fewest and most bytes of its PIN, as the key states it; 0 as the most stands for no limit. Anything else is not sent.
    pub pin_length: (u32, u32),
    /// What is known of the PINs of such keys besides: advice, which the key need not share.
    pub pin_advice: Option<PinAdvice>,
}

/// What a driver's profile says of PINs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct PinAdvice {
    /// Fewest characters.
    pub min: u32,
    /// Most characters.
    pub max: u32,
    /// Of what it consists.
    pub characters: PinCharacters,
}

/// Of what a PIN consists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PinCharacters {
    /// 0 to 9.
    Digits,
    /// Letters without accents, and digits.
    LettersAndDigits,
    /// Whatever ASCII prints.
    Printable,
}

/// A draft in the list.
#[derive(Clone, Debug, Serialize, TS)]
pub struct DraftSummary {
    /// Case.
    pub id: Uuid,
    /// Business.
    pub business: Business,
    /// The step to continue with.
    pub step: Step,
    /// Last change.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub changed_at: Timestamp,
}

/// The four steps of the guide (服务申办向导).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 1 经办人信息
    Handler,
    /// 2 制作申请表
    Form,
    /// 3 上传电子文件
    Files,
    /// 4 提交服务申请
    Submit,
}

/// A draft, whole.
#[derive(Clone, Debug, Serialize, TS)]
pub struct DraftView {
    /// Case.
    pub id: Uuid,
    /// Business.
    pub business: Business,
    /// `Draft` or `NeedsCorrection`; any other once the case has moved on: then it can only be read.
    pub state: State,
    /// The step to continue with.
    pub step: Step,
    /// What was typed, as typed.
    pub handler: Handler,
    /// What the case is about: its certificate, what changes (`change.<field>` in `save_field`), why it is revoked
    /// (`reason`).
    pub particulars: Particulars,
    /// 变更: the fields that may be changed, with what they say now.
    pub change_fields: Vec<ChangeField>,
    /// The certificate it is about.
    pub certificate: Option<CertificateView>,
    /// The steps this business has here, in order. 注销 has `submit` alone.
    pub steps: Vec<Step>,
    /// Whether the form can be signed with the key in place of print, stamp and scan; `None`: it cannot.
    pub form_signing: Option<FormSigning>,
    /// Fields that were typed differently on another computer: nothing is lost, the applicant chooses.
    pub conflicts: Vec<FieldConflict>,
    /// What is not right yet.
    pub faults: Vec<FieldFault>,
    /// The form, if made and still true to what was typed.
    pub form: Option<FormView>,
    /// What the service asks for, with what is there.
    pub files: Vec<RequirementView>,
    /// Remarks of the reviewer.
    pub remarks: Vec<Remark>,
    /// Fields that may be changed: all in a draft, the remarked ones in a correction.
    pub editable_fields: Vec<String>,
    /// Whether the consent for sensitive data (video, ID copies) was given in its current version. Asked before step 3.
    pub sensitive_data_accepted: bool,
    /// The commitment video's script with names filled in, per language (zh, en).
    pub video_script: Option<certdesk_contract::catalogue::Text>,
    /// Last change that is safely on disk.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub saved_at: Timestamp,
}

/// 变更: one field that may be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ChangeField {
    /// Its name in `Registration::CHANGEABLE`.
    pub field: FieldName,
    /// What the registration says now.
    pub now: String,
}

/// Where the signature of the form stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct FormSigning {
    /// The requirement that the signed form meets.
    pub requirement: RequirementId,
    /// Whether the form as it is now was signed.
    pub signed: bool,
}

/// One field that says two things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FieldConflict {
    /// Name as `save_field` takes it.
    pub field: FieldName,
    /// As typed here.
    pub mine: String,
    /// As typed on the other computer.
    pub theirs: String,
}

/// The form PDF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct FormView {
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Size, bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Pages.
    pub pages: u32,
}

/// One requirement and its files.
#[derive(Clone, Debug, Serialize, TS)]
pub struct RequirementView {
    /// What is asked.
    pub requirement: Requirement,
    /// What is there.
    pub attachments: Vec<AttachmentView>,
    /// Whether enough files are there and uploaded.
    pub satisfied: bool,
    /// Whether files may be added or removed (in a correction: only where remarked).
    pub editable: bool,
}

/// One picked file.
#[derive(Clone, Debug, Serialize, TS)]
pub struct AttachmentView {
    /// Name for commands.
    pub id: Uuid,
    /// Its requirement.
    pub requirement: RequirementId,
    /// File name.
    pub name: String,
    /// Kind by content.
    pub kind: FileKind,
    /// Size, bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Width and height of a picture or video, pixels.
    pub pixels: Option<(u32, u32)>,
    /// Length of a video, milliseconds.
    #[ts(type = "number | null")]
    pub duration_ms: Option<u64>,
    /// Whether this computer has the file, so that it can be looked at.
    pub on_this_computer: bool,
    /// How far it is.
    pub upload: UploadState,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum UploadState {
    /// Waits for its turn.
    Queued,
    /// Its SHA-256 is being taken.
    Hashing {
        /// Bytes read.
        #[ts(type = "number")]
        done: u64,
    },
    /// Bytes are on their way.
    Sending {
        /// Bytes the service has.
        #[ts(type = "number")]
        done: u64,
    },
    /// The network is away; goes on by itself.
    Waiting {
        /// Why.
        failure: Failure,
    },
    /// At the service, compared with its SHA-256.
    Done,
    /// Needs the user: changed, gone or refused.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Stopped by the user.
    Cancelled,
}

/// A key was asked to show its PIN dialog: what the dialog has to say.
#[derive(Clone, Debug, Serialize, TS)]
pub struct PinPrompt {
    /// Names this prompt; handed back with the PIN, good once.
    pub ticket: String,
    /// The key meant.
    pub key: KeyView,
    /// The last try: an explicit yes is needed.
    pub needs_confirmation: bool,
}

/// Why a PIN is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PinPurpose {
    /// Log in with the key.
    LogIn {
        /// Key.
        key: String,
    },
    /// Make the certificate of a case on the key.
    Issue {
        /// Key.
        key: String,
        /// Case.
        application: Uuid,
        /// Algorithm of the key pair.
        algorithm: KeyAlgorithm,
    },
    /// Sign the form with the key (after `sign_form` said `pin_needed`).
    SignForm {
        /// Key.
        key: String,
        /// Draft.
        draft: Uuid,
    },
    /// Hand in, signed by the key (after `submit` said `pin_needed`; always for 注销).
    Submit {
        /// Key.
        key: String,
        /// Draft.
        draft: Uuid,
        /// As in `submit`.
        declared_true: bool,
    },
    /// Take a case back, signed by the key (after `withdraw_application` said `pin_needed`).
    Withdraw {
        /// Key.
        key: String,
        /// Case.
        application: Uuid,
    },
    /// Remove a certificate that another took the place of from its key, with its key pair, for good.
    RemoveCertificate {
        /// Key.
        key: String,
        /// [`CertificateView::fingerprint`].
        fingerprint: String,
    },
    /// Change the PIN. The answer is two PINs: a byte with the length of the old one, the old one, the new one.
    ChangePin {
        /// Key.
        key: String,
    },
    /// Give the key a new PIN by that of its security officer. The answer is two PINs, as for `change_pin`: the security
    /// officer's and the new one.
    Unblock {
        /// Key.
        key: String,
    },
    /// Prove that a certificate's key signs: something random is signed and verified, here alone.
    TestKey {
        /// Key.
        key: String,
        /// [`CertificateView::fingerprint`].
        fingerprint: String,
    },
    /// List what is on the key, private objects too.
    ShowObjects {
        /// Key.
        key: String,
    },
}

/// What came of a PIN.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PinOutcome {
    /// Logged in.
    LoggedIn {
        /// The session.
        session: Box<SessionView>,
    },
    /// The certificate is on the key.
    Issued {
        /// Where the journal stands: its end.
        issuance: IssuanceView,
    },
    /// The form is signed.
    FormSigned {
        /// The draft after it.
        draft: Box<DraftView>,
    },
    /// Handed in.
    Submitted {
        /// The receipt.
        receipt: Box<ReceiptView>,
    },
    /// Taken back.
    Withdrawn {
        /// The case after it.
        application: Box<ApplicationView>,
    },
    /// Removed from the key.
    Removed,
    /// The key has its new PIN.
    PinChanged,
    /// The key has a new PIN by its security officer's, and all its tries.
    Unblocked,
    /// The certificate's key signed, and the signature is right.
    Tested,
    /// What is on the key.
    Objects {
        /// Certificates and their keys first.
        objects: Vec<ObjectView>,
    },
    /// Handed on to the act that asked for it ([`Event::PinAgain`]), which goes on by itself.
    Taken,
    /// The token says the PIN is wrong: for `unblock` that of the security officer. Nothing was tried again.
    Refused {
        /// What is known of the tries now.
        tries: PinTries,
    },
}

/// 制证, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct IssuanceView {
    /// Case.
    pub application: Uuid,
    /// The step reached last and journaled.
    pub step: IssuanceStep,
    /// Key it happens on.
    pub key: Option<String>,
    /// Algorithms the CA takes, preferred first.
    pub algorithms: Vec<KeyAlgorithm>,
    /// Why it stands still.
    pub failure: Option<Failure>,
}

/// Steps of on-token issuance (design §5.4), in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum IssuanceStep {
    /// Nothing happened yet.
    Ready,
    /// A key pair is about to be made, or was.
    KeyPair,
    /// The request is signed by the key.
    Request,
    /// The certificate was fetched and belongs to the key.
    Certificate,
    /// The certificate is written to the token.
    Written,
    /// A test signature verified with the certificate.
    Proven,
    /// The service knows: the case is completed.
    Confirmed,
}

/// One of my applications.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ApplicationView {
    /// The case as the service has it.
    pub application: Application,
    /// How long this state usually takes.
    pub usual_time: Option<certdesk_contract::catalogue::Text>,
    /// Whether it can be taken back now.
    pub can_withdraw: bool,
    /// Where 制证 stands, while it is the applicant's turn to make the certificate.
    pub issuance: Option<IssuanceView>,
}

/// What submission gives.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ReceiptView {
    /// The receipt.
    pub receipt: Receipt,
}

/// A certificate for people, on a key, at the service, or both.
#[derive(Clone, Debug, Serialize, TS)]
pub struct CertificateView {
    /// SHA-256 of the DER, lower-case hex: its name for commands.
    pub fingerprint: String,
    /// Holder: common name.
    pub holder: String,
    /// Issuer: common name.
    pub issuer: String,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// First instant.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub not_before: Timestamp,
    /// Last instant.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub not_after: Timestamp,
    /// Whole days left; negative once over.
    pub days_left: i32,
    /// Algorithm and size, for example `RSA 2048`, `ECDSA P-256`.
    pub key_algorithm: String,
    /// What it may be used for, as names of the KeyUsage and EKU bits.
    pub usages: Vec<String>,
    /// Status at the service; `None` where unknown (offline, other issuer): never "good" by guess.
    pub status: Option<CertificateStatus>,
    /// From when to when it can be renewed; `None` where it cannot or it is unknown.
    pub renewal: Option<RenewalWindow>,
    /// Businesses that can be begun about it now.
    pub businesses: Vec<Business>,
    /// The certificate that took its place: serial number.
    pub successor: Option<String>,
    /// When and why it was revoked.
    pub revocation: Option<Revocation>,
    /// Keys (by [`KeyView::id`]) that hold it.
    pub on_keys: Vec<String>,
    /// Whether its private key is beside it there.
    pub has_private_key: bool,
    /// Every field, for the helpdesk: (name, value) in the certificate's order.
    pub details: Vec<(String, String)>,
    /// PEM text.
    pub pem: String,
}

/// One object on a key, for the helpdesk. Never what a secret one holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ObjectView {
    /// What it is.
    pub class: ObjectClass,
    /// Kind of key or certificate in PKCS#11's words.
    pub kind: Option<String>,
    /// Label.
    pub label: String,
    /// `CKA_ID`, lower-case hex.
    pub id: String,
    /// Bits in a key.
    pub bits: Option<u32>,
    /// Bytes in a public certificate or data object.
    pub bytes: Option<u32>,
    /// Attributes that are true, in PKCS#11's words without `CKA_`.
    pub flags: Vec<String>,
}

/// Class of an object on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ObjectClass {
    /// A certificate.
    Certificate,
    /// A private key.
    PrivateKey,
    /// A public key.
    PublicKey,
    /// A secret key.
    SecretKey,
    /// Data of some application.
    Data,
    /// Something else.
    Other,
}

/// How a certificate is written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CertificateEncoding {
    /// Text (RFC 7468).
    Pem,
    /// Bytes.
    Der,
}

/// 通知消息: from the service, or from what is known here while it is away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
pub struct NoticesView {
    /// Newest first.
    pub notices: Vec<Notice>,
    /// How many of them were not read.
    pub unread: u32,
    /// The service was not asked: as last seen, expiry by the service's time.
    pub offline: bool,
}

/// What this program keeps on this computer about one account, or of no account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct LocalData {
    /// In the order to show them; kinds that are not there are left out.
    pub items: Vec<LocalDataItem>,
}

/// One kind of what is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct LocalDataItem {
    /// Kind.
    pub kind: LocalDataKind,
    /// How many.
    pub count: u32,
    /// Size, bytes.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Kinds of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LocalDataKind {
    /// Drafts with what was typed.
    Drafts,
    /// Application forms (PDF).
    Forms,
    /// Names and places of picked files; the files themselves are where they were.
    Attachments,
    /// Applications as last seen.
    Applications,
    /// Certificates as last seen.
    Certificates,
    /// Notices as last seen.
    Notices,
    /// Consents and whatever else the service said of the account last.
    Records,
    /// Journals of 制证.
    Issuances,
    /// The catalogue, the revocation list, downloaded drivers: of nobody.
    Public,
    /// Language and look.
    Settings,
}

/// 服务支持: drivers for this computer.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct DriversView {
    /// This computer's system and machine, to show, for example `Debian GNU/Linux 12 · x86_64`.
    pub system: String,
    /// Those that fit it, in the service's order.
    pub drivers: Vec<DriverView>,
    /// How many the service has for other systems.
    pub others: u32,
}

/// One driver.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct DriverView {
    /// What the service says of it.
    pub package: DriverPackage,
    /// How far it is here.
    pub state: DriverState,
    /// For a key that is plugged in and that no driver shows.
    pub for_key: bool,
}

/// How far a driver is on this computer.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum DriverState {
    /// Not fetched; `done` bytes of it are here from an earlier try.
    Available {
        /// Bytes.
        #[ts(type = "number")]
        done: u64,
    },
    /// On its way.
    Downloading {
        /// Bytes here.
        #[ts(type = "number")]
        done: u64,
    },
    /// Being compared with its SHA-256.
    Checking,
    /// Here, and its SHA-256 is right: it can be opened.
    Ready,
    /// Being installed; the system may be asking for an administrator.
    Installing,
    /// Installed.
    Installed {
        /// What the key still lacks; `None`: it is seen.
        missing: Option<crate::doctor::finding::FindingCode>,
    },
    /// Not fetched or not installed; the next try goes on where this one ended.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// What the window is told without asking. One Tauri event, `certdesk`, carries them all.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Event {
    /// What is kept on this computer was opened, or a person is asked how.
    Storage {
        /// Now.
        storage: StorageView,
    },
    /// An act under way signs with a key that wants its PIN for each signature: `submit_pin` or `withhold_pin`.
    PinAgain {
        /// What the dialog has to say.
        prompt: Box<PinPrompt>,
        /// The PIN given before this was refused.
        refused: Option<PinTries>,
    },
    /// The keys changed.
    Keys {
        /// Now.
        keys: KeyStrip,
    },
    /// Logged in or out.
    Session {
        /// Now.
        session: Option<Box<SessionView>>,
        /// Why it ended, where nobody asked for that.
        unasked: Option<Failure>,
    },
    /// The service came or went.
    Service {
        /// Now.
        service: ServiceState,
    },
    /// An upload moved.
    Upload {
        /// Case.
        draft: Uuid,
        /// File.
        attachment: Uuid,
        /// Now.
        upload: UploadState,
    },
    /// Applications at the service changed: ask again.
    Applications,
    /// A draft changed by itself: another computer worked on it, or its case moved on. Also one that is new here.
    Draft {
        /// Case.
        id: Uuid,
    },
    /// There are new notices, or some were read. `fresh`: those never told before, for notices of the system.
    Notices {
        /// How many are not read.
        unread: u32,
        /// Newest first.
        fresh: Vec<Notice>,
    },
    /// A driver moved.
    Driver {
        /// [`DriverPackage::id`].
        id: String,
        /// Now.
        state: DriverState,
    },
    /// The examination of this computer went on.
    Examination {
        /// Now.
        examination: crate::doctor::finding::Examination,
    },
    /// 制证 moved.
    Issuance {
        /// Now.
        issuance: IssuanceView,
    },
    /// Files were dropped on the window; the page knows what lies under the point (CSS pixels).
    Dropped {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
        /// How many.
        count: u32,
    },
    /// A second start of the program: this window came to the front.
    SecondStart,
}
