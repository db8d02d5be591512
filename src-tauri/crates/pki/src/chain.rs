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

use crate::{PkiError, sm2};

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
