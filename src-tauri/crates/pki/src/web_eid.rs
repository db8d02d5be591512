//! The Web eID 1.0 authentication value: what the token signs at login, and its check.
//!
//! Specification: web-eid/web-eid-system-architecture-doc, "Web eID authentication token specification".

use certdesk_domain::token::SignatureScheme;
use ring::digest::{SHA256, SHA384, digest};

use crate::{Certificate, PkiError, key};

/// The message a token signs: `hash(origin) ‖ hash(nonce)`, by the hash of the scheme.
pub fn signed_value(scheme: SignatureScheme, origin: &str, nonce: &str) -> Vec<u8> {
    let hash = match scheme {
        SignatureScheme::EcdsaP384Sha384 => &SHA384,
        _ => &SHA256,
    };
    [digest(hash, origin.as_bytes()).as_ref(), digest(hash, nonce.as_bytes()).as_ref()].concat()
}

/// The JWA name of a scheme (RFC 7518 §3.1); `None` for SM2, which it does not know.
pub fn jwa_name(scheme: SignatureScheme) -> Option<&'static str> {
    match scheme {
        SignatureScheme::RsaPkcs1Sha256 => Some("RS256"),
        SignatureScheme::RsaPssSha256 => Some("PS256"),
        SignatureScheme::EcdsaP256Sha256 => Some("ES256"),
        SignatureScheme::EcdsaP384Sha384 => Some("ES384"),
        SignatureScheme::Sm2Sm3 => None,
    }
}

/// The scheme with this JWA name, if it is one of ours.
pub fn scheme(jwa_name: &str) -> Option<SignatureScheme> {
    match jwa_name {
        "RS256" => Some(SignatureScheme::RsaPkcs1Sha256),
        "PS256" => Some(SignatureScheme::RsaPssSha256),
        "ES256" => Some(SignatureScheme::EcdsaP256Sha256),
        "ES384" => Some(SignatureScheme::EcdsaP384Sha384),
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
    key::verify(&certificate.spki_der, scheme, &signed_value(scheme, origin, nonce), signature)?;
    Ok(certificate)
}
