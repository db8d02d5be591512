//! Whom we believe to be the service: what the operating system trusts, and the extra roots of a demo.

use std::sync::Arc;

use rustls::{ClientConfig, pki_types::CertificateDer};
use rustls_platform_verifier::Verifier;

use crate::{PortalError, error};

/// TLS 1.2 and 1.3 on ring, HTTP/1.1.
pub(crate) fn client_config(extra_roots: Vec<Vec<u8>>) -> Result<ClientConfig, PortalError> {
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
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
