//! The keys, and what is done with their PINs.

use certdesk_contract::catalogue::Text;
use certdesk_domain::{
    Timestamp,
    token::{KeyAlgorithm, ModuleFault, ObjectClass, PinTries},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::{
    failure::Failure,
    view::{ApplicationView, DraftView, IssuanceView, ReceiptView, SessionView},
};

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
    /// A key is plugged in, by its USB numbers or its card's answer to reset, and no driver for it is installed.
    KeyWithoutDriver {
        /// The key, as people call it.
        vendor: Text,
        /// USB numbers, `vvvv:pppp`; none of a card in a reader.
        usb: Option<String>,
        /// The driver that the service has for it and this computer, as far as its list was seen.
        package: Option<Text>,
    },
    /// A driver is installed, and none that can be used; `driver` names the first.
    ModuleUnusable {
        /// File name of the module.
        driver: String,
        /// Why it is not loaded.
        fault: ModuleFault,
    },
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
    /// Wrong ones in a row that lock such a key as it leaves the factory. Says nothing of how many are left.
    pub tries: Option<u32>,
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
    /// Read what was seen, without the service: the key signs something random, here alone.
    ReadOffline {
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
    /// Logged in; for `read_offline` here alone.
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

/// How a certificate is written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CertificateEncoding {
    /// Text (RFC 7468).
    Pem,
    /// Bytes.
    Der,
}
