//! 国密 SM2 signatures with SM3 (GM/T 0003.2, draft-shen-sm2-ecdsa): what a token is to sign, and whether it holds. The
//! curve and the hash are RustCrypto's; what is hashed before the message is written here.

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use sm2::dsa::{Signature, VerifyingKey, signature::hazmat::PrehashVerifier};
use sm3::{Digest, Sm3};

use crate::{PkiError, der, key};

/// `sm2p256v1`; some authorities write it in the algorithm's place too.
pub(crate) const CURVE: &str = "1.2.156.10197.1.301";
/// `sm2sign-with-sm3`
pub(crate) const SM2_WITH_SM3: &str = "1.2.156.10197.1.501";
/// AlgorithmIdentifier of `sm2sign-with-sm3`, parameters absent (GM/T 0015).
pub(crate) const ALGORITHM_SM2: &[u8] = &[0x30, 0x0A, 0x06, 0x08, 0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75];

/// The identity that signers of certificates and requests go by where nobody agreed on another (GM/T 0009 §10).
const SIGNER: &str = "1234567812345678";

/// a, b, and the generator's x and y (GM/T 0003.5).
const PARAMETERS: [&[u8; 32]; 4] = [
    b"\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xfc",
    b"\x28\xe9\xfa\x9e\x9d\x9f\x5e\x34\x4d\x5a\x9e\x4b\xcf\x65\x09\xa7\xf3\x97\x89\xf5\x15\xab\x8f\x92\xdd\xbc\xbd\x41\x4d\x94\x0e\x93",
    b"\x32\xc4\xae\x2c\x1f\x19\x81\x19\x5f\x99\x04\x46\x6a\x39\xc9\x94\x8f\xe3\x0b\xbf\xf2\x66\x0b\xe1\x71\x5a\x45\x89\x33\x4c\x74\xc7",
    b"\xbc\x37\x36\xa2\xf4\xf6\x77\x9c\x59\xbd\xce\xe3\x6b\x69\x21\x53\xd0\xa9\x87\x7c\xc6\x2a\x47\x40\x02\xdf\x32\xe5\x21\x39\xf0\xa0",
];

/// What a token signs: `e = SM3(Z ‖ message)`, where `Z` is the hash of the signer's identity and public key.
///
/// # Errors
/// [`PkiError::Malformed`], [`PkiError::UnsupportedKey`] for a key of another kind.
pub fn digest(spki_der: &[u8], message: &[u8]) -> Result<[u8; 32], PkiError> {
    let spki = key::parse(spki_der)?;
    let point = key::sm2_point(&spki).ok_or(PkiError::UnsupportedKey)?;
    Ok(e(point, message))
}

/// Verifies the raw `r‖s` of a token.
pub(crate) fn verify(spki_der: &[u8], message: &[u8], signature: &[u8]) -> Result<(), PkiError> {
    let spki = key::parse(spki_der)?;
    let point = key::sm2_point(&spki).ok_or(PkiError::UnsupportedKey)?;
    verify_raw(point, message, signature).ok_or(PkiError::BadSignature)
}

/// The same for `SEQUENCE { r, s }`, as X.509 carries it (GM/T 0009 §7).
pub(crate) fn verify_der(spki_der: &[u8], message: &[u8], signature: &[u8]) -> Result<(), PkiError> {
    verify(spki_der, message, &raw(signature).ok_or(PkiError::BadSignature)?)
}

/// For chains: SM2 keys that signed certificates, with the parameters of the signature absent or NULL.
pub(crate) static VERIFICATION: [&dyn SignatureVerificationAlgorithm; 2] =
    [&Sm2Sm3 { signature: WITHOUT_PARAMETERS }, &Sm2Sm3 { signature: WITH_NULL }];

const WITHOUT_PARAMETERS: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(ALGORITHM_SM2.split_at(2).1);
const WITH_NULL: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(&[0x06, 0x08, 0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75, 0x05, 0x00]);
/// `id-ecPublicKey` with the curve.
const PUBLIC_KEY: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x82, 0x2D,
]);

#[derive(Debug)]
struct Sm2Sm3 {
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Sm2Sm3 {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        raw(signature).and_then(|raw| verify_raw(public_key, message, &raw)).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        PUBLIC_KEY
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

fn e(point: &[u8], message: &[u8]) -> [u8; 32] {
    let bits = (SIGNER.len() as u16 * 8).to_be_bytes();
    let mut z = Sm3::new();
    z.update(bits);
    z.update(SIGNER);
    for parameter in PARAMETERS {
        z.update(parameter);
    }
    z.update(&point[1..]); // without the byte that says: uncompressed
    Sm3::new_with_prefix(z.finalize()).chain_update(message).finalize().into()
}

fn verify_raw(point: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = VerifyingKey::from_sec1_bytes(SIGNER, point).ok().filter(|_| key::is_uncompressed(point, 32))?;
    let signature = Signature::from_slice(signature).ok()?;
    key.verify_prehash(&e(point, message), &signature).ok()
}

/// `r‖s` out of `SEQUENCE { r, s }`, both unsigned and of 32 bytes at most.
fn raw(signature: &[u8]) -> Option<[u8; 64]> {
    let mut reader = der::Reader(signature);
    let mut sequence = der::Reader(reader.expect(der::SEQUENCE)?.content);
    let mut raw = [0; 64];
    for half in raw.chunks_mut(32) {
        let number = sequence.expect(der::INTEGER)?.content;
        let number = match number {
            [0, rest @ ..] => rest,
            number => number,
        };
        let start = half.len().checked_sub(number.len())?;
        half[start..].copy_from_slice(number);
    }
    (reader.0.is_empty() && sequence.0.is_empty()).then_some(raw)
}
