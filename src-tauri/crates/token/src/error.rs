//! What can go wrong with a token, in the words the window acts on.

use certdesk_domain::token::PinTries;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Why a token call failed. None of them is ever answered by repeating the call unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TokenError {
    /// The token itself says the PIN is wrong (`CKR_PIN_INCORRECT`), and nothing else does.
    #[error("the PIN is wrong")]
    PinIncorrect {
        /// What the token's flags say afterwards.
        tries: PinTries,
    },
    /// The PIN was not taken, with an answer that this driver gives to wrong PINs and to other troubles alike: it may have
    /// been wrong, and nobody can tell.
    #[error("the PIN may have been wrong: the driver answered {code}")]
    PinDoubtful {
        /// The return value, such as `CKR_GENERAL_ERROR`.
        code: String,
    },
    /// No tries are left (`CKR_PIN_LOCKED`).
    #[error("the PIN is locked")]
    PinLocked,
    /// The token says the security officer's PIN is wrong; that of the user is untouched.
    #[error("the security officer's PIN is wrong")]
    SoPinIncorrect {
        /// What the token's flags say of the security officer's tries afterwards.
        tries: PinTries,
    },
    /// No tries of the security officer's PIN are left: nobody can unblock this token any more.
    #[error("the security officer's PIN is locked")]
    SoPinLocked,
    /// The token takes the new PIN not for what it consists of (`CKR_PIN_INVALID`, `CKR_PIN_TOO_WEAK`). The old one holds.
    #[error("the token does not take this as its new PIN")]
    NewPinRefused,
    /// The token takes the new PIN not for its length (`CKR_PIN_LEN_RANGE`). The old one holds.
    #[error("the new PIN has a length that this token does not take")]
    NewPinLength,
    /// The PIN is that of the maker or of the one who handed the token out, and must be changed before anything else
    /// (`CKR_PIN_EXPIRED`).
    #[error("the PIN must be changed first")]
    PinMustChange,
    /// This key wants the PIN again for each signature (`CKA_ALWAYS_AUTHENTICATE`): the call did nothing yet.
    #[error("the key wants the PIN again for this signature")]
    PinAgain,
    /// Too short or too long for this token (`CKR_PIN_LEN_RANGE`).
    #[error("the PIN has a length that this token does not take")]
    PinLength,
    /// Not plugged in, or pulled out meanwhile.
    #[error("the token is not there")]
    NoToken,
    /// The call needs a login, or the login is gone since the driver was started anew.
    #[error("nobody is logged in to the token")]
    NotLoggedIn,
    /// No room for another object (`CKR_DEVICE_MEMORY`).
    #[error("the token is full")]
    TokenFull,
    /// The token cannot be written to (`CKR_TOKEN_WRITE_PROTECTED`).
    #[error("the token is write-protected")]
    WriteProtected,
    /// The token has not been initialised or has no user PIN yet.
    #[error("the token is not initialised")]
    NotInitialised,
    /// The token or its driver cannot do this.
    #[error("the token does not support {what}")]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// The driver did not answer in time. Its helper was killed; whether the call took effect is unknown.
    #[error("the driver did not answer {call} within {after:?} and was stopped")]
    Hung {
        /// The call it did not answer.
        call: String,
        /// Its deadline.
        after: Duration,
    },
    /// The helper ended, or answered what is no answer, and was replaced; whether the call took effect is unknown.
    #[error("the driver crashed")]
    Crashed,
    /// The module cannot be loaded.
    #[error("the driver cannot be loaded: {reason}")]
    CannotLoad {
        /// The system's or the module's words.
        reason: String,
    },
    /// The module is for another processor or bitness than the helper.
    #[error("the driver is for {found}, needed is {needed}")]
    WrongArchitecture {
        /// What the file's header says.
        found: String,
        /// What the helper is.
        needed: String,
    },
    /// There is no such file.
    #[error("the driver is not installed")]
    NoSuchModule,
    /// Our own helper program cannot be started: the installation is damaged.
    #[error("the helper program cannot be started: {reason}")]
    NoHelper {
        /// The system's words.
        reason: String,
    },
    /// No key pair with this `CKA_ID` is on the token.
    #[error("no such key is on the token")]
    NoSuchKey,
    /// The certificate belongs to another key than the one named; nothing was written.
    #[error("the certificate belongs to another key")]
    CertificateMismatch,
    /// Any other answer of the module.
    #[error("{call} answered {code}")]
    Driver {
        /// The PKCS#11 function, such as `C_Sign`.
        call: String,
        /// The return value, such as `CKR_GENERAL_ERROR`.
        code: String,
    },
}
