//! The Web eID 1.0 authentication value: what the token signs at login, and its check.
//!
//! Specification: web-eid/web-eid-system-architecture-doc, "Web eID authentication token specification".

use certdesk_domain::token::SignatureScheme;
use ring::digest::{SHA256, digest};

use crate::{Certificate, PkiError, key};

/// The message a token signs: `hash(origin) ‖ hash(nonce)`, SHA-256 (all our schemes use it).
pub fn signed_value(origin: &str, nonce: &str) -> Vec<u8> {
    [digest(&SHA256, origin.as_bytes()).as_ref(), digest(&SHA256, nonce.as_bytes()).as_ref()].concat()
}

/// The JWA name of a scheme (RFC 7518 §3.1).
pub fn jwa_name(scheme: SignatureScheme) -> &'static str {
    match scheme {
        SignatureScheme::RsaPkcs1Sha256 => "RS256",
        SignatureScheme::RsaPssSha256 => "PS256",
        SignatureScheme::EcdsaP256Sha256 => "ES256",
    }
}

/// The scheme with this JWA name, if it is one of ours.
pub fn scheme(jwa_name: &str) -> Option<SignatureScheme> {
    match jwa_name {
        "RS256" => Some(SignatureScheme::RsaPkcs1Sha256),
        "PS256" => Some(SignatureScheme::RsaPssSha256),
        "ES256" => Some(SignatureScheme::EcdsaP256Sha256),
        _ => None,
    }
}

/// Checks the signature of an authentication token. The certificate's own trust and validity are [`crate::chain`]'s.
///
/// `algorithm` is the JWA name, `signature` raw bytes, `origin` the service's own, `nonce` the one that was signed.
///
/// # Errors
/// [`PkiError::Malformed`], [`PkiError::UnsupportedKey`], [`PkiError::BadSignature`].
pub fn verify(
    certificate_der: &[u8],
    algorithm: &str,
    signature: &[u8],
    origin: &str,
    nonce: &str,
) -> Result<Certificate, PkiError> {
    let certificate = Certificate::parse(certificate_der)?;
    let scheme = scheme(algorithm).ok_or(PkiError::UnsupportedKey)?;
    key::verify(&certificate.spki_der, scheme, &signed_value(origin, nonce), signature)?;
    Ok(certificate)
}
