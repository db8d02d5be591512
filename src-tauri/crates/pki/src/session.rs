//! The session key of a token login: an ephemeral P-256 key that never leaves this process.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

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

    /// The canonical form hashed by `printf '{"crv":…}' | openssl dgst -sha256 -binary | basenc --base64url`.
    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        assert_eq!(jwk_thumbprint(x, y), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    }
}
