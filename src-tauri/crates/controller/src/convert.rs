//! Failures of the rooms below, in the words of the window.

use certdesk_cache::CacheError;
use certdesk_contract::ProblemCode;
use certdesk_forms::FormError;
use certdesk_pki::PkiError;
use certdesk_portal::{PortalError, ScriptTrouble};
use certdesk_token::TokenError;
use sha2::{Digest, Sha256};

use crate::{
    failure::{Failure, LocalCode},
    network::REFUSED,
    view::{ObjectView, PinAdvice, PinCharacters},
};

/// A fault of this program, with its cause for the helpdesk.
pub(crate) fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::new(LocalCode::Internal).with_detail(error.to_string())
}

/// A UUIDv8 (RFC 9562 §5.8) that names a content: the same request has the same name, pressed twice or sent anew
/// after a kill.
pub(crate) fn named_uuid(content: &impl serde::Serialize) -> Result<uuid::Uuid, Failure> {
    let content = serde_json::to_vec(content).map_err(internal)?;
    let digest = Sha256::digest(content);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Ok(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// SHA-256, lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file of this computer that could not be read.
pub(crate) fn unreadable(error: &std::io::Error) -> Failure {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => LocalCode::FileGone,
        // No file of a person's own is read in a way that could find this out.
        std::io::ErrorKind::InvalidData => LocalCode::SignedFormDamaged,
        _ => LocalCode::FileUnreadable,
    };
    Failure::new(code).with_detail(error.kind().to_string())
}

/// A file of this computer that could not be written.
pub(crate) fn not_written(error: std::io::Error) -> Failure {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull => LocalCode::DiskFull,
        _ => LocalCode::StorageFailed,
    };
    Failure::new(code).with_detail(error.kind().to_string())
}

impl Failure {
    /// Whether the service no longer knows the session.
    pub(crate) fn is_session_end(&self) -> bool {
        self.is_said(ProblemCode::Unauthenticated)
    }

    /// Whether nothing came of the service itself, and may at another time or in another network: what was seen before
    /// is shown meanwhile, and what is to be told waits.
    pub(crate) fn is_away(&self) -> bool {
        const AWAY: [LocalCode; 18] = [
            LocalCode::ServiceUnreachable,
            LocalCode::ProxyUnreachable,
            LocalCode::ProxyRefused,
            LocalCode::ProxyLoginNeeded,
            LocalCode::ProxyUnsupported,
            LocalCode::ProxyScriptUnaddressed,
            LocalCode::ProxyScriptUnfetched,
            LocalCode::ProxyScriptMissing,
            LocalCode::ProxyScriptThrew,
            LocalCode::ProxyScriptEndless,
            LocalCode::ProxyScriptNonsense,
            LocalCode::ProxyScriptUnspoken,
            LocalCode::ProxyScriptNotRun,
            LocalCode::NetworkLogin,
            LocalCode::ServiceReplaced,
            LocalCode::ServiceMoved,
            LocalCode::ClockWrong,
            LocalCode::OfflineSession,
        ];
        AWAY.into_iter().any(|code| self.is(code))
    }

    /// Whether the service takes the certificate of the session no more.
    pub(crate) fn is_certificate_end(&self) -> bool {
        self.is_said(ProblemCode::CertificateRevoked) || self.is_said(ProblemCode::CertificateExpired)
    }
}

impl From<PortalError> for Failure {
    fn from(error: PortalError) -> Self {
        let (code, detail) = match error {
            PortalError::Problem(problem) => return problem.into(),
            PortalError::BadAddress => return LocalCode::BadServiceAddress.into(),
            PortalError::Unreachable(detail) => (LocalCode::ServiceUnreachable, detail),
            PortalError::ProxyAway(detail) => (LocalCode::ProxyUnreachable, detail),
            PortalError::ProxyRefused(detail) => (LocalCode::ProxyRefused, detail),
            PortalError::ProxyLogin { refused: true } => (LocalCode::ProxyLoginNeeded, REFUSED.to_owned()),
            PortalError::ProxyLogin { refused: false } => return LocalCode::ProxyLoginNeeded.into(),
            PortalError::ProxyUnsupported(detail) => (LocalCode::ProxyUnsupported, detail),
            PortalError::ProxyByScript(trouble) => return trouble.into(),
            PortalError::NetworkLogin(detail) => (LocalCode::NetworkLogin, detail),
            PortalError::Moved(detail) => (LocalCode::ServiceMoved, detail),
            PortalError::ClockWrong(skew) => return crate::clock_wrong(skew),
            PortalError::Replaced(issuer) => (LocalCode::ServiceReplaced, issuer),
            PortalError::TlsUntrusted(detail) => (LocalCode::TlsUntrusted, detail),
            PortalError::Garbled(detail) => (LocalCode::ServiceGarbled, detail),
            PortalError::FileChanged => return LocalCode::FileChanged.into(),
            PortalError::FileDamaged => return LocalCode::SignedFormDamaged.into(),
            PortalError::FileGone => return LocalCode::FileGone.into(),
            PortalError::DiskFull => return LocalCode::DiskFull.into(),
            PortalError::File(detail) => (LocalCode::FileUnreadable, detail),
            PortalError::UnsupportedKey => return LocalCode::NoCertificateOnKey.into(),
            PortalError::HeldBack => return LocalCode::OfflineSession.into(),
            PortalError::Cancelled => return LocalCode::Gone.into(),
        };
        Failure::new(code).with_detail(detail)
    }
}

