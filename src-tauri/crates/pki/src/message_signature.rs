//! Algorithms of HTTP message signatures (RFC 9421 §3.3) by their registered names.

use certdesk_domain::token::SignatureScheme;

use crate::{PkiError, key};

/// The registered name of a scheme; `None` for one that RFC 9421 does not know.
pub fn name(scheme: SignatureScheme) -> Option<&'static str> {
    match scheme {
        SignatureScheme::RsaPkcs1Sha256 => Some("rsa-v1_5-sha256"),
        SignatureScheme::EcdsaP256Sha256 => Some("ecdsa-p256-sha256"),
        SignatureScheme::EcdsaP384Sha384 => Some("ecdsa-p384-sha384"),
        SignatureScheme::RsaPssSha256 | SignatureScheme::Sm2Sm3 => None,
    }
}

/// Verifies a signature of the named algorithm: `ecdsa-p256-sha256` and `ecdsa-p384-sha384` (raw `r‖s`), `rsa-v1_5-sha256`, `rsa-pss-sha512`.
///
/// # Errors
/// [`PkiError::UnsupportedKey`] for any other name or where the key is of another kind, [`PkiError::Malformed`],
/// [`PkiError::BadSignature`].
pub fn verify(spki_der: &[u8], name: &str, message: &[u8], signature: &[u8]) -> Result<(), PkiError> {
    match name {
        "rsa-v1_5-sha256" => key::verify(spki_der, SignatureScheme::RsaPkcs1Sha256, message, signature),
        "ecdsa-p256-sha256" => key::verify(spki_der, SignatureScheme::EcdsaP256Sha256, message, signature),
        "ecdsa-p384-sha384" => key::verify(spki_der, SignatureScheme::EcdsaP384Sha384, message, signature),
        "rsa-pss-sha512" => key::verify_rsa_pss_sha512(spki_der, message, signature),
        _ => Err(PkiError::UnsupportedKey),
    }
}
