//! Login by token: a nonce, bound to a session key and to the TLS connection, signed by the key on the token
//! (Web eID 1.0; design §5.2).

use std::sync::Arc;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use certdesk_contract::{
    ProblemCode,
    certificate::CertificateStatus,
    session::{Challenge, ChallengeRequest, ChannelBinding, Session, SessionKind, TokenLogin, bound_nonce},
};
use certdesk_pki::{PkiError, chain, jwk_thumbprint, web_eid};
use time::Duration;

use crate::{
    consents,
    failure::{Failure, Outcome},
    portal::Portal,
    random, sessions,
    store::{self, challenges::ChallengeRow},
    tls::TlsConnection,
};

/// How long a nonce is good.
const LIFE: Duration = Duration::minutes(5);

/// Gives out a nonce.
pub(crate) async fn give(
    portal: &Arc<Portal>,
    request: ChallengeRequest,
    connection: &TlsConnection,
) -> Outcome<Challenge> {
    let is_thumbprint = URL_SAFE_NO_PAD.decode(&request.jkt).is_ok_and(|hash| hash.len() == 32);
    if !is_thumbprint {
        return Err(ProblemCode::BadRequest.into());
    }
    let challenge = Challenge {
        nonce: random::token(32),
        expires_at: portal.now() + LIFE,
        channel_bindings: vec![connection.binding],
    };
    let nonce = challenge.nonce.clone();
    let row = ChallengeRow { thumbprint: request.jkt, expires_at: challenge.expires_at };
    portal.store.act(move |db| Ok(store::challenges::add(db, &nonce, &row)?)).await?;
    Ok(challenge)
}

/// Logs in by token. Whatever does not verify is `login_refused`, without a hint; that a certificate has expired or was
/// revoked is told only to who proved to have its key.
pub(crate) async fn log_in(portal: &Arc<Portal>, login: TokenLogin, connection: &TlsConnection) -> Outcome<Session> {
    let refused = |why: &'static str| {
        tracing::info!(why, "a login by token was refused");
        Failure::from(ProblemCode::LoginRefused)
    };
    let now = portal.now();
    // Taken for good, also by a login that fails from here on.
    let nonce = login.nonce.clone();
    let challenge = portal.store.act(move |db| Ok(store::challenges::take(db, &nonce)?)).await?;
    let challenge = challenge.filter(|c| now < c.expires_at).ok_or_else(|| refused("unknown or expired nonce"))?;

    let jwk = &login.session_key;
    if !sessions::is_session_key(jwk) {
        return Err(refused("no session key"));
    }
    if jwk_thumbprint(&jwk.x, &jwk.y) != challenge.thumbprint {
        return Err(refused("another session key"));
    }
    if login.channel_binding != connection.binding {
        return Err(refused("another kind of channel binding"));
    }
    let token = &login.token;
    if token.format != "web-eid:1" && !token.format.starts_with("web-eid:1.") {
        return Err(refused("another token format"));
    }
    let certificate_der = STANDARD.decode(&token.unverified_certificate).map_err(|_| refused("no certificate"))?;
    let signature = STANDARD.decode(&token.signature).map_err(|_| refused("no signature"))?;
    let signed = bound_nonce(&login.nonce, &challenge.thumbprint, connection.binding, &connection.binding_b64url);
    let certificate = web_eid::verify(&certificate_der, &token.algorithm, &signature, &portal.origin, &signed)
        .map_err(|_| refused("the signature does not verify"))?;
    match chain::verify(&certificate_der, &[portal.ca.issuing_der()], &[portal.ca.root_der()], now) {
        Ok(()) => {}
        Err(PkiError::Expired | PkiError::NotYetValid) => return Err(ProblemCode::CertificateExpired.into()),
        Err(_) => return Err(refused("not a certificate of this authority")),
    }

    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            let Some(row) =
                store::certificates::by_serial(db, &certificate.serial)?.filter(|row| row.der == certificate_der)
            else {
                return Err(refused("a certificate that is not on record"));
            };
            match row.status(now) {
                CertificateStatus::Active => {}
                CertificateStatus::Revoked => return Err(ProblemCode::CertificateRevoked.into()),
                CertificateStatus::Expired => return Err(ProblemCode::CertificateExpired.into()),
                CertificateStatus::Issued => return Err(refused("a certificate that was not confirmed on its key")),
            }
            consents::at_login(&act, db, row.account, login.consent)?;
            let account = store::accounts::by_id(db, row.account)?;
            sessions::open(&act, db, account, SessionKind::Token, Some(row.serial), Some(login.session_key), now)
        })
        .await
}

/// How a connection's binding is called and what it is, for [`TlsConnection`].
pub(crate) fn binding(kind: ChannelBinding, value: &[u8]) -> TlsConnection {
    TlsConnection { binding: kind, binding_b64url: URL_SAFE_NO_PAD.encode(value) }
}
