//! What a token lets us know about itself (PKCS#11 v3.0 §2.2, `CK_TOKEN_INFO` flags).

use serde::{Deserialize, Serialize};

/// What is known of the PIN tries that remain. PKCS#11 has flags, never a number; a module that never raises them
/// is `Unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum PinTries {
    /// No `CKF_USER_PIN_*` warning is raised.
    NoWarning,
    /// `CKF_USER_PIN_COUNT_LOW`
    Few,
    /// `CKF_USER_PIN_FINAL_TRY`
    Last,
    /// `CKF_USER_PIN_LOCKED`
    Locked,
    /// This token does not tell.
    Unknown,
}

/// Algorithm of a key pair made on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyAlgorithm {
    /// RSA with a 2048-bit modulus.
    Rsa2048,
    /// ECDSA on NIST P-256.
    EcP256,
}

/// How a token signs here. The hash is taken in software: that works on the most tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2).
    RsaPkcs1Sha256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt of 32 bytes (RFC 8017 §8.1).
    RsaPssSha256,
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5); the signature is the raw `r‖s`, 64 bytes.
    EcdsaP256Sha256,
}

impl KeyAlgorithm {
    /// The scheme that keys of this algorithm sign with on every token.
    pub fn scheme(self) -> SignatureScheme {
        match self {
            Self::Rsa2048 => SignatureScheme::RsaPkcs1Sha256,
            Self::EcP256 => SignatureScheme::EcdsaP256Sha256,
        }
    }
}