impl From<ScriptTrouble> for Failure {
    fn from(trouble: ScriptTrouble) -> Self {
        let (code, detail) = match trouble {
            ScriptTrouble::Unaddressed => return LocalCode::ProxyScriptUnaddressed.into(),
            ScriptTrouble::Unfetched(cause) => (LocalCode::ProxyScriptUnfetched, cause),
            ScriptTrouble::NoScript(cause) => (LocalCode::ProxyScriptMissing, cause),
            ScriptTrouble::Threw(cause) => (LocalCode::ProxyScriptThrew, cause),
            ScriptTrouble::Endless => return LocalCode::ProxyScriptEndless.into(),
            ScriptTrouble::Nonsense(answer) => (LocalCode::ProxyScriptNonsense, answer),
            ScriptTrouble::Unspoken(kinds) => (LocalCode::ProxyScriptUnspoken, kinds),
            ScriptTrouble::NotRun(cause) => (LocalCode::ProxyScriptNotRun, cause),
        };
        Failure::new(code).with_detail(detail)
    }
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        let code = match error {
            CacheError::DiskFull => LocalCode::DiskFull,
            CacheError::Gone { .. } => LocalCode::Gone,
            CacheError::Newer { .. } => LocalCode::StorageNewer,
            CacheError::Corrupt => LocalCode::StorageDamaged,
            _ => LocalCode::StorageFailed,
        };
        Failure::new(code).with_detail(error.to_string())
    }
}

impl From<PkiError> for Failure {
    fn from(error: PkiError) -> Self {
        internal(error)
    }
}

impl From<FormError> for Failure {
    fn from(error: FormError) -> Self {
        match error {
            FormError::MissingCharacters(characters) => {
                Failure::new(LocalCode::RareCharacter).with_detail(characters.into_iter().collect::<String>())
            }
            other => internal(other),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let code = match &error {
            // Whoever sends a PIN to log in looks for this one first; see `pin.rs`.
            TokenError::PinIncorrect { .. } => LocalCode::PinIncorrect,
            TokenError::SoPinIncorrect { .. } => LocalCode::Internal,
            TokenError::SoPinLocked => LocalCode::SoPinLocked,
            TokenError::NewPinLength => LocalCode::NewPinLength,
            TokenError::NewPinRefused => LocalCode::NewPinRefused,
            TokenError::PinMustChange => LocalCode::PinMustChange,
            // Whoever signs asks for the PIN; it was not given (see `pin.rs`).
            TokenError::PinAgain => LocalCode::PinWithheld,
            TokenError::PinLocked => LocalCode::PinLocked,
            TokenError::PinDoubtful { .. } => LocalCode::PinDoubtful,
            TokenError::PinLength => LocalCode::PinLength,
            TokenError::NoToken => LocalCode::KeyRemoved,
            TokenError::NotLoggedIn => LocalCode::PinNeeded,
            TokenError::TokenFull => LocalCode::TokenFull,
            TokenError::WriteProtected => LocalCode::TokenWriteProtected,
            TokenError::NotInitialised => LocalCode::TokenNotReady,
            TokenError::Unsupported { .. } => LocalCode::KeyUnable,
            TokenError::Hung { .. } => LocalCode::DriverHung,
            TokenError::WrongArchitecture { .. } => LocalCode::DriverWrongArchitecture,
            TokenError::CertificateMismatch => LocalCode::CertificateMismatch,
            TokenError::NoSuchModule => LocalCode::DriverMissing,
            _ => LocalCode::DriverFailed,
        };
        Failure::new(code).with_detail(error.to_string())
    }
}

impl From<certdesk_token::TokenObject> for ObjectView {
    fn from(object: certdesk_token::TokenObject) -> Self {
        Self {
            class: object.class,
            kind: object.kind,
            label: object.label,
            id: object.id.iter().map(|byte| format!("{byte:02x}")).collect(),
            bits: object.bits,
            bytes: object.bytes,
            flags: object.flags,
        }
    }
}

impl From<pkcs11_profiles::PinRules> for PinAdvice {
    fn from(rules: pkcs11_profiles::PinRules) -> Self {
        let characters = match rules.characters {
            pkcs11_profiles::PinCharacters::Digits => PinCharacters::Digits,
            pkcs11_profiles::PinCharacters::LettersAndDigits => PinCharacters::LettersAndDigits,
            pkcs11_profiles::PinCharacters::Printable => PinCharacters::Printable,
        };
        Self { min: rules.min, max: rules.max, characters, tries: rules.tries }
    }
}
