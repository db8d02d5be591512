//! The key of a session: an ephemeral P-256 key that never leaves this process.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

use crate::PkiError;

/// An ephemeral P-256 key. Gone with its last owner.
pub struct SessionKey {
    pair: EcdsaKeyPair,
}

impl SessionKey {
    /// A fresh key from the system's random source.
    pub fn generate() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .expect("the system's random source does not fail");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
            .expect("a key just made is well-formed");
        Self { pair }
    }

    /// The public point as a JWK has it (RFC 7518 §6.2.1): `(x, y)`, base64url without padding.
    pub fn jwk(&self) -> (String, String) {
        let point = self.pair.public_key().as_ref();
        (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]))
    }

    /// ECDSA with SHA-256, raw `r‖s`, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        signature.expect("the system's random source does not fail").as_ref().to_vec()
    }

    /// [`jwk_thumbprint`] of this key.
    pub fn thumbprint(&self) -> String {
        let (x, y) = self.jwk();
        jwk_thumbprint(&x, &y)
    }
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKey(redacted)")
    }
}

/// RFC 7638 thumbprint of a P-256 key, SHA-256, base64url without padding. `x`, `y` as [`SessionKey::jwk`] gives them.
pub fn jwk_thumbprint(x: &str, y: &str) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

/// What names a certificate in a signature: `x5t#S256` (RFC 7515 §4.1.8), SHA-256 of its DER, base64url without padding.
pub fn x5t_s256(certificate_der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, certificate_der))
}

/// The SubjectPublicKeyInfo (RFC 5480) of a P-256 key given as a JWK has it.
///
/// # Errors
/// [`PkiError::Malformed`] where a coordinate is not 32 bytes. Whether the point is on the curve shows when it verifies.
pub fn spki_of_jwk(x: &str, y: &str) -> Result<Vec<u8>, PkiError> {
    // id-ecPublicKey, prime256v1, and a BIT STRING with an uncompressed point of 64 bytes to follow.
    const HEAD: [u8; 27] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let mut spki = HEAD.to_vec();
    for coordinate in [x, y] {
        let bytes = URL_SAFE_NO_PAD.decode(coordinate).ok().filter(|bytes| bytes.len() == 32);
        spki.extend(bytes.ok_or(PkiError::Malformed("public key"))?);
    }
    Ok(spki)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_session_has_its_own_key() {
        let (a, b) = (SessionKey::generate(), SessionKey::generate());
        assert_ne!(a.thumbprint(), b.thumbprint(), "two sessions must not share a key");
        assert_eq!(a.thumbprint().len(), 43);
        let (x, y) = a.jwk();
        assert_eq!((x.len(), y.len()), (43, 43));
        assert_eq!(format!("{a:?}"), "SessionKey(redacted)");
    }

    #[test]
    fn what_a_session_key_signs_verifies_by_its_jwk() {
        use certdesk_domain::token::SignatureScheme::EcdsaP256Sha256;
        let key = SessionKey::generate();
        let (x, y) = key.jwk();
        let spki = spki_of_jwk(&x, &y).expect("a JWK just made");
        let signature = key.sign(b"message");
        assert_eq!(crate::verify(&spki, EcdsaP256Sha256, b"message", &signature), Ok(()));
        assert_eq!(crate::verify(&spki, EcdsaP256Sha256, b"massage", &signature), Err(PkiError::BadSignature));
        assert!(spki_of_jwk(&x[1..], &y).is_err(), "a coordinate has 32 bytes");
    }

    /// The canonical form hashed by `printf '{"crv":…}' | openssl dgst -sha256 -binary | basenc --base64url`.
    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        assert_eq!(jwk_thumbprint(x, y), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    }
}
