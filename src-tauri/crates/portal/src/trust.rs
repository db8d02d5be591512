//! Whom we believe to be the service: what the operating system trusts (a company's own root among it), and the extra roots
//! of a demo.

use std::sync::Arc;

use certdesk_pki::Certificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use crate::{PortalError, error};

/// Who answers in the service's place, by the certificate that was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stranger {
    /// One for another name, whoever issued it: what a network shows that wants a login first.
    #[error("a certificate for another name")]
    Network,
    /// One for the service's name, issued by this authority, which nobody here trusts: what somebody shows who looks into
    /// the connection.
    #[error("a certificate issued by {0}")]
    Inspector(String),
}

/// Two configurations of TLS 1.2 and 1.3 on ring, HTTP/1.1, that differ in what time it is.
pub(crate) struct Trust {
    /// For everything.
    pub(crate) now: ClientConfig,
    /// Believes a certificate at a time of its own validity. Only to learn what time it is at the service, where this
    /// computer's clock says that the certificate is not valid.
    pub(crate) whenever: ClientConfig,
}

impl Trust {
    pub(crate) fn new(extra_roots: Vec<Vec<u8>>) -> Result<Self, PortalError> {
        let provider = rustls::crypto::ring::default_provider();
        // The HTTP client asks for a provider of the whole process; a second installation is the same one.
        let _ = provider.clone().install_default();
        let provider = Arc::new(provider);
        let extra_roots = extra_roots.into_iter().map(CertificateDer::from);
        let system = Verifier::new_with_extra_roots(extra_roots, provider.clone()).map_err(|reason| match reason {
            Error::General(_) => PortalError::TlsUntrusted("no trusted roots on this computer".into()),
            other => error::from_tls(&other),
        })?;
        let system = Arc::new(system);
        let config = |whenever: bool| {
            let verifier = ServiceVerifier { system: system.clone(), whenever };
            let mut config = ClientConfig::builder_with_provider(provider.clone())
                .with_safe_default_protocol_versions()
                .map_err(|reason| error::from_tls(&reason))?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Ok::<_, PortalError>(config)
        };
        Ok(Self { now: config(false)?, whenever: config(true)? })
    }
}

/// The system's verifier decides; what it refuses is looked at for who it is of.
#[derive(Debug)]
struct ServiceVerifier {
    system: Arc<Verifier>,
    whenever: bool,
}

impl ServerCertVerifier for ServiceVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let at = if self.whenever { within(end_entity).unwrap_or(now) } else { now };
        let verified = self.system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at);
        verified.map_err(|error| match error {
            Error::InvalidCertificate(reason) => {
                Error::InvalidCertificate(match stranger(end_entity, server_name, &reason) {
                    Some(stranger) => CertificateError::Other(OtherError(Arc::new(stranger))),
                    None => reason,
                })
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.system.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.system.root_hint_subjects()
    }
}

fn stranger(shown: &CertificateDer<'_>, service: &ServerName<'_>, reason: &CertificateError) -> Option<Stranger> {
    let parsed = ParsedCertificate::try_from(shown);
    if !parsed.is_ok_and(|parsed| verify_server_name(&parsed, service).is_ok()) {
        return Some(Stranger::Network);
    }
    let issuer = || Certificate::parse(shown).ok().map(|shown| shown.issuer).filter(|issuer| !issuer.is_empty());
    (*reason == CertificateError::UnknownIssuer).then(issuer).flatten().map(Stranger::Inspector)
}

/// The middle of a certificate's life.
fn within(certificate: &CertificateDer<'_>) -> Option<UnixTime> {
    let certificate = Certificate::parse(certificate).ok()?;
    let (from, to) = (certificate.not_before.unix_timestamp(), certificate.not_after.unix_timestamp());
    let middle = u64::try_from(from + (to - from) / 2).ok()?;
    Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(middle)))
}
