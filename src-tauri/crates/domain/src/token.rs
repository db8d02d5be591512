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

/// Who pointed to a driver module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ts_rs::TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ModuleOrigin {
    /// A person, or whoever started the program.
    Chosen,
    /// The system's own list of modules.
    Registered {
        /// Whose list: `p11-kit`, `Firefox`.
        by: String,
    },
    /// A place that our profiles know.
    Profile,
}

/// Why a driver module is not loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ts_rs::TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ModuleFault {
    /// The file is no library of this system.
    NotALibrary,
    /// A library, but no PKCS#11 module: it has no `C_GetFunctionList`.
    NotAModule,
    /// For another machine than any of our helper programs.
    OtherMachine {
        /// Such as `x86`, `ARM64`.
        machine: String,
        /// 32 or 64; 0 where the header does not tell.
        bits: u8,
    },
    /// Libraries it needs are not on this computer.
    MissingLibraries {
        /// Their names, as the module has them.
        names: Vec<String>,
    },
    /// A driver of another interface than PKCS#11.
    OtherInterface {
        /// `SKF` (GM/T 0016).
        name: String,
    },
    /// A person does not want it.
    Banned,
    /// There is no such file.
    Gone,
}

/// Class of an object on a token (`CKA_CLASS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum ObjectClass {
    /// `CKO_CERTIFICATE`
    Certificate,
    /// `CKO_PRIVATE_KEY`
    PrivateKey,
    /// `CKO_PUBLIC_KEY`
    PublicKey,
    /// `CKO_SECRET_KEY`
    SecretKey,
    /// `CKO_DATA`
    Data,
    /// Any other.
    Other,
}

/// Algorithm of a key pair on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyAlgorithm {
    /// RSA with a 2048-bit modulus.
    Rsa2048,
    /// RSA with a 3072-bit modulus.
    Rsa3072,
    /// RSA with a 4096-bit modulus.
    Rsa4096,
    /// ECDSA on NIST P-256.
    EcP256,
    /// ECDSA on NIST P-384.
    EcP384,
    /// 国密 SM2 (GM/T 0003, curve `sm2p256v1`); a token does it by a mechanism of its vendor's own.
    Sm2,
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
    /// ECDSA on P-384 with SHA-384 (FIPS 186-5); the signature is the raw `r‖s`, 96 bytes.
    EcdsaP384Sha384,
    /// SM2 with SM3 over the signer's identity and the message (GM/T 0003.2); the signature is the raw `r‖s`, 64 bytes.
    Sm2Sm3,
}

impl KeyAlgorithm {
    /// All of them, the most usual first.
    pub const ALL: [Self; 6] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::EcP256, Self::EcP384, Self::Sm2];

    /// The scheme that keys of this algorithm sign with on every token.
    pub fn scheme(self) -> SignatureScheme {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => SignatureScheme::RsaPkcs1Sha256,
            Self::EcP256 => SignatureScheme::EcdsaP256Sha256,
            Self::EcP384 => SignatureScheme::EcdsaP384Sha384,
            Self::Sm2 => SignatureScheme::Sm2Sm3,
        }
    }
}

impl SignatureScheme {
    /// Bytes in the digest that the token gets.
    pub fn digest_length(self) -> usize {
        match self {
            Self::EcdsaP384Sha384 => 48,
            _ => 32,
        }
    }
}
