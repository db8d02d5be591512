//! TLS: who the service is, and what binds a login to one connection.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, ensure};
use certdesk_contract::session::ChannelBinding;
use certdesk_domain::Timestamp;
use rustls::{
    ProtocolVersion, ServerConfig, ServerConnection,
    client::verify_server_name,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::ParsedCertificate,
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

/// Reads a chain and key from PEM files, and refuses those that no client could accept at `host`, now.
pub(crate) fn from_files(
    certificate: &Path,
    key: &Path,
    host: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<ServerIdentity> {
    let file = certificate.display();
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| anyhow::anyhow!("cannot read {file}: {e}"))?;
    ensure!(!chain.is_empty(), "{file} holds no certificate");
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|e| anyhow::anyhow!("cannot read the private key {}: {e}", key.display()))?;
    let leaf =
        ParsedCertificate::try_from(&chain[0]).map_err(|e| anyhow::anyhow!("{file} holds no certificate: {e}"))?;
    if let Some(host) = host {
        let name =
            ServerName::try_from(host.trim_matches(['[', ']'])).context("the public address has no usable name")?;
        let names = verify_server_name(&leaf, &name);
        ensure!(names.is_ok(), "the first certificate of {file} is not for {host}, the public address");
    }
    if let Ok((_, leaf)) = x509_parser::parse_x509_certificate(&chain[0]) {
        let (from, until) = (leaf.validity().not_before.to_datetime(), leaf.validity().not_after.to_datetime());
        ensure!((from..=until).contains(&now), "{file} is valid from {from} until {until}, and it is {now}");
    }
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
