//! Signatures of requests (see [`certdesk_contract::signature`]): verified before anything is done, and good once.
//!
//! What does not verify is `bad_signature` without a hint; the log has the reason.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, PoisonError},
};

use certdesk_contract::{
    Problem, ProblemCode,
    session::{Jwk, SessionKind},
    signature::{
        ACT_LABEL, Parameters, RequestHead, SESSION_LABEL, SESSION_TAG, SIGNATURE, SIGNATURE_INPUT, SignatureError,
        Signed,
    },
};
use certdesk_domain::Timestamp;
use certdesk_pki::{Certificate, PkiError, chain, jwk_thumbprint, message_signature, spki_of_jwk};
use http::{HeaderMap, header, request::Parts};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use crate::{
    failure::{Failure, Outcome},
    portal::Portal,
    sessions::{self, Caller},
    store::certificates,
};

/// Signatures remembered at a time: more than one machine verifies while they are good.
const MOST_REMEMBERED: usize = 2_000_000;

/// A request as it came in, as far as signatures look at it.
pub(crate) struct Incoming {
    pub(crate) head: RequestHead,
    /// `Signature-Input` and `Signature`; empty where there are none.
    pub(crate) inputs: String,
    pub(crate) signatures: String,
    pub(crate) has_body: bool,
}

impl Incoming {
    /// # Errors
    /// `bad_signature` where a covered field comes twice or is no text.
    pub(crate) fn new(portal: &Portal, parts: &Parts) -> Outcome<Self> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let fields = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let head =
            RequestHead::new(parts.method.as_str(), &format!("{}{path}", portal.base), fields).map_err(refuse)?;
        Ok(Self {
            head,
            inputs: joined(&parts.headers, SIGNATURE_INPUT),
            signatures: joined(&parts.headers, SIGNATURE),
            has_body: has_body(&parts.headers),
        })
    }

    /// Checks one of the signatures, all but who it is from; answers it with what was signed.
    fn read(&self, label: &str, tag: &str, now: i64) -> Result<Option<(Signed, Parameters, String)>, SignatureError> {
        let Some(signed) = Signed::read(&self.inputs, &self.signatures, label)? else { return Ok(None) };
        let parameters = signed.parameters()?;
        if parameters.tag != tag {
            return Err(SignatureError::Parameter("tag"));
        }
        parameters.check_time(now)?;
        let base = signed.base(&self.head, self.has_body)?;
        Ok(Some((signed, parameters, base)))
    }
}

/// Checks the signature that every request of a session with a key carries.
///
/// # Errors
/// `bad_signature`, `signature_expired`, `replayed`.
pub(crate) fn check_session(portal: &Portal, incoming: &Incoming, key: &Jwk) -> Outcome<()> {
    let now = portal.now().unix_timestamp();
    let read = incoming.read(SESSION_LABEL, SESSION_TAG, now).map_err(refuse)?;
    let (signed, parameters, base) = read.ok_or_else(|| bad("there is none"))?;
    if parameters.keyid != jwk_thumbprint(&key.x, &key.y) {
        return Err(bad("it is of another key than the session's"));
    }
    let spki = spki_of_jwk(&key.x, &key.y).map_err(|_| bad("the session has no key"))?;
    message_signature::verify(&spki, &parameters.alg, base.as_bytes(), &signed.signature).map_err(unverified)?;
    portal.nonces.take(&parameters, now)
}

/// Checks the signature of a legal act by the certificate of the session; answers that certificate, DER. In a session by
/// password there is none to check: `None`.
///
/// # Errors
/// `act_signature_required`, and as for [`check_session`]; `certificate_revoked` and `certificate_expired` as at login.
pub(crate) fn check_act(
    portal: &Portal,
    db: &Connection,
    caller: &Caller,
    incoming: &Incoming,
    tag: &str,
    now: Timestamp,
) -> Outcome<Option<Vec<u8>>> {
    let at = now.unix_timestamp();
    let Some(serial) = &caller.certificate else {
        let claimed = Signed::read(&incoming.inputs, &incoming.signatures, ACT_LABEL).map_err(refuse)?;
        // A session whose certificate was revoked by its own act has just signed that act, and may ask again.
        let may_claim = caller.kind == SessionKind::Token;
        return if claimed.is_none() || may_claim {
            Ok(None)
        } else {
            Err(bad("this session has no key to sign acts"))
        };
    };
    // As it is now: it may have been revoked since the request came in.
    let serial = sessions::in_force(db, serial, caller.account.id, now)?;
    let row = certificates::by_serial(db, &serial)?.ok_or(ProblemCode::CertificateRevoked)?;
    let (ca, root) = (portal.ca.issuing_der(), portal.ca.root_der());
    match chain::verify(&row.der, &[ca], &[root], now) {
        Ok(()) => {}
        Err(PkiError::Expired | PkiError::NotYetValid) => return Err(ProblemCode::CertificateExpired.into()),
        Err(_) => return Err(bad("the certificate is not of this authority")),
    }
    let read = incoming.read(ACT_LABEL, tag, at).map_err(refuse)?;
    let (signed, parameters, base) = read.ok_or(ProblemCode::ActSignatureRequired)?;
    if parameters.keyid != certdesk_pki::x5t_s256(&row.der) {
        return Err(bad("it is of another certificate than the session's"));
    }
    let spki = Certificate::parse(&row.der).map_err(anyhow::Error::new)?.spki_der;
    message_signature::verify(&spki, &parameters.alg, base.as_bytes(), &signed.signature).map_err(unverified)?;
    portal.nonces.take(&parameters, at)?;
    Ok(Some(row.der))
}

