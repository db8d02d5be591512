//! Signed requests: RFC 9421 (HTTP message signatures) with RFC 9530 (`Content-Digest`).
//!
//! Every request of a session carries the signature [`SESSION_LABEL`], made by the session key. A legal act of a session
//! by key carries a second one, [`ACT_LABEL`], made by the key on the token, whose tag ([`act_tag`]) names the act.
//!
//! Covered: `"@method" "@target-uri"`, and where there is a body `"content-type" "content-digest"`, and
//! `"idempotency-key"`, `"upload-offset"`, `"upload-checksum"` where the request has them. Parameters: `created`,
//! `expires` (at most [`LIFE_SECONDS`] later), `nonce` (128 random bits, base64url), `keyid`, `alg`, `tag`.
//! A session key's `keyid` is its RFC 7638 thumbprint, a token key's the base64url SHA-256 of its certificate
//! (`x5t#S256`, RFC 7515 §4.1.8). The target URI is the address as the client was given it.

use certdesk_domain::Business;

use crate::application::LegalAct;

/// Label of the session key's signature.
pub const SESSION_LABEL: &str = "session";
/// Its tag.
pub const SESSION_TAG: &str = "certdesk-session";
/// Label of the token key's signature.
pub const ACT_LABEL: &str = "act";
/// Longest time between `created` and `expires`.
pub const LIFE_SECONDS: u64 = 300;

/// Tag of the signature of a legal act, for example `certdesk-submit-renew`, `certdesk-withdraw-new`.
pub fn act_tag(act: LegalAct, business: Business) -> String {
    let act = match act {
        LegalAct::Submit => "submit",
        LegalAct::Withdraw => "withdraw",
    };
    format!("certdesk-{act}-{}", business.name())
}
