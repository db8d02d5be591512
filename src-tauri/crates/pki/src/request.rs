//! Certificate requests (PKCS#10, RFC 2986), built in two phases because the signing key sits on a token.

use certdesk_domain::token::{KeyAlgorithm, SignatureScheme};
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer};

use crate::{PkiError, der, details, key, sm2};

/// A request is some hundred bytes to three KiB; what is larger is not looked at.
const MAX_BYTES: usize = 16 * 1024;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const ECDSA_WITH_SHA256: &str = "1.2.840.10045.4.3.2";
const ECDSA_WITH_SHA384: &str = "1.2.840.10045.4.3.3";

/// AlgorithmIdentifier of `sha256WithRSAEncryption`, parameters NULL (RFC 4055 §5).
const ALGORITHM_RSA_PKCS1: &[u8] =
    &[0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00];
/// AlgorithmIdentifier of `ecdsa-with-SHA256`, no parameters (RFC 5758 §3.2).
const ALGORITHM_ECDSA_SHA256: &[u8] = &[0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
/// AlgorithmIdentifier of `ecdsa-with-SHA384`.
const ALGORITHM_ECDSA_SHA384: &[u8] = &[0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03];
/// AlgorithmIdentifier of `id-RSASSA-PSS` with SHA-256, MGF1 with SHA-256, salt of 32 bytes (RFC 4055 §3.1).
const ALGORITHM_RSA_PSS: &[u8] = &[
    0x30, 0x41, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A, 0x30, 0x34, 0xA0, 0x0F, 0x30, 0x0D,
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xA1, 0x1C, 0x30, 0x1A, 0x06, 0x09,
    0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
    0x04, 0x02, 0x01, 0x05, 0x00, 0xA2, 0x03, 0x02, 0x01, 0x20,
];

/// Builds a request: [`CsrBuilder::to_be_signed`] goes to the token, its signature to [`CsrBuilder::finish`].
#[derive(Clone, Debug)]
pub struct CsrBuilder {
    spki_der: Vec<u8>,
    info_der: Vec<u8>,
}

impl CsrBuilder {
    /// A request for this public key. The subject is a common name alone (empty: no subject at all); the authority
    /// decides what the certificate says.
    ///
    /// # Errors
    /// [`PkiError::Malformed`], [`PkiError::UnsupportedKey`].
    pub fn new(spki_der: &[u8], common_name: &str) -> Result<Self, PkiError> {
        key::key_algorithm(spki_der)?;
        let subject = if common_name.is_empty() {
            der::value(der::SEQUENCE, &[])
        } else {
            let name = der::value(
                der::SEQUENCE,
                &[&der::value(der::OID, &[COMMON_NAME]), &der::value(der::UTF8_STRING, &[common_name.as_bytes()])],
            );
            der::value(der::SEQUENCE, &[&der::value(der::SET, &[&name])])
        };
        let version_0 = der::unsigned(&[0]);
        let no_attributes = [0xA0, 0x00];
        let info_der = der::value(der::SEQUENCE, &[&version_0, &subject, spki_der, &no_attributes]);
        Ok(Self { spki_der: spki_der.to_vec(), info_der })
    }

    /// The CertificationRequestInfo, DER: the message for the token to sign.
    pub fn to_be_signed(&self) -> Vec<u8> {
        self.info_der.clone()
    }

    /// The whole request, DER. `signature` as the token made it (ECDSA: raw `r‖s`); it is verified before it is used,
    /// so that a token which signs with another key is found out here.
    ///
    /// # Errors
    /// [`PkiError::UnsupportedKey`] where the scheme does not fit the key, [`PkiError::BadSignature`].
    pub fn finish(&self, scheme: SignatureScheme, signature: &[u8]) -> Result<Vec<u8>, PkiError> {
        key::verify(&self.spki_der, scheme, &self.info_der, signature)?;
        let signature = key::to_der(scheme, signature);
        Ok(der::value(der::SEQUENCE, &[&self.info_der, algorithm(scheme), &der::bit_string(&signature)]))
    }
}

/// AlgorithmIdentifier of a signature by this scheme.
pub(crate) fn algorithm(scheme: SignatureScheme) -> &'static [u8] {
    match scheme {
        SignatureScheme::RsaPkcs1Sha256 => ALGORITHM_RSA_PKCS1,
        SignatureScheme::RsaPssSha256 => ALGORITHM_RSA_PSS,
        SignatureScheme::EcdsaP256Sha256 => ALGORITHM_ECDSA_SHA256,
        SignatureScheme::EcdsaP384Sha384 => ALGORITHM_ECDSA_SHA384,
        SignatureScheme::Sm2Sm3 => sm2::ALGORITHM_SM2,
    }
}

/// A request whose signature verified: its sender has the private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    /// The public key, SubjectPublicKeyInfo, DER.
    pub spki_der: Vec<u8>,
    /// Common name asked for; empty where there is none.
    pub subject_cn: String,
    /// Kind of the key.
    pub algorithm: KeyAlgorithm,
}

impl Csr {
    /// Reads a request and verifies its signature.
    ///
    /// # Errors
    /// [`PkiError::Malformed`], [`PkiError::UnsupportedKey`] for other keys or schemes than ours,
    /// [`PkiError::BadSignature`].
    pub fn parse_and_verify(der: &[u8]) -> Result<Self, PkiError> {
        const MALFORMED: PkiError = PkiError::Malformed("certificate request");
        if der.len() > MAX_BYTES {
            return Err(MALFORMED);
        }
        let Ok(([], csr)) = X509CertificationRequest::from_der(der) else { return Err(MALFORMED) };
        let info = &csr.certification_request_info;
        let spki_der = info.subject_pki.raw;
        let algorithm = key::key_algorithm(spki_der)?;
        let (message, signature) = (info.raw, &*csr.signature_value.data);
        let scheme = match csr.signature_algorithm.algorithm.to_id_string().as_str() {
            SHA256_WITH_RSA => SignatureScheme::RsaPkcs1Sha256,
            RSA_PSS => SignatureScheme::RsaPssSha256,
            ECDSA_WITH_SHA256 => SignatureScheme::EcdsaP256Sha256,
            ECDSA_WITH_SHA384 => SignatureScheme::EcdsaP384Sha384,
            sm2::SM2_WITH_SM3 => SignatureScheme::Sm2Sm3,
            _ => return Err(PkiError::UnsupportedKey),
        };
        key::verify_der(spki_der, scheme, message, signature)?;
        let subject_cn = info
            .subject
            .iter_common_name()
            .next()
            .map(|cn| details::attribute_text(cn.attr_value()))
            .unwrap_or_default();
        Ok(Self { spki_der: spki_der.to_vec(), subject_cn, algorithm })
    }
}
