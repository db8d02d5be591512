//! Signatures of requests (see [`certdesk_contract::signature`]): the session key signs each, a key on a token the legal
//! acts besides.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use certdesk_contract::{
    ProblemCode, path,
    session::{Jwk, Session},
    signature::{
        self, ACT_LABEL, CONTENT_DIGEST, Parameters, RequestHead, SESSION_LABEL, SESSION_TAG, SIGNATURE,
        SIGNATURE_INPUT, Unsigned,
    },
};
use certdesk_domain::token::SignatureScheme;
use certdesk_pki::{SessionKey, message_signature};
use http::{HeaderValue, header};
use reqwest::{Request, RequestBuilder};
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};

use crate::{Portal, PortalError, error, lock, wire::Answer};

/// How long a signature is good: longer than a slow line needs to bring a request, shorter than anybody may allow.
const LIFE_SECONDS: i64 = 120;

/// Within the service's own origin.
const MAX_REDIRECTS: usize = 3;

/// A service refuses what was signed in the second it started in, or before: the next signature is of a later one.
pub(crate) const NEXT_SECOND: Duration = Duration::from_secs(1);

/// What a login comes to: the session, and the key that signs its requests.
#[derive(Clone, Debug)]
pub struct Login {
    /// The session.
    pub session: Session,
    /// The key. Never leaves this process.
    pub key: Arc<SessionKey>,
}

/// A key on a token that signs legal acts.
pub trait ActKey: Sync {
    /// Why it did not sign.
    type Error: Send;

    /// The certificate of the session, DER.
    fn certificate_der(&self) -> &[u8];

    /// How it signs.
    fn scheme(&self) -> SignatureScheme;

    /// Signs a message; ECDSA gives the raw `r‖s`. May be asked twice for one act, each time for another message.
    fn sign(&self, message: Vec<u8>) -> impl Future<Output = Result<Vec<u8>, Self::Error>> + Send;
}

/// Why something that a token has to sign did not happen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SigningError<E> {
    /// On the way to the service, or there.
    #[error(transparent)]
    Portal(PortalError),
    /// The token did not sign.
    #[error("the token did not sign")]
    Sign(E),
}

impl<E> From<PortalError> for SigningError<E> {
    fn from(error: PortalError) -> Self {
        Self::Portal(error)
    }
}

/// The session in force.
#[derive(Clone)]
pub(crate) struct Held {
    /// `Bearer …`, marked sensitive.
    pub(crate) authorization: HeaderValue,
    key: Arc<SessionKey>,
    keyid: String,
}

impl Held {
    pub(crate) fn new(login: &Login) -> Option<Self> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", login.session.access_token)).ok()?;
        authorization.set_sensitive(true);
        Some(Self { authorization, key: login.key.clone(), keyid: login.key.thumbprint() })
    }
}

/// The public half as logins carry it.
pub(crate) fn jwk(key: &SessionKey) -> Jwk {
    let (x, y) = key.jwk();
    Jwk { kty: "EC".into(), crv: "P-256".into(), x, y }
}

/// A legal act and the key that signs it.
pub(crate) struct Act<'a, K> {
    pub(crate) key: &'a K,
    pub(crate) tag: String,
}

/// Nobody's key: the type of [`Act`] where there is none.
pub(crate) enum NoKey {}

impl ActKey for NoKey {
    type Error = std::convert::Infallible;

    fn certificate_der(&self) -> &[u8] {
        match *self {}
    }

    fn scheme(&self) -> SignatureScheme {
        match *self {}
    }

    async fn sign(&self, _: Vec<u8>) -> Result<Vec<u8>, Self::Error> {
        match *self {}
    }
}

impl Portal {
    /// Signs and sends a request and reads the whole answer, at most `most` bytes of it. Where the service says that the
    /// signature is not of now, it told its time with that; where it says that it saw the signature before, somebody on
    /// the line doubled the request, and this is the answer to the copy: signed anew, and sent once more.
    pub(crate) async fn send_signed<K: ActKey>(
        &self,
        request: RequestBuilder,
        most: usize,
        act: Option<Act<'_, K>>,
    ) -> Result<Answer, SigningError<K::Error>> {
        let held = lock(&self.inner.session).clone();
        self.send_signed_by(held, request, most, act).await
    }

    /// The same under a session that need not be the one in force any more.
    pub(crate) async fn send_signed_by<K: ActKey>(
        &self,
        held: Option<Held>,
        request: RequestBuilder,
        most: usize,
        act: Option<Act<'_, K>>,
    ) -> Result<Answer, SigningError<K::Error>> {
        let request = request.build().map_err(|error| error::from_source(&error))?;
        let target = request.url().as_str().strip_prefix(&self.inner.base).unwrap_or_default();
        if self.inner.held_back.load(Ordering::SeqCst) && !path::is_public(target) {
            return Err(PortalError::HeldBack.into());
        }
        // A stream cannot be sent twice; who streams begins again itself.
        let again = request.try_clone();
        let answer = self.send_once(held.as_ref(), request, most, act.as_ref()).await?;
        let early = answer.is_problem(ProblemCode::SignatureExpired);
        let (Some(again), true) = (again, early || answer.is_problem(ProblemCode::Replayed)) else { return Ok(answer) };
        if early {
            tokio::time::sleep(NEXT_SECOND).await;
        }
        self.send_once(held.as_ref(), again, most, act.as_ref()).await
    }

