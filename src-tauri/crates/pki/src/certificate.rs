//! A certificate as people see it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_domain::Timestamp;
use ring::digest::{SHA256, digest};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::{PkiError, details, key};

/// Certificates have one to a few KiB; what is larger than this is not looked at.
const MAX_BYTES: usize = 64 * 1024;

/// A certificate that was read, of whatever issuer and algorithm. Says nothing about trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is: the subject's common name, or the next best of the subject. Never empty.
    pub holder: String,
    /// Who issued it, told the same way.
    pub issuer: String,
    /// Serial number, lower-case hex without leading zeros.
    pub serial: String,
    /// First instant of validity.
    pub not_before: Timestamp,
    /// Last instant of validity.
    pub not_after: Timestamp,
    /// Kind and size of the key, for example `RSA 2048`, `ECDSA P-256`, `SM2`.
    pub key_algorithm: String,
    /// Key usages, then extended key usages, by their names in RFC 5280 (`digitalSignature`, `clientAuth`); dotted
    /// where there is no name.
    pub usages: Vec<String>,
    /// The public key, SubjectPublicKeyInfo, DER.
    pub spki_der: Vec<u8>,
    /// Every field in the certificate's order, for the helpdesk: (name, value).
    pub details: Vec<(String, String)>,
    /// The certificate.
    pub der: Vec<u8>,
}

impl Certificate {
    /// Reads a DER certificate (RFC 5280 §4.1), also one that nobody should trust.
    ///
    /// # Errors
    /// [`PkiError::Malformed`].
    pub fn parse(der: &[u8]) -> Result<Self, PkiError> {
        const MALFORMED: PkiError = PkiError::Malformed("certificate");
        if der.len() > MAX_BYTES {
            return Err(MALFORMED);
        }
        let Ok(([], x509)) = X509Certificate::from_der(der) else { return Err(MALFORMED) };
        let spki = x509.public_key();
        Ok(Self {
            holder: details::short_name(x509.subject()),
            issuer: details::short_name(x509.issuer()),
            serial: details::serial(x509.raw_serial()),
            not_before: x509.validity().not_before.to_datetime(),
            not_after: x509.validity().not_after.to_datetime(),
            key_algorithm: details::key_algorithm(spki),
            usages: details::usages(&x509),
            spki_der: spki.raw.to_vec(),
            details: details::all(&x509, der),
            der: der.to_vec(),
        })
    }

    /// SHA-256 of the DER, lower-case hex.
    pub fn fingerprint(&self) -> String {
        details::hex(digest(&SHA256, &self.der).as_ref())
    }

    /// PEM text (RFC 7468), with a newline at its end.
    pub fn pem(&self) -> String {
        let body = STANDARD.encode(&self.der);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in body.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|&b| char::from(b)));
            pem.push('\n');
        }
        pem + "-----END CERTIFICATE-----\n"
    }

    /// The DER in what [`Certificate::pem`] wrote.
    ///
    /// # Errors
    /// [`PkiError::Malformed`] for anything else.
    pub fn der_of_pem(pem: &str) -> Result<Vec<u8>, PkiError> {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(body).map_err(|_| PkiError::Malformed("certificate"))
    }

    /// Whether this certificate is for that public key, however its algorithm's parameters are spelt.
    pub fn belongs_to(&self, spki_der: &[u8]) -> bool {
        let (Ok(own), Ok(other)) = (key::parse(&self.spki_der), key::parse(spki_der)) else { return false };
        own.algorithm.algorithm == other.algorithm.algorithm
            && key::curve(&own) == key::curve(&other)
            && key::key_bits(&own) == key::key_bits(&other)
    }
}
