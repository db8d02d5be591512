//! Trust: a path from a certificate to a root that is trusted, at a given time.

use std::time::Duration;

use certdesk_domain::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};
use x509_parser::{
    certificate::X509Certificate,
    der_parser::{Oid, oid},
    prelude::FromDer as _,
};

use crate::{
    PkiError,
    der::{self, Reader},
    sm2,
};

/// Verifies that a certificate may authenticate a client: path, signatures, constraints, validity at `at`, and EKU
/// `clientAuth` where the certificate limits its use. Does not look at revocation. All certificates DER.
///
/// # Errors
/// [`PkiError::Expired`] or [`PkiError::NotYetValid`] (of any certificate on the path), [`PkiError::Malformed`],
/// [`PkiError::Untrusted`].
pub fn verify<I: AsRef<[u8]>, R: AsRef<[u8]>>(
    end_entity_der: &[u8],
    intermediates: &[I],
    roots: &[R],
    at: Timestamp,
) -> Result<(), PkiError> {
    verify_for(KeyUsage::client_auth(), end_entity_der, intermediates, roots, at)
}

/// The same for a certificate that signs documents in a service's name: it must say so itself, by the EKU
/// `documentSigning` (RFC 9336), which those of the service's customers do not carry.
///
/// # Errors
/// As [`verify`].
pub fn verify_signer<I: AsRef<[u8]>, R: AsRef<[u8]>>(
    end_entity_der: &[u8],
    intermediates: &[I],
    roots: &[R],
    at: Timestamp,
) -> Result<(), PkiError> {
    let (_, parsed) = X509Certificate::from_der(end_entity_der).map_err(|_| PkiError::Malformed("certificate"))?;
    let usage = parsed.extended_key_usage().map_err(|_| PkiError::Malformed("certificate"))?;
    if !usage.is_some_and(|usage| usage.value.other.contains(&DOCUMENT_SIGNING)) {
        return Err(PkiError::Untrusted("no certificate to sign documents with".to_owned()));
    }
    // For the issuers, who limit it seldom, it is enough not to exclude it.
    verify_for(KeyUsage::required_if_present(DOCUMENT_SIGNING_DER), end_entity_der, intermediates, roots, at)
}

/// Whether that issuer signed this certificate: to the last byte, for what the signature does not cover (its algorithm's
/// second place, the lengths around it) is written in one way only (RFC 5280 §4.1.1.2). Both DER; says nothing about
/// validity or trust, nor of signatures by SM2.
pub fn is_issued_by(certificate_der: &[u8], issuer_der: &[u8]) -> bool {
    let (Ok(([], certificate)), Ok(([], issuer))) =
        (X509Certificate::from_der(certificate_der), X509Certificate::from_der(issuer_der))
    else {
        return false;
    };
    certificate.issuer().as_raw() == issuer.subject().as_raw()
        && is_written_one_way(certificate_der).unwrap_or(false)
        && certificate.verify_signature(Some(issuer.public_key())).is_ok()
}

/// `None` for what is no certificate.
fn is_written_one_way(certificate_der: &[u8]) -> Option<bool> {
    const VERSION: u8 = 0xA0;
    let mut fields = Reader(Reader(certificate_der).expect(der::SEQUENCE)?.content);
    let (signed, algorithm) = (fields.expect(der::SEQUENCE)?, fields.expect(der::SEQUENCE)?.whole);
    let signature = fields.expect(der::BIT_STRING)?.content.strip_prefix(&[0])?;
    let mut fields = Reader(signed.content);
    let first = fields.next()?;
    if first.tag == VERSION {
        fields.expect(der::INTEGER)?;
    }
    let same = fields.expect(der::SEQUENCE)?.whole == algorithm;
    let again = der::value(der::SEQUENCE, &[signed.whole, algorithm, &der::bit_string(signature)]);
    Some(same && again == certificate_der)
}

/// The issuers of a certificate among others, the next one first, up to a root that signs itself. None of them where the
/// path ends short of one: nothing would vouch for its end. All DER, the others in any order.
pub fn path_to_root<'a>(certificate_der: &'a [u8], others: &'a [Vec<u8>]) -> Vec<&'a [u8]> {
    let mut path = Vec::new();
    let mut last = certificate_der;
    while !is_issued_by(last, last) {
        let is_next = |other: &&[u8]| *other != certificate_der && !path.contains(other) && is_issued_by(last, other);
        let Some(next) = others.iter().map(Vec::as_slice).find(is_next) else { return Vec::new() };
        path.push(next);
        last = next;
    }
    path
}

/// id-kp-documentSigning.
const DOCUMENT_SIGNING: Oid<'static> = oid!(1.3.6.1.5.5.7.3.36);
/// The same as DER has it, without tag and length.
const DOCUMENT_SIGNING_DER: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x24];

fn verify_for<I: AsRef<[u8]>, R: AsRef<[u8]>>(
    usage: KeyUsage,
    end_entity_der: &[u8],
    intermediates: &[I],
    roots: &[R],
    at: Timestamp,
) -> Result<(), PkiError> {
    let end_entity_der = CertificateDer::from(end_entity_der);
    let end_entity = EndEntityCert::try_from(&end_entity_der).map_err(reason)?;
    let intermediates: Vec<_> = intermediates.iter().map(|der| CertificateDer::from(der.as_ref())).collect();
    let roots: Vec<_> = roots.iter().map(|der| CertificateDer::from(der.as_ref())).collect();
    let algorithms = [ALL_VERIFICATION_ALGS, &sm2::VERIFICATION].concat();
    let anchors = roots.iter().map(anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>().map_err(reason)?;
    // Before 1970 nothing is valid; webpki has no such times.
    let seconds = u64::try_from(at.unix_timestamp()).map_err(|_| PkiError::NotYetValid)?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    end_entity
        .verify_for_usage(&algorithms, &anchors, &intermediates, at, usage, None, None)
        .map(|_| ())
        .map_err(reason)
}

fn reason(error: Error) -> PkiError {
    match error {
        Error::CertExpired { .. } => PkiError::Expired,
        Error::CertNotValidYet { .. } => PkiError::NotYetValid,
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => PkiError::Malformed("certificate"),
        // The variant's name alone: its fields may quote the certificate.
        other => {
            let text = format!("{other:?}");
            PkiError::Untrusted(text.split([' ', '(', '{']).next().unwrap_or_default().to_owned())
        }
    }
}