    async fn send_once<K: ActKey>(
        &self,
        held: Option<&Held>,
        mut request: Request,
        most: usize,
        act: Option<&Act<'_, K>>,
    ) -> Result<Answer, SigningError<K::Error>> {
        for _ in 0..=MAX_REDIRECTS {
            // What streams a file cannot be sent to another place: its sender has to begin anew.
            let again = request.try_clone();
            if let Some(held) =
                held.filter(|held| request.headers().get(header::AUTHORIZATION) == Some(&held.authorization))
            {
                sign(&mut request, held, act, self.service_time()).await?;
            }
            let (url, method) = (request.url().clone(), request.method().clone());
            let response = self.execute(request).await?;
            let answer = Answer::read(http::Response::from(response), most).await?;
            self.note_clock(&answer);
            if let (true, Some(date)) = (answer.is_problem(ProblemCode::SignatureExpired), answer.date()) {
                self.inner.sign_from.store(date.unix_timestamp() + 1, Ordering::Relaxed);
            }
            // Within our origin, which `execute` made sure of: signed anew for the new address.
            let (Some(next), Some(mut moved)) = (answer.location(&url, &method), again) else { return Ok(answer) };
            *moved.url_mut() = next;
            request = moved;
        }
        Err(PortalError::Garbled("redirects without end".into()).into())
    }

    /// The service's time as far as it is known, seconds since 1970. `Date` has whole seconds, so it may be one behind;
    /// never as far as a second of which signatures were refused.
    fn service_time(&self) -> i64 {
        let known = (time::OffsetDateTime::now_utc() - self.clock_skew().unwrap_or_default()).unix_timestamp();
        known.max(self.inner.sign_from.load(Ordering::Relaxed))
    }
}

async fn sign<K: ActKey>(
    request: &mut Request,
    held: &Held,
    act: Option<&Act<'_, K>>,
    created: i64,
) -> Result<(), SigningError<K::Error>> {
    let unsignable = || PortalError::Garbled("the request cannot be signed".into());
    let digest = match request.body().and_then(reqwest::Body::as_bytes) {
        Some(body) if !body.is_empty() => Some(digest::digest(&digest::SHA256, body)),
        // Who streams a body knows its digest and has named it.
        _ => None,
    };
    if let Some(digest) = digest {
        let digest = digest.as_ref().try_into().map_err(|_| unsignable())?;
        let value = HeaderValue::try_from(signature::content_digest(digest)).map_err(|_| unsignable())?;
        request.headers_mut().insert(CONTENT_DIGEST, value);
    }
    let fields = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let head = RequestHead::new(request.method().as_str(), request.url().as_str(), fields).map_err(|_| unsignable())?;
    let mut signed = Vec::new();
    // The token first: it may take its time.
    if let Some(Act { key, tag }) = act {
        let name = message_signature::name(key.scheme()).ok_or_else(unsignable)?;
        let keyid = certdesk_pki::x5t_s256(key.certificate_der());
        let parameters = parameters(created, keyid, name, tag)?;
        let unsigned = Unsigned::new(&head, ACT_LABEL, &parameters).map_err(|_| unsignable())?;
        let signature = key.sign(unsigned.base.clone().into_bytes()).await.map_err(SigningError::Sign)?;
        signed.push((unsigned, signature));
    }
    let parameters = parameters(created, held.keyid.clone(), "ecdsa-p256-sha256", SESSION_TAG)?;
    let unsigned = Unsigned::new(&head, SESSION_LABEL, &parameters).map_err(|_| unsignable())?;
    let signature = held.key.sign(unsigned.base.as_bytes());
    signed.push((unsigned, signature));
    let (inputs, signatures) = signature::fields(&signed);
    for (name, value) in [(SIGNATURE_INPUT, inputs), (SIGNATURE, signatures)] {
        request.headers_mut().insert(name, HeaderValue::try_from(value).map_err(|_| unsignable())?);
    }
    Ok(())
}

fn parameters(created: i64, keyid: String, alg: &str, tag: &str) -> Result<Parameters, PortalError> {
    let mut nonce = [0; 16];
    let filled = SystemRandom::new().fill(&mut nonce);
    filled.map_err(|_| PortalError::Garbled("the system has no random numbers".into()))?;
    Ok(Parameters {
        created,
        expires: created + LIFE_SECONDS,
        nonce: URL_SAFE_NO_PAD.encode(nonce),
        keyid,
        alg: alg.to_owned(),
        tag: tag.to_owned(),
    })
}
