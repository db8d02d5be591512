//! Whom we believe to be the service: what the operating system trusts (a company's own root among it), and the extra roots
//! of a demo.

use std::sync::Arc;

use certdesk_pki::Certificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
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
        let judges = Arc::new(Judges::new(extra_roots, provider.clone())?);
        let config = |whenever: bool| {
            let verifier = ServiceVerifier { judges: judges.clone(), whenever };
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

type Verdict = Result<ServerCertVerified, Error>;

/// Who decides.
#[derive(Debug)]
struct Judges {
    /// Missing on a computer without a trusted root of its own.
    system: Option<Verifier>,
    /// By the extra roots alone, and in the same way on every system.
    extra: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Judges {
    fn new(extra_roots: Vec<Vec<u8>>, provider: Arc<CryptoProvider>) -> Result<Self, PortalError> {
        let mut extra = RootCertStore::empty();
        for root in extra_roots {
            extra.add(CertificateDer::from(root)).map_err(|reason| error::from_tls(&reason))?;
        }
        let extra = (!extra.is_empty())
            .then(|| WebPkiServerVerifier::builder_with_provider(extra.into(), provider.clone()).build())
            .transpose()
            .map_err(|reason| PortalError::TlsUntrusted(reason.to_string()))?;
        let system = match Verifier::new(provider.clone()) {
            Ok(system) => Some(system),
            Err(Error::General(_)) if extra.is_some() => None,
            Err(Error::General(_)) => {
                return Err(PortalError::TlsUntrusted("no trusted roots on this computer".into()));
            }
            Err(other) => return Err(error::from_tls(&other)),
        };
        Ok(Self { system, extra, provider })
    }

    /// The extra roots' word where one of them leads to the certificate, the system's everywhere else.
    fn judge(&self, by: impl Fn(&dyn ServerCertVerifier) -> Verdict) -> Verdict {
        const UNKNOWN: Error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        match self.extra.as_ref().map(|extra| by(&**extra)) {
            None | Some(Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))) => {
                let verdict = self.system.as_ref().map_or(Err(UNKNOWN), |system| by(system));
                verdict.map_err(|error| if cannot_be_built(&error) { UNKNOWN } else { error })
            }
            Some(verdict) => verdict,
        }
    }
}

/// Where not even the issuer is at hand, Windows says that the chain cannot be built, and Wine that revocation cannot be
/// asked about (which otherwise counts as no answer): both come through in words alone.
fn cannot_be_built(error: &Error) -> bool {
    const CERT_E_CHAINING: &str = "(os error -2146762486)"; // 0x800B010A
    const CERT_E_REVOCATION_FAILURE: &str = "(os error -2146762482)"; // 0x800B010E
    let Error::InvalidCertificate(CertificateError::Other(OtherError(words))) = error else { return false };
    let words = words.to_string();
    words.ends_with(CERT_E_CHAINING) || words.ends_with(CERT_E_REVOCATION_FAILURE)
}

/// The judges decide; what they refuse is looked at for who it is of.
#[derive(Debug)]
struct ServiceVerifier {
    judges: Arc<Judges>,
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
    ) -> Verdict {
        let at = if self.whenever { within(end_entity).unwrap_or(now) } else { now };
        let verified = self
            .judges
            .judge(|judge| judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at));
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
        let algorithms = &self.judges.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.judges.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judges.provider.signature_verification_algorithms.supported_schemes()
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
