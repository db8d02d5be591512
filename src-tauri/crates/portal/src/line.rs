//! The way to the service, step by step: which one fails.

use std::time::{Duration, Instant};

use tokio::{net::TcpStream, time::timeout};

use crate::{Portal, PortalError, error};

/// What was found on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Host and port of the system's proxy, where one is set for this service. Never its password.
    pub proxy: Option<String>,
    /// How long an answer took, or the first step that failed and its cause.
    pub answer: Result<Duration, (LineStep, String)>,
}

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStep {
    /// Finding the address of the name (the service's, or the proxy's).
    Name,
    /// A connection to the service.
    Connect,
    /// A connection to the proxy, and through it.
    Proxy,
    /// A way past the system's script, which found no proxy.
    Script,
    /// A network that lets through without a login of its own.
    Network,
    /// TLS on it.
    Tls,
    /// Nobody who looks into the connection: the cause is who issued the certificate in the place of the service's.
    Inspection,
    /// Trust in the service's certificate.
    Certificate,
    /// This computer's clock: by it the certificate is not valid, by the service's it is.
    Clock,
    /// The service's own answer.
    Answer,
}

/// Each of name and connection takes no longer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Portal {
    /// Goes the way to the service once. Sends what [`Portal::health`] sends and nothing else.
    pub async fn examine_line(&self) -> Line {
        let url = &self.inner.url;
        let mut proxy = self.named_hop().await;
        let reached = loop {
            let (host, port) = match &proxy {
                Some(hop) => hop.place(),
                None => (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443)),
            };
            let reached = reach(host.trim_matches(['[', ']']), port, proxy.is_some()).await;
            match &proxy {
                Some(hop) if reached.is_err() && self.inner.proxies.pass_over(hop) => proxy = self.named_hop().await,
                _ => break reached,
            }
        };
        let answer = match (reached, self.script_trouble()) {
            (Ok(()), _) => self.answered().await,
            (Err(_), Some(trouble)) if proxy.is_none() => Err((LineStep::Script, trouble.to_string())),
            (Err(failed), _) => Err(failed),
        };
        Line { proxy: proxy.map(|hop| hop.authority()), answer }
    }

    async fn answered(&self) -> Result<Duration, (LineStep, String)> {
        let begun = Instant::now();
        match self.health().await {
            Ok(()) => Ok(begun.elapsed()),
            Err(PortalError::TlsUntrusted(cause)) => Err((LineStep::Certificate, cause)),
            Err(PortalError::Replaced(issuer)) => Err((LineStep::Inspection, issuer)),
            Err(PortalError::NetworkLogin(cause)) => Err((LineStep::Network, cause)),
            Err(PortalError::ClockWrong(skew)) => Err((LineStep::Clock, skew.whole_minutes().to_string())),
            Err(
                told @ (PortalError::ProxyAway(_)
                | PortalError::ProxyRefused(_)
                | PortalError::ProxyLogin { .. }
                | PortalError::ProxyUnsupported(_)),
            ) => Err((LineStep::Proxy, told.to_string())),
            Err(PortalError::ProxyByScript(trouble)) => Err((LineStep::Script, trouble.to_string())),
            Err(PortalError::Unreachable(cause)) if cause.starts_with("TLS") => Err((LineStep::Tls, cause)),
            Err(PortalError::Garbled(cause)) if cause == error::NO_TLS => Err((LineStep::Tls, cause)),
            Err(other) => Err((LineStep::Answer, other.to_string())),
        }
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
