//! The way to the service, step by step: which one fails.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use certdesk_pki::Certificate;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::{net::TcpStream, time::timeout};
use url::Url;

use crate::{Portal, PortalError, error, is_loopback};

/// What was found on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Host and port of the system's proxy, where one is set for this service. Never its password.
    pub proxy: Option<String>,
    /// How long an answer took, or the first step that failed and its cause.
    pub answer: Result<Duration, (LineStep, String)>,
    /// Who issued the certificate that was not trusted, as it says.
    pub issuer: Option<String>,
}

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStep {
    /// Finding the address of the name (the service's, or the proxy's).
    Name,
    /// A connection to the service.
    Connect,
    /// A connection to the proxy.
    Proxy,
    /// TLS on it.
    Tls,
    /// Trust in the service's certificate.
    Certificate,
    /// The service's own answer.
    Answer,
}

/// Each of name and connection takes no longer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Portal {
    /// Goes the way to the service once. Sends what [`Portal::health`] sends and nothing else.
    pub async fn examine_line(&self) -> Line {
        let url = &self.inner.url;
        let proxy = if is_loopback(url) { None } else { self.system_proxy() };
        let (host, port) = match &proxy {
            Some((host, port)) => (host.as_str(), *port),
            None => (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443)),
        };
        let reached = reach(host.trim_matches(['[', ']']), port, proxy.is_some()).await;
        let answer = match reached {
            Ok(()) => self.answered().await,
            Err(failed) => Err(failed),
        };
        let untrusted = matches!(answer, Err((LineStep::Certificate, _)));
        let issuer = untrusted.then(|| self.refused_issuer()).flatten();
        Line { proxy: proxy.map(|(host, port)| format!("{host}:{port}")), answer, issuer }
    }

    fn refused_issuer(&self) -> Option<String> {
        let refused = self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Certificate::parse(refused.as_deref()?).ok()?.issuer)
    }

    async fn answered(&self) -> Result<Duration, (LineStep, String)> {
        let begun = Instant::now();
        match self.health().await {
            Ok(()) => Ok(begun.elapsed()),
            Err(PortalError::TlsUntrusted(cause)) => Err((LineStep::Certificate, cause)),
            Err(PortalError::Unreachable(cause)) if cause.starts_with("TLS") => Err((LineStep::Tls, cause)),
            Err(PortalError::Garbled(cause)) if cause == error::NO_TLS => Err((LineStep::Tls, cause)),
            Err(other) => Err((LineStep::Answer, other.to_string())),
        }
    }

    fn system_proxy(&self) -> Option<(String, u16)> {
        let uri: http::Uri = self.inner.base.parse().ok()?;
        let proxy = Matcher::from_system().intercept(&uri)?;
        let uri = Url::parse(&proxy.uri().to_string()).ok()?;
        Some((uri.host_str()?.to_owned(), uri.port_or_known_default().unwrap_or(80)))
    }
}

async fn reach(host: &str, port: u16, by_proxy: bool) -> Result<(), (LineStep, String)> {
    let late = || "no answer in time".to_owned();
    let failed = if by_proxy { LineStep::Proxy } else { LineStep::Connect };
    let named = timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
    let addresses: Vec<_> = match named {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err((LineStep::Name, error.to_string())),
        Err(_) => return Err((LineStep::Name, late())),
    };
    match timeout(PATIENCE, TcpStream::connect(addresses.as_slice())).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err((failed, error.kind().to_string())),
        Err(_) => Err((failed, late())),
    }
}
