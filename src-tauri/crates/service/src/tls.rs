//! TLS: who the service is, and what binds a login to one connection.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, ensure};
use certdesk_contract::session::ChannelBinding;
use rustls::{
    ProtocolVersion, ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A certificate chain with its key.
pub(crate) struct ServerIdentity {
    /// Leaf first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// What a client must trust to trust this service, DER.
    pub(crate) root_der: Vec<u8>,
}

/// What a request knows of the TLS connection it came on.
#[derive(Clone)]
pub(crate) struct TlsConnection {
    pub(crate) binding: ChannelBinding,
    pub(crate) binding_b64url: String,
}

/// Reads a chain and key from PEM files.
pub(crate) fn from_files(certificate: &Path, key: &Path) -> anyhow::Result<ServerIdentity> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| anyhow::anyhow!("cannot read {}: {e}", certificate.display()))?;
    ensure!(!chain.is_empty(), "{} holds no certificate", certificate.display());
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| anyhow::anyhow!("cannot read {}: {e}", key.display()))?;
    let root_der = chain[chain.len() - 1].to_vec();
    Ok(ServerIdentity { chain, key, root_der })
}

/// TLS 1.2 and 1.3, HTTP/1.1 (a login's two requests must share one connection), ring.
pub(crate) fn config(identity: ServerIdentity) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .context("the TLS certificate and key cannot be used")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The binding of a connection: its exporter (RFC 9266), or under TLS 1.2, whose exporter does not bind without an
/// extension that cannot be seen here, the server certificate's hash (RFC 5929). The better one alone is offered.
pub(crate) fn binding(connection: &ServerConnection, end_point: &[u8]) -> TlsConnection {
    let exporter = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => {
            connection.export_keying_material([0u8; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok()
        }
        _ => None,
    };
    match exporter {
        Some(value) => crate::challenges::binding(ChannelBinding::TlsExporter, &value),
        None => crate::challenges::binding(ChannelBinding::TlsServerEndPoint, end_point),
    }
}

/// `tls-server-end-point` (RFC 5929 §4.1): the certificate hashed by its own signature's hash, SHA-256 at least.
pub(crate) fn end_point(certificate: &CertificateDer<'_>) -> Vec<u8> {
    const SHA384: [&str; 2] = ["1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"];
    const SHA512: [&str; 2] = ["1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"];
    let algorithm = x509_parser::parse_x509_certificate(certificate)
        .map(|(_, c)| c.signature_algorithm.algorithm.to_id_string())
        .unwrap_or_default();
    if SHA384.contains(&algorithm.as_str()) {
        Sha384::digest(certificate).to_vec()
    } else if SHA512.contains(&algorithm.as_str()) {
        Sha512::digest(certificate).to_vec()
    } else {
        Sha256::digest(certificate).to_vec()
    }
}
