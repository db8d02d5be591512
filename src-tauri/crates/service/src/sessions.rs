//! Sessions: opened by a login, recognised by the SHA-256 of a bearer token, ended by time or by their owner.

use std::sync::Arc;

use certdesk_contract::{
    ProblemCode,
    certificate::CertificateStatus,
    session::{Jwk, Session, SessionKind},
};
use certdesk_domain::{RevocationReason, Timestamp};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use time::Duration;

use crate::{
    accounts,
    failure::Outcome,
    portal::Portal,
    random,
    store::{
        self,
        accounts::Account,
        sessions::{self, SessionRow},
    },
};

/// A session ends this long after it was last used,
const IDLE: Duration = Duration::minutes(30);
/// and this long after it began, whatever happens.
const LONGEST: Duration = Duration::hours(8);
/// Use is noted at most this often: a write for every read would be too dear.
const NOTED_EVERY: Duration = Duration::minutes(1);

/// Who makes a request.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) account: Account,
    pub(crate) kind: SessionKind,
    /// Serial number of the certificate that logged in.
    pub(crate) certificate: Option<String>,
    pub(crate) token_hash: [u8; 32],
    /// What signs the requests of the session; `None` where the service lets sessions do without.
    pub(crate) session_key: Option<Jwk>,
    seen_at: Timestamp,
}

impl Caller {
    /// Whether nothing but a change of password is allowed.
    pub(crate) fn must_change_password(&self) -> bool {
        self.account.must_change && self.kind == SessionKind::Password
    }
}

/// Opens a session inside the transaction of its login.
pub(crate) fn open(
    portal: &Portal,
    db: &Connection,
    account: Account,
    kind: SessionKind,
    serial: Option<String>,
    key: Option<Jwk>,
    now: Timestamp,
) -> Outcome<Session> {
    let token = random::token(32);
    let row = SessionRow { account: account.id, kind, serial, key, started_at: now, seen_at: now };
    sessions::add(db, &Sha256::digest(&token), &row)?;
    Ok(Session {
        access_token: token,
        expires_at: ends_at(&row),
        kind,
        must_change_password: account.must_change && kind == SessionKind::Password,
        account: accounts::view(portal, db, &account, now)?,
    })
}

/// Recognises the caller by the bearer token. Whether the request is signed is still to be checked.
pub(crate) async fn recognise(portal: &Arc<Portal>, token: &str) -> Outcome<Caller> {
    let token_hash: [u8; 32] = Sha256::digest(token).into();
    let now = portal.now();
    let unsigned = portal.unsigned_sessions;
    portal
        .store
        .read(move |db| {
            let row = sessions::find(db, &token_hash)?.filter(|row| now < ends_at(row));
            // A session without a key is one that another configuration, or an earlier version, let in.
            let Some(row) = row.filter(|row| unsigned || row.key.is_some()) else {
                return Err(ProblemCode::Unauthenticated.into());
            };
            let certificate = match &row.serial {
                Some(serial) => Some(in_force(db, serial, row.account, now)?),
                None => None,
            };
            let account = store::accounts::by_id(db, row.account)?;
            let SessionRow { kind, key, seen_at, .. } = row;
            Ok(Caller { account, kind, certificate, token_hash, session_key: key, seen_at })
        })
        .await
}

/// Notes that a session is in use.
pub(crate) async fn note_use(portal: &Arc<Portal>, caller: &Caller) -> Outcome<()> {
    let now = portal.now();
    if now - caller.seen_at < NOTED_EVERY {
        return Ok(());
    }
    let token_hash = caller.token_hash;
    portal.store.act(move |db| Ok(sessions::seen(db, &token_hash, now)?)).await
}

/// Whether it is a P-256 key as RFC 7518 §6.2.1 has it.
pub(crate) fn is_session_key(jwk: &Jwk) -> bool {
    (jwk.kty.as_str(), jwk.crv.as_str()) == ("EC", "P-256") && certdesk_pki::spki_of_jwk(&jwk.x, &jwk.y).is_ok()
}

/// Logs out.
pub(crate) async fn end(portal: &Arc<Portal>, caller: Caller) -> Outcome<()> {
    portal.store.act(move |db| Ok(sessions::end(db, &caller.token_hash)?)).await
}

/// The certificate that stands for a login by this one: itself, or, once it was superseded, what took its place, so that
/// the session in which a certificate is renewed or changed goes on. Revoked in any other way it ends at once.
///
/// # Errors
/// `certificate_expired`, `certificate_revoked`.
pub(crate) fn in_force(db: &Connection, serial: &str, account: i64, now: Timestamp) -> Outcome<String> {
    let mut serial = serial.to_owned();
    loop {
        let row = store::certificates::by_serial(db, &serial)?.filter(|row| row.account == account);
        let row = row.ok_or(ProblemCode::CertificateRevoked)?;
        let superseded = row.revocation.as_ref().is_some_and(|r| r.reason == RevocationReason::Superseded);
        // Each successor is younger than what it succeeded, so this comes to an end.
        match row.successor.clone().filter(|_| superseded) {
            Some(successor) => serial = successor,
            None => match row.status(now) {
                CertificateStatus::Active => return Ok(serial),
                CertificateStatus::Expired => return Err(ProblemCode::CertificateExpired.into()),
                _ => return Err(ProblemCode::CertificateRevoked.into()),
            },
        }
    }
}

fn ends_at(row: &SessionRow) -> Timestamp {
    (row.seen_at + IDLE).min(row.started_at + LONGEST)
}
