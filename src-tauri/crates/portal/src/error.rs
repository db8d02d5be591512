//! Why a call failed, told from the causes below an error, without addresses and personal data.

use std::{error::Error, io};

use certdesk_contract::Problem;

/// Why a call failed. Texts are for the helpdesk: names of causes, never contents.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PortalError {
    /// The address is no `https` address of a service.
    #[error("the service's address is no https address")]
    BadAddress,
    /// No connection, or it broke off, or no answer came in time.
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    /// The service's certificate is not trusted, or is for another name.
    #[error("the service's certificate is not trusted: {0}")]
    TlsUntrusted(String),
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

/// Something answers in another language: a proxy, or a page of a hotel.
pub(crate) const NO_TLS: &str = "the answer is no TLS";

pub(crate) fn from_tls(error: &rustls::Error) -> PortalError {
    match error {
        rustls::Error::InvalidCertificate(reason) => PortalError::TlsUntrusted(first_word(reason)),
        rustls::Error::InvalidMessage(_) => PortalError::Garbled(NO_TLS.into()),
        other => PortalError::Unreachable(format!("TLS {}", first_word(other))),
    }
}

/// The name of a variant, without its fields: they may quote the certificate.
fn first_word(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
