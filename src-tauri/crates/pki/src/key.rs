//! Public keys as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): their kind, their name on a token, and what they verify.

use certdesk_domain::token::{KeyAlgorithm, SignatureScheme};
use ring::{digest as ring_digest, signature as ring_signature};
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

use crate::{PkiError, der, sm2};

pub(crate) const RSA: &str = "1.2.840.113549.1.1.1";
pub(crate) const EC: &str = "1.2.840.10045.2.1";
pub(crate) const CURVE_P256: &str = "1.2.840.10045.3.1.7";
pub(crate) const CURVE_P384: &str = "1.3.132.0.34";

/// The kind of a key, if it is one that is issued for here.
///
/// # Errors
/// [`PkiError::Malformed`], [`PkiError::UnsupportedKey`].
pub fn key_algorithm(spki_der: &[u8]) -> Result<KeyAlgorithm, PkiError> {
    let spki = parse(spki_der)?;
    let bits = key_bits(&spki);
    if sm2_point(&spki).is_some() {
        return Ok(KeyAlgorithm::Sm2);
    }
    match spki.algorithm.algorithm.to_id_string().as_str() {
        RSA => match rsa_modulus_bits(bits) {
            Some(2048) => Ok(KeyAlgorithm::Rsa2048),
            Some(3072) => Ok(KeyAlgorithm::Rsa3072),
            Some(4096) => Ok(KeyAlgorithm::Rsa4096),
            _ => Err(PkiError::UnsupportedKey),
        },
        EC => match curve(&spki).as_deref() {
            Some(CURVE_P256) if is_uncompressed(bits, 32) => Ok(KeyAlgorithm::EcP256),
            Some(CURVE_P384) if is_uncompressed(bits, 48) => Ok(KeyAlgorithm::EcP384),
            _ => Err(PkiError::UnsupportedKey),
        },
        _ => Err(PkiError::UnsupportedKey),
    }
}

/// The name a key pair gets on a token (`CKA_ID`): SHA-1 of the subjectPublicKey bits (RFC 5280 §4.2.1.2, method 1).
///
/// # Errors
/// [`PkiError::Malformed`].
pub fn key_id(spki_der: &[u8]) -> Result<[u8; 20], PkiError> {
    let spki = parse(spki_der)?;
    let hash = ring_digest::digest(&ring_digest::SHA1_FOR_LEGACY_USE_ONLY, key_bits(&spki));
    Ok(hash.as_ref().try_into().expect("SHA-1 has 20 bytes"))
}

