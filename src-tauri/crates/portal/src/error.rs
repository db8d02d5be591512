//! Why a call failed, told from the causes below an error, without addresses and personal data.

use std::{error::Error, io};

use certdesk_contract::Problem;
use rustls::CertificateError;

use crate::{ScriptTrouble, trust::Stranger};

/// Why a call failed. Texts are for the helpdesk: names of causes, never contents.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PortalError {
    /// The address is no `https` address of a service.
    #[error("the service's address is no https address")]
    BadAddress,
    /// No connection, or it broke off, or no answer came in time.
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    /// The service's certificate is not trusted.
    #[error("the service's certificate is not trusted: {0}")]
    TlsUntrusted(String),
    /// A certificate for the service's name, by an issuer whom nobody here trusts: who looks into the connection. As it
    /// calls itself.
    #[error("the service's certificate was replaced by one of {0}")]
    Replaced(String),
    /// The proxy on the way cannot be reached, or breaks off.
    #[error("the proxy cannot be reached: {0}")]
    ProxyAway(String),
    /// The proxy does not let through to the service.
    #[error("the proxy refuses: {0}")]
    ProxyRefused(String),
    /// The proxy wants name and password.
    #[error("the proxy wants name and password")]
    ProxyLogin {
        /// Those that were sent were refused.
        refused: bool,
    },
    /// The proxy is of a kind, or wants a login of a kind, that is not done: its names.
    #[error("this kind of proxy is not supported: {0}")]
    ProxyUnsupported(String),
    /// The system finds its proxy by a script, which found none, and there is no way without it.
    #[error("the system's proxy is found by a script, and there is no direct way: {0}")]
    ProxyByScript(ScriptTrouble),
    /// Something on the way answers in the service's place: most often a network that wants a login in a browser first.
    #[error("this network answers in the service's place: {0}")]
    NetworkLogin(String),
    /// The service sends to another address, where nothing of ours goes: host and port of it.
    #[error("the service is at another address: {0}")]
    Moved(String),
    /// Certificates are not valid because this computer's clock is wrong: its time minus the service's.
    #[error("this computer's clock is off by {0}")]
    ClockWrong(time::Duration),
    /// There was an answer, but not as the contract says.
    #[error("the service's answer is not understood: {0}")]
    Garbled(String),
    /// The service said so.
    #[error("the service refused: {}", .0.code.as_str())]
    Problem(Problem),
    /// The file is not what it was when it was picked.
    #[error("the file has changed")]
    FileChanged,
    /// A file that is read through something else is not as that left it.
    #[error("the file is damaged")]
    FileDamaged,
    /// The file is not there any more.
    #[error("the file is gone")]
    FileGone,
    /// There is no room for the file.
    #[error("the disk is full")]
    DiskFull,
    /// The file cannot be read or written.
    #[error("the file cannot be read or written: {0}")]
    File(String),
    /// Keys of this kind log in nowhere: Web eID has no name for how they sign.
    #[error("keys of this kind cannot log in")]
    UnsupportedKey,
    /// Nobody is logged in at the service, and this is nothing that anybody may ask: it was not sent.
    #[error("held back: nobody is logged in at the service")]
    HeldBack,
    /// The caller took it back.
    #[error("cancelled")]
    Cancelled,
}

impl PortalError {
    pub(crate) fn timeout() -> Self {
        Self::Unreachable("no answer in time".into())
    }

    pub(crate) fn file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::FileGone,
            io::ErrorKind::StorageFull => Self::DiskFull,
            io::ErrorKind::InvalidData => Self::FileDamaged,
            other => Self::File(other.to_string()),
        }
    }
}

/// The failure behind an error of the HTTP or TLS machinery: the most telling cause in its chain.
pub(crate) fn from_source(error: &(dyn Error + 'static)) -> PortalError {
    let mut next = Some(error);
    let mut told = None;
    let mut innermost = String::new();
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return from_tls(tls);
        }
        if let Some(refused) = from_tunnel(cause) {
            return refused;
        }
        if cause.is::<http_body_util::LengthLimitError>() {
            return PortalError::Garbled("the answer is too large".into());
        }
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            if http.is_parse() || http.is_parse_too_large() {
                return PortalError::Garbled("the answer is no HTTP".into());
            }
            if http.is_incomplete_message() {
                told = Some("the connection was closed before the answer".to_owned());
            }
        }
        if cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout) {
            told = Some("no answer in time".to_owned());
        }
        innermost = cause.to_string();
        next = match cause.downcast_ref::<io::Error>() {
            // `source` of an io::Error skips the error that it wraps.
            Some(io) => {
                if io.get_ref().is_none() || io.kind() != io::ErrorKind::Other {
                    told.get_or_insert_with(|| io.kind().to_string());
                }
                io.get_ref().map(|inner| inner as &(dyn Error + 'static))
            }
            None => cause.source(),
        };
    }
    PortalError::Unreachable(told.unwrap_or(innermost))
}

/// The HTTP client's tunnel through a proxy; its type is not public, its words are.
fn from_tunnel(cause: &(dyn Error + 'static)) -> Option<PortalError> {
    let text = cause.to_string();
    let said = text.strip_prefix("tunnel error: ")?;
    Some(match said {
        "proxy authorization required" => PortalError::ProxyLogin { refused: false },
        "unsuccessful" | "proxy response headers too long" => PortalError::ProxyRefused("no tunnel".into()),
        other => {
            let told = cause.source().map(from_source);
            match told {
                Some(PortalError::Unreachable(cause)) => PortalError::ProxyAway(cause),
                _ => PortalError::ProxyAway(other.to_owned()),
            }
        }
    })
}

/// Something answers in another language: a proxy, or a page of a hotel.
pub(crate) const NO_TLS: &str = "the answer is no TLS";

pub(crate) fn from_tls(error: &rustls::Error) -> PortalError {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => match other.0.downcast_ref() {
            Some(stranger @ Stranger::Network) => PortalError::NetworkLogin(stranger.to_string()),
            Some(Stranger::Inspector(issuer)) => PortalError::Replaced(issuer.clone()),
            None => PortalError::TlsUntrusted("Other".into()),
        },
        rustls::Error::InvalidCertificate(reason) => PortalError::TlsUntrusted(first_word(reason)),
        rustls::Error::InvalidMessage(_) => PortalError::Garbled(NO_TLS.into()),
        other => PortalError::Unreachable(format!("TLS {}", first_word(other))),
    }
}

/// Whether a certificate is refused for the time it is.
pub(crate) fn is_about_time(cause: &str) -> bool {
    cause.starts_with("Expired") || cause.starts_with("NotValidYet")
}

/// The name of a variant, without its fields: they may quote the certificate.
fn first_word(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
