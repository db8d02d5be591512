//! Login by token: the Web eID 1.0 token, its nonce bound to a session key and to the TLS channel (design §5.2).
//!
//! Challenge and login travel on one TLS 1.3 connection of our own, because the binding is that connection's exporter
//! (RFC 9266). The origin is computed from the configured address, never taken from an answer.

use std::{pin::pin, sync::Arc, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use certdesk_contract::{
    path,
    session::{Challenge, ChallengeRequest, ChannelBinding, TokenLogin, WebEidToken, bound_nonce},
};
use certdesk_domain::token::SignatureScheme;
use certdesk_pki::{SessionKey, web_eid};
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::{CONNECT_TIMEOUT, Login, MAX_JSON, Portal, PortalError, STALL, SigningError, error, signing, wire::Answer};

/// Label of the `tls-exporter` channel binding (RFC 9266 §2).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";
/// How long the connection is left silent while the token signs.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// What the token is to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenChallenge {
    /// The service's origin, as it was signed for.
    pub origin: String,
    /// The nonce with its bindings (see [`bound_nonce`]).
    pub bound_nonce: String,
}

impl TokenChallenge {
    /// The message to sign by this scheme: `hash(origin) ‖ hash(bound_nonce)`.
    pub fn message(&self, scheme: SignatureScheme) -> Vec<u8> {
        web_eid::signed_value(scheme, &self.origin, &self.bound_nonce)
    }
}

/// What the token answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenProof {
    /// The certificate to log in with, DER.
    pub certificate_der: Vec<u8>,
    /// How its key signed.
    pub scheme: SignatureScheme,
    /// The signature; ECDSA as raw `r‖s`.
    pub signature: Vec<u8>,
}

impl Portal {
    /// Logs in by token. `sign` is called once, between challenge and login; it may take as long as a person does.
    /// `consent` is the record of an agreement accepted before. The session is in force after
    /// [`Portal::set_session`].
    ///
    /// # Errors
    /// [`SigningError::Sign`] with the error of `sign`; [`SigningError::Portal`] with [`PortalError::Garbled`]
    /// where the service takes no `tls-exporter` binding: it is never replaced by a weaker one.
    pub async fn log_in_with_token<E, F, S>(&self, consent: Option<Uuid>, sign: S) -> Result<Login, SigningError<E>>
    where
        S: FnOnce(TokenChallenge) -> F,
        F: Future<Output = Result<TokenProof, E>>,
    {
        let key = SessionKey::generate();
        let mut connection = Connection::open(self).await?;
        let jkt = key.thumbprint();
        let challenge: Challenge =
            connection.post(self, path::CHALLENGES, &ChallengeRequest { jkt: jkt.clone() }).await?;
        if !challenge.channel_bindings.contains(&ChannelBinding::TlsExporter) {
            return Err(PortalError::Garbled("no tls-exporter channel binding".into()).into());
        }

        let origin = self.origin();
        let bound_nonce = bound_nonce(&challenge.nonce, &jkt, ChannelBinding::TlsExporter, &connection.exporter);
        let mut signing = pin!(sign(TokenChallenge { origin, bound_nonce }));
        let proof = loop {
            tokio::select! {
                biased;
                proof = &mut signing => break proof.map_err(SigningError::Sign)?,
                () = sleep(KEEP_ALIVE) => connection.keep_alive(self).await?,
            }
        };

        let login = TokenLogin {
            nonce: challenge.nonce,
            token: WebEidToken {
                format: "web-eid:1.0".into(),
                unverified_certificate: STANDARD.encode(&proof.certificate_der),
                algorithm: web_eid::jwa_name(proof.scheme).ok_or(PortalError::UnsupportedKey)?.into(),
                signature: STANDARD.encode(&proof.signature),
                app_version: self.inner.user_agent.to_str().unwrap_or_default().to_owned(),
            },
            session_key: signing::jwk(&key),
            channel_binding: ChannelBinding::TlsExporter,
            consent,
        };
        let session = connection.post(self, path::TOKEN_SESSIONS, &login).await?;
        Ok(Login { session, key: Arc::new(key) })
    }
}

/// One TLS 1.3 connection and its exporter.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// base64url, as the nonce carries it.
    exporter: String,
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    async fn open(portal: &Portal) -> Result<Self, PortalError> {
        let connected = timeout(CONNECT_TIMEOUT, Self::connect(portal)).await.map_err(|_| PortalError::timeout());
        match connected.flatten() {
            Ok(connection) => Ok(connection),
            Err(told) => Err(portal.second_look(told).await),
        }
    }

    async fn connect(portal: &Portal) -> Result<Self, PortalError> {
        let tls = portal.open_tls(&portal.inner.trust.now).await?;
        let session = tls.get_ref().1;
        if session.protocol_version() != Some(rustls::ProtocolVersion::TLSv1_3) {
            // The exporter of TLS 1.2 binds only with an extension that cannot be told from here (RFC 9266 §4.2).
            return Err(PortalError::Unreachable("TLS 1.3 is not spoken".into()));
        }
        let exporter = session
            .export_keying_material([0; 32], EXPORTER_LABEL, Some(b""))
            .map_err(|error| error::from_tls(&error))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(tls)).await.map_err(|error| error::from_source(&error))?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection of a token login ended");
            }
        });
        Ok(Self { sender, exporter: URL_SAFE_NO_PAD.encode(exporter), _driver: AbortOnDropHandle::new(driver) })
    }

    async fn post<T: DeserializeOwned>(
        &mut self,
        portal: &Portal,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, PortalError> {
        let body =
            serde_json::to_vec(body).map_err(|_| PortalError::Garbled("the request cannot be written".into()))?;
        let json = HeaderValue::from_static("application/json");
        let request = Request::builder().method(Method::POST).header(header::CONTENT_TYPE, json);
        self.send(portal, path, request, body).await?.success()?.json()
    }

    /// Any request: people take their time with a key, and a service closes what is idle.
    async fn keep_alive(&mut self, portal: &Portal) -> Result<(), PortalError> {
        self.send(portal, path::HEALTH, Request::builder(), Vec::new()).await.map(drop)
    }

    async fn send(
        &mut self,
        portal: &Portal,
        path: &str,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> Result<Answer, PortalError> {
        let authority = &portal.inner.url[url::Position::BeforeHost..url::Position::AfterPort];
        let prefix = portal.inner.url.path().trim_end_matches('/');
        let request = request
            .uri(format!("{prefix}{path}"))
            .header(header::HOST, authority)
            .header(header::USER_AGENT, portal.inner.user_agent.clone())
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| PortalError::BadAddress)?;
        let answer = async {
            self.sender.ready().await.map_err(|error| error::from_source(&error))?;
            let response = self.sender.send_request(request).await.map_err(|error| error::from_source(&error))?;
            Answer::read(response, MAX_JSON).await
        };
        let answer = timeout(STALL, answer).await.map_err(|_| PortalError::timeout())??;
        portal.note_clock(&answer);
        match portal.sent_away(answer.status, &answer.headers) {
            Some(moved) => Err(moved),
            None => Ok(answer),
        }
    }
}
