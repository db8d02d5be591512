//! Whom we believe to be the service: what the operating system trusts, and the extra roots of a demo.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;

use crate::{PortalError, error};

/// The certificate, DER, that was refused last: whoever stands between put it in the place of the service's.
pub(crate) type Refused = Arc<Mutex<Option<Vec<u8>>>>;

/// TLS 1.2 and 1.3 on ring, HTTP/1.1.
pub(crate) fn client_config(extra_roots: Vec<Vec<u8>>, refused: Refused) -> Result<ClientConfig, PortalError> {
    let provider = rustls::crypto::ring::default_provider();
    // The HTTP client asks for a provider of the whole process; a second installation is the same one.
    let _ = provider.clone().install_default();
    let provider = Arc::new(provider);
    let extra_roots = extra_roots.into_iter().map(CertificateDer::from);
    let verifier = Verifier::new_with_extra_roots(extra_roots, provider.clone()).map_err(|reason| match reason {
        rustls::Error::General(_) => PortalError::TlsUntrusted("no trusted roots on this computer".into()),
        other => error::from_tls(&other),
    })?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|reason| error::from_tls(&reason))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Noting { verifier, refused }))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Believes whom the system believes, and notes whom it does not.
#[derive(Debug)]
struct Noting {
    verifier: Verifier,
    refused: Refused,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.verifier.verify_server_cert(certificate, intermediates, name, ocsp, now);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) =
            verdict.is_err().then(|| certificate.as_ref().to_vec());
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