/// What a token signs of a message by this scheme: its digest, of [`SignatureScheme::digest_length`] bytes. The public key
/// matters for SM2 alone.
///
/// # Errors
/// [`PkiError::Malformed`], [`PkiError::UnsupportedKey`] for SM2 with a key of another kind.
pub fn digest(spki_der: &[u8], scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, PkiError> {
    let algorithm = match scheme {
        SignatureScheme::Sm2Sm3 => return Ok(sm2::digest(spki_der, message)?.to_vec()),
        SignatureScheme::EcdsaP384Sha384 => &ring_digest::SHA384,
        SignatureScheme::RsaPkcs1Sha256 | SignatureScheme::RsaPssSha256 | SignatureScheme::EcdsaP256Sha256 => {
            &ring_digest::SHA256
        }
    };
    Ok(ring_digest::digest(algorithm, message).as_ref().to_vec())
}

/// Verifies a signature as a token makes it (ECDSA, SM2: raw `r‖s`). RSA keys of 2048 to 8192 bits, ECDSA keys on P-256
/// and P-384, SM2 keys.
///
/// # Errors
/// [`PkiError::Malformed`] for a key that is none, [`PkiError::UnsupportedKey`] where the scheme does not fit the key,
/// [`PkiError::BadSignature`].
pub fn verify(spki_der: &[u8], scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> Result<(), PkiError> {
    use ring_signature as ring;
    match scheme {
        SignatureScheme::RsaPkcs1Sha256 => {
            verify_with(spki_der, &ring::RSA_PKCS1_2048_8192_SHA256, None, message, signature)
        }
        SignatureScheme::RsaPssSha256 => {
            verify_with(spki_der, &ring::RSA_PSS_2048_8192_SHA256, None, message, signature)
        }
        SignatureScheme::EcdsaP256Sha256 => {
            verify_with(spki_der, &ring::ECDSA_P256_SHA256_FIXED, Some(CURVE_P256), message, signature)
        }
        SignatureScheme::EcdsaP384Sha384 => {
            verify_with(spki_der, &ring::ECDSA_P384_SHA384_FIXED, Some(CURVE_P384), message, signature)
        }
        SignatureScheme::Sm2Sm3 => sm2::verify(spki_der, message, signature),
    }
}

/// RSASSA-PSS with SHA-512, MGF1 with SHA-512, salt of 64 bytes (RFC 9421 §3.3.1). No token signs so here; others may.
pub(crate) fn verify_rsa_pss_sha512(spki_der: &[u8], message: &[u8], signature: &[u8]) -> Result<(), PkiError> {
    verify_with(spki_der, &ring_signature::RSA_PSS_2048_8192_SHA512, None, message, signature)
}

/// The same as X.509 and CMS carry signatures: those of ECDSA and SM2 as a DER SEQUENCE of `r` and `s` (RFC 3279 §2.2.3).
pub(crate) fn verify_der(
    spki_der: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), PkiError> {
    use ring_signature as ring;
    match scheme {
        SignatureScheme::RsaPkcs1Sha256 | SignatureScheme::RsaPssSha256 => verify(spki_der, scheme, message, signature),
        SignatureScheme::EcdsaP256Sha256 => {
            verify_with(spki_der, &ring::ECDSA_P256_SHA256_ASN1, Some(CURVE_P256), message, signature)
        }
        SignatureScheme::EcdsaP384Sha384 => {
            verify_with(spki_der, &ring::ECDSA_P384_SHA384_ASN1, Some(CURVE_P384), message, signature)
        }
        SignatureScheme::Sm2Sm3 => sm2::verify_der(spki_der, message, signature),
    }
}

/// A token's signature as X.509 and CMS carry it.
pub(crate) fn to_der(scheme: SignatureScheme, signature: &[u8]) -> Vec<u8> {
    match scheme {
        SignatureScheme::RsaPkcs1Sha256 | SignatureScheme::RsaPssSha256 => signature.to_vec(),
        SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP384Sha384 | SignatureScheme::Sm2Sm3 => {
            two_numbers(signature)
        }
    }
}

/// Raw `r‖s` as a SEQUENCE.
fn two_numbers(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    der::value(der::SEQUENCE, &[&der::unsigned(r), &der::unsigned(s)])
}

fn verify_with(
    spki_der: &[u8],
    algorithm: &'static dyn ring_signature::VerificationAlgorithm,
    on_curve: Option<&str>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), PkiError> {
    let spki = parse(spki_der)?;
    let fits = match spki.algorithm.algorithm.to_id_string().as_str() {
        RSA => on_curve.is_none(),
        EC => on_curve.is_some() && curve(&spki).as_deref() == on_curve,
        _ => false,
    };
    if !fits {
        return Err(PkiError::UnsupportedKey);
    }
    ring_signature::UnparsedPublicKey::new(algorithm, key_bits(&spki))
        .verify(message, signature)
        .map_err(|_| PkiError::BadSignature)
}

/// A SubjectPublicKeyInfo and nothing behind it.
pub(crate) fn parse(spki_der: &[u8]) -> Result<SubjectPublicKeyInfo<'_>, PkiError> {
    match SubjectPublicKeyInfo::from_der(spki_der) {
        Ok(([], spki)) if spki.subject_public_key.unused_bits == 0 => Ok(spki),
        _ => Err(PkiError::Malformed("public key")),
    }
}

/// The subjectPublicKey's bytes.
pub(crate) fn key_bits<'a>(spki: &'a SubjectPublicKeyInfo<'_>) -> &'a [u8] {
    &spki.subject_public_key.data
}

/// Whether the bits are an uncompressed point (SEC 1 §2.3.3) with coordinates of so many bytes.
pub(crate) fn is_uncompressed(bits: &[u8], coordinate: usize) -> bool {
    bits.len() == 2 * coordinate + 1 && bits[0] == 4
}

/// The point of an SM2 key, uncompressed; `None` for any other key.
pub(crate) fn sm2_point<'a>(spki: &'a SubjectPublicKeyInfo<'_>) -> Option<&'a [u8]> {
    let is_sm2 = match spki.algorithm.algorithm.to_id_string().as_str() {
        EC => curve(spki).as_deref() == Some(sm2::CURVE),
        algorithm => algorithm == sm2::CURVE,
    };
    Some(key_bits(spki)).filter(|bits| is_sm2 && is_uncompressed(bits, 32))
}

/// The named curve of an EC key, dotted.
pub(crate) fn curve(spki: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    let curve = spki.algorithm.parameters.as_ref()?.as_oid().ok()?;
    Some(curve.to_id_string())
}

/// Width of the modulus of an RSAPublicKey (RFC 8017 §A.1.1).
pub(crate) fn rsa_modulus_bits(key_bits: &[u8]) -> Option<usize> {
    let (_, key) = x509_parser::public_key::RSAPublicKey::from_der(key_bits).ok()?;
    let skip = key.modulus.iter().take_while(|&&b| b == 0).count();
    let significant = &key.modulus[skip..];
    let first = significant.first()?;
    Some(significant.len() * 8 - first.leading_zeros() as usize)
}
