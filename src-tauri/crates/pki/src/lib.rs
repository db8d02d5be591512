//! Certificates, certificate requests, signatures: what they say, and whether they hold.
//!
//! Knows X.509 (RFC 5280), PKCS#10 (RFC 2986), CMS (RFC 5652), PAdES B-B, Web eID 1.0 login values and JWK thumbprints (RFC 7638). Is kept from
//! knowing tokens, files, the network and the clock: keys sign elsewhere, times come in as values. Everything that is
//! parsed here may be hostile; a parser answers with an error, never with a panic.
//!
//! Two readers on purpose: `x509-parser` shows certificates (it also shows what nobody should trust), `rustls-webpki`
//! decides trust, with SM2 and SM3 added to what it knows.

mod certificate;
pub mod chain;
pub mod cms;
pub mod crl;
mod der;
mod details;
mod key;
pub mod message_signature;
pub mod pdf;
mod request;
mod session;
pub mod sm2;
pub mod web_eid;

pub use certificate::Certificate;
pub use key::{digest, key_algorithm, key_id, verify};
pub use request::{Csr, CsrBuilder};
pub use session::{SessionKey, jwk_thumbprint, spki_of_jwk, x5t_s256};

/// Why something cannot be used. No variant carries personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkiError {
    /// The bytes are not what they should be.
    #[error("the bytes are no {0}")]
    Malformed(&'static str),
    /// None of the kinds in `KeyAlgorithm`, or a scheme that does not fit the key.
    #[error("the kind of key or signature is not supported")]
    UnsupportedKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// The certificate's validity has not begun.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The certificate's validity is over.
    #[error("the certificate has expired")]
    Expired,
    /// No path to a trusted root; the text is the verifier's own name for the reason.
    #[error("the certificate is not trusted: {0}")]
    Untrusted(String),
}