/// Whether a request brings a body (RFC 9112 §6.3).
fn has_body(headers: &HeaderMap) -> bool {
    let empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0");
    !empty || headers.contains_key(header::TRANSFER_ENCODING)
}

/// All lines of a field as one (RFC 9110 §5.3).
fn joined(headers: &HeaderMap, name: &str) -> String {
    let lines: Vec<_> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    lines.join(", ")
}

fn refuse(why: SignatureError) -> Failure {
    match why {
        SignatureError::NotNow => ProblemCode::SignatureExpired.into(),
        other => {
            tracing::info!(why = %other, "a signature was refused");
            ProblemCode::BadSignature.into()
        }
    }
}

fn unverified(_: PkiError) -> Failure {
    bad("it does not verify")
}

fn bad(why: &'static str) -> Failure {
    tracing::info!(why, "a signature was refused");
    ProblemCode::BadSignature.into()
}

/// Which signatures were seen while they are good. In memory: what was created before this process started is refused,
/// so that a restart opens no hole.
pub(crate) struct Nonces {
    started: i64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// By the second they end in: half of the SHA-256 of key and nonce.
    by_end: BTreeMap<i64, HashSet<[u8; 16]>>,
    count: usize,
}

impl Nonces {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { started: now.unix_timestamp(), seen: Mutex::default() }
    }

    /// Uses a signature up.
    ///
    /// # Errors
    /// `replayed`; `signature_expired` for one that may have been used before the start; `unavailable` where there is no
    /// room to remember it.
    fn take(&self, parameters: &Parameters, now: i64) -> Outcome<()> {
        if parameters.created <= self.started {
            return Err(ProblemCode::SignatureExpired.into());
        }
        let digest = Sha256::new().chain_update(&parameters.keyid).chain_update([0]).chain_update(&parameters.nonce);
        let mut name = [0; 16];
        name.copy_from_slice(&digest.finalize()[..16]);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = &mut *seen;
        while let Some(first) = seen.by_end.first_entry().filter(|first| *first.key() <= now) {
            seen.count -= first.remove().len();
        }
        if seen.count >= MOST_REMEMBERED {
            return Err(Problem::new(ProblemCode::Unavailable).with_retry_after(60).into());
        }
        // A signature ends when it ends: seen again, it is looked for in the same place.
        if !seen.by_end.entry(parameters.expires).or_default().insert(name) {
            tracing::warn!("a signed request was seen before");
            return Err(ProblemCode::Replayed.into());
        }
        seen.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(nonce: &str, created: i64) -> Parameters {
        Parameters {
            created,
            expires: created + 100,
            nonce: nonce.into(),
            keyid: "key".into(),
            alg: String::new(),
            tag: String::new(),
        }
    }

    fn code(outcome: Outcome<()>) -> Option<ProblemCode> {
        match outcome {
            Ok(()) => None,
            Err(Failure::Refused(problem)) => Some(problem.code),
            Err(Failure::Broken(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn a_signature_is_good_once_and_is_forgotten_when_it_has_ended() {
        let nonces = Nonces::new(Timestamp::UNIX_EPOCH + time::Duration::seconds(1000));
        assert_eq!(code(nonces.take(&parameters("a", 1001), 1001)), None);
        assert_eq!(code(nonces.take(&parameters("a", 1001), 1001)), Some(ProblemCode::Replayed));
        assert_eq!(code(nonces.take(&parameters("b", 1001), 1001)), None);
        let other_key = Parameters { keyid: "other".into(), ..parameters("a", 1001) };
        assert_eq!(code(nonces.take(&other_key, 1001)), None, "another key has its own nonces");
        assert_eq!(code(nonces.take(&parameters("c", 1000), 1001)), Some(ProblemCode::SignatureExpired));
        assert_eq!(code(nonces.take(&parameters("d", 1100), 1101)), None);
        assert_eq!(nonces.seen.lock().unwrap().count, 1, "what has ended takes no room");
    }
}
