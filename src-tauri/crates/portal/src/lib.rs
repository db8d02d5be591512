//! The client of the HTTPS contract: login, cases, certificates, uploads.
//!
//! Knows the service's address, whom it trusts there, and the session in force. Is kept from knowing tokens (a caller
//! signs for it), the cache and the window. Nothing is sent twice of itself: what to try again, and when, is the
//! caller's choice. No error carries personal data, and the access token shows in no output.
//!
//! `token_login` is apart because it needs the TLS exporter of its connection, which the common HTTP client does not
//! let out; trust, limits and errors are the same on both ways.

mod crl;
mod driver;
mod error;
mod line;
mod pace;
mod people;
mod proxy;
mod signing;
mod token_login;
mod transport;
mod trust;
mod upload;
mod wire;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    DEMO_SECRET, IDEMPOTENCY_KEY,
    account::{
        AccountView, ConsentReceipt, ConsentRequest, PasswordChange, RegistrationReceipt, RegistrationRequest,
        SmsMessage,
    },
    announcement::{AnnouncementPage, AnnouncementQuery},
    application::{Application, ApplicationDraft, DraftContent, LegalAct, Receipt, Submission, Verdict},
    catalogue::Catalogue,
    certificate::{CertificateRecord, CertificateRequest, Installation, IssuedCertificate},
    path,
    profiles::SignedProfiles,
    query::{Query, QueryAnswer},
    session::PasswordLogin,
    signature::act_tag,
};
use certdesk_domain::{Business, region::Region};
use certdesk_pki::SessionKey;
use http::{HeaderValue, StatusCode, header};
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use url::Url;
use uuid::Uuid;

pub use error::PortalError;
pub use line::{Line, LineStep};
pub use proxy::{ProxyChoice, ProxyLogin, ProxyState, ScriptRunner, ScriptState, ScriptTrouble};
pub use signing::{ActKey, Login, SigningError};
pub use token_login::{TokenChallenge, TokenProof};
pub use upload::{Content, FileGuard, Progress, Source, Through, UploadSpec, hash_file, prepare};

use signing::{Act, Held, NoKey};
use wire::Answer;

/// Until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of an answer nothing moved for so long: it is given up. A slow line may take longer in all.
const STALL: Duration = Duration::from_secs(30);
/// Until an answer is there in full, however slow the line; not for files.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// A connection idle for longer is not used again: the other side may be about to close it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Largest JSON answer.
const MAX_JSON: usize = 4 * 1024 * 1024;

/// Where the service is, and whom to trust there.
#[derive(Clone, Debug)]
pub struct PortalConfig {
    /// Address of the service: `https` with a host, at most a path besides.
    pub base: Url,
    /// Root certificates, DER, trusted besides those of the operating system. For the demo alone.
    pub extra_roots: Vec<Vec<u8>>,
    /// `User-Agent`, and `appVersion` of a token login.
    pub user_agent: String,
}

/// A connection to one service. Clones share the session.
#[derive(Clone)]
pub struct Portal {
    inner: Arc<Inner>,
}

struct Inner {
    /// Address without a slash at its end.
    base: String,
    url: Url,
    user_agent: HeaderValue,
    trust: trust::Trust,
    /// Changed as a whole: who has a clone goes on with it.
    http: Mutex<reqwest::Client>,
    proxies: Arc<proxy::Proxies>,
    pace: pace::Pace,
    session: Mutex<Option<Held>>,
    /// Somebody is known here and not at the service: nothing but what is public goes out.
    held_back: AtomicBool,
    clock_skew: Mutex<Option<time::Duration>>,
    /// Seconds since 1970: signatures of before were refused as not of now.
    sign_from: AtomicI64,
}

/// The answer to a conditional request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetched<T> {
    /// What the caller has is still in force.
    NotModified,
    /// Something newer.
    New {
        /// It.
        value: T,
        /// Its entity tag, to be named the next time.
        etag: Option<String>,
    },
}

/// A certificate fresh from the authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, DER.
    pub certificate_der: Vec<u8>,
    /// Its issuers up to the root, DER.
    pub chain_der: Vec<Vec<u8>>,
}

impl Portal {
    /// Sets up; connects to nothing yet.
    ///
    /// # Errors
    /// [`PortalError::BadAddress`] for anything but an `https` address; [`PortalError::TlsUntrusted`] where there is
    /// no trusted root at all, neither of the system nor an extra one.
    pub fn new(config: PortalConfig) -> Result<Self, PortalError> {
        let url = config.base;
        let plain =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "https" || url.host().is_none() || !plain {
            return Err(PortalError::BadAddress);
        }
        let user_agent = HeaderValue::try_from(config.user_agent).map_err(|_| PortalError::BadAddress)?;
        let trust = trust::Trust::new(config.extra_roots)?;
        let proxies = Arc::default();
        let http = transport::http_client(&trust.now, &url, &user_agent, Arc::clone(&proxies))?;
        let inner = Inner {
            base: url.as_str().trim_end_matches('/').to_owned(),
            url,
            user_agent,
            trust,
            http: Mutex::new(http),
            proxies,
            pace: pace::Pace::default(),
            session: Mutex::default(),
            held_back: AtomicBool::new(false),
            clock_skew: Mutex::default(),
            sign_from: AtomicI64::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The origin of the service (RFC 6454) as its configured address says, for example `https://portal.example:8443`.
    pub fn origin(&self) -> String {
        self.inner.url.origin().ascii_serialization()
    }

    /// This computer's time minus the service's, as last seen; `None` before the first answer. Good to about a second.
    pub fn clock_skew(&self) -> Option<time::Duration> {
        *lock(&self.inner.clock_skew)
    }

    /// Later requests carry this session, signed by its key.
    pub fn set_session(&self, login: &Login) {
        *lock(&self.inner.session) = Held::new(login);
        self.inner.held_back.store(false, Ordering::SeqCst);
    }

    /// Later requests carry no session.
    pub fn clear_session(&self) {
        *lock(&self.inner.session) = None;
        self.inner.held_back.store(false, Ordering::SeqCst);
    }

    /// Until a session begins or ends, nothing is sent but what anybody may ask ([`path::is_public`]); the rest is
    /// [`PortalError::HeldBack`], and the service hears nothing of it.
    pub fn hold_back(&self) {
        *lock(&self.inner.session) = None;
        self.inner.held_back.store(true, Ordering::SeqCst);
    }

    /// Asks whether the service is there, and what time it is there.
    pub async fn health(&self) -> Result<(), PortalError> {
        self.done(self.request(Method::GET, path::HEALTH)).await
    }

    /// What the service offers, unless `etag` names what it offers now.
    pub async fn catalogue(&self, etag: Option<&str>) -> Result<Fetched<Catalogue>, PortalError> {
        self.fetch_if_new(path::CATALOGUE, etag).await
    }

    /// The profiles it publishes, unless `etag` names them. `not_found` where it publishes none.
    pub async fn profiles(&self, etag: Option<&str>) -> Result<Fetched<SignedProfiles>, PortalError> {
        self.fetch_if_new(path::PROFILES, etag).await
    }

    /// The divisions of the country as the service knows them.
    pub async fn regions(&self) -> Result<Vec<Region>, PortalError> {
        self.get(path::REGIONS).await
    }

    /// Records the acceptance of a text.
    pub async fn consent(&self, consent: &ConsentRequest) -> Result<ConsentReceipt, PortalError> {
        self.post(path::CONSENTS, consent).await
    }

    /// Registers an account. The same `idempotency` with the same content registers once.
    pub async fn register(
        &self,
        request: &RegistrationRequest,
        idempotency: Uuid,
    ) -> Result<RegistrationReceipt, PortalError> {
        self.post_once(path::REGISTRATIONS, request, idempotency).await
    }

    /// Logs in by account and password, with a session key of its own. The session is in force after
    /// [`Portal::set_session`].
    pub async fn log_in_with_password(&self, login: &PasswordLogin) -> Result<Login, PortalError> {
        let key = SessionKey::generate();
        let login = PasswordLogin { session_key: Some(signing::jwk(&key)), ..login.clone() };
        let session = self.post(path::PASSWORD_SESSIONS, &login).await?;
        Ok(Login { session, key: Arc::new(key) })
    }

    /// Ends the session: here at once, at the service when the answer is awaited. A session that begins meanwhile is
    /// another one and stays. Where there is none, nobody is told.
    pub fn log_out(&self) -> impl Future<Output = Result<(), PortalError>> + Send + use<> {
        let request = self.request(Method::DELETE, path::CURRENT_SESSION).timeout(REQUEST_TIMEOUT);
        let held = lock(&self.inner.session).take();
        self.inner.held_back.store(false, Ordering::SeqCst);
        let portal = self.clone();
        async move {
            let Some(held) = held else { return Ok(()) };
            told(portal.send_signed_by(Some(held), request, MAX_JSON, NOBODY).await)?.success().map(drop)
        }
    }

    /// Replaces the password. The same `idempotency` with the same content replaces it once.
    pub async fn change_password(&self, change: &PasswordChange, idempotency: Uuid) -> Result<(), PortalError> {
        let request = self.request(Method::PUT, path::PASSWORD).json(change);
        self.done(request.header(IDEMPOTENCY_KEY, idempotency.to_string())).await
    }

    /// Whose session it is.
    pub async fn account(&self) -> Result<AccountView, PortalError> {
        self.get(path::ACCOUNT).await
    }

    /// All cases of the account, newest first.
    pub async fn applications(&self) -> Result<Vec<Application>, PortalError> {
        self.get(path::APPLICATIONS).await
    }

    /// One case.
    pub async fn application(&self, id: Uuid) -> Result<Application, PortalError> {
        self.get(&path::application(id)).await
    }

    /// Opens a case under a name of ours; opening it again changes nothing.
    pub async fn put_application(&self, id: Uuid, draft: &ApplicationDraft) -> Result<Application, PortalError> {
        self.json(self.request(Method::PUT, &path::application(id)).json(draft)).await
    }

    /// Takes a case back, in a session by password or where it was never handed in. The same `idempotency` takes it back
    /// once.
    pub async fn withdraw(&self, id: Uuid, idempotency: Uuid) -> Result<Application, PortalError> {
        let request = self.request(Method::DELETE, &path::application(id));
        self.json(request.header(IDEMPOTENCY_KEY, idempotency.to_string())).await
    }

    /// Takes a case of this business back, signed by the key of the session.
    ///
    /// # Errors
    /// [`SigningError::Sign`] with the error of `key`.
    pub async fn withdraw_signed<K: ActKey>(
        &self,
        id: Uuid,
        business: Business,
        idempotency: Uuid,
        key: &K,
    ) -> Result<Application, SigningError<K::Error>> {
        let request = self.request(Method::DELETE, &path::application(id));
        let request = request.header(IDEMPOTENCY_KEY, idempotency.to_string());
        self.act(request, LegalAct::Withdraw, business, key).await
    }

    /// What is typed of a case that is not handed in, unless `etag` names what it is now.
    ///
    /// # Errors
    /// The problem `not_found` where nothing is kept of it.
    pub async fn draft(&self, id: Uuid, etag: Option<&str>) -> Result<Fetched<DraftContent>, PortalError> {
        self.fetch_if_new(&path::draft(id), etag).await
    }

    /// Keeps what is typed, in place of what `etag` names; without one it must be the first. Answers its entity tag.
    ///
    /// # Errors
    /// The problem `draft_changed` where something else is kept.
    pub async fn put_draft(&self, id: Uuid, draft: &DraftContent, etag: Option<&str>) -> Result<String, PortalError> {
        let request = self.request(Method::PUT, &path::draft(id)).json(draft);
        let request = match etag {
            Some(etag) => request.header(header::IF_MATCH, etag),
            None => request.header(header::IF_NONE_MATCH, "*"),
        };
        let answer = self.send_request(request, MAX_JSON).await?.success()?;
        answer.etag().ok_or_else(|| PortalError::Garbled("a draft was kept without an entity tag".into()))
    }

    /// Hands a case in, in a session by password. The same `idempotency` with the same content hands it in once.
    pub async fn submit(&self, id: Uuid, submission: &Submission, idempotency: Uuid) -> Result<Receipt, PortalError> {
        self.post_once(&path::submission(id), submission, idempotency).await
    }

    /// Hands a case of this business in, signed by the key of the session.
    ///
    /// # Errors
    /// [`SigningError::Sign`] with the error of `key`.
    pub async fn submit_signed<K: ActKey>(
        &self,
        id: Uuid,
        business: Business,
        submission: &Submission,
        idempotency: Uuid,
        key: &K,
    ) -> Result<Receipt, SigningError<K::Error>> {
        let request = self.request(Method::POST, &path::submission(id));
        let request = request.header(IDEMPOTENCY_KEY, idempotency.to_string()).json(submission);
        self.act(request, LegalAct::Submit, business, key).await
    }

    /// A signed receipt, as a file to keep ([`certdesk_contract::receipt`]). Not verified.
    pub async fn receipt(&self, id: Uuid) -> Result<Vec<u8>, PortalError> {
        self.bytes(&path::receipt(id), MAX_JSON).await
    }

    /// Asks for the certificate of an approved case; the same key always gets the same one.
    pub async fn request_certificate(&self, id: Uuid, csr_der: &[u8]) -> Result<Issued, PortalError> {
        let request = CertificateRequest { csr_b64: STANDARD.encode(csr_der) };
        let issued: IssuedCertificate = self.post(&path::issuance(id), &request).await?;
        let decode =
            |text: &String| STANDARD.decode(text).map_err(|_| PortalError::Garbled("certificate is not base64".into()));
        Ok(Issued {
            certificate_der: decode(&issued.certificate_b64)?,
            chain_der: issued.chain_b64.iter().map(decode).collect::<Result<_, _>>()?,
        })
    }

    /// Tells that the certificate is on the key and works; completes the case.
    pub async fn confirm_installation(
        &self,
        id: Uuid,
        installation: &Installation,
    ) -> Result<Application, PortalError> {
        self.post(&path::installation(id), installation).await
    }

    /// The account's certificates.
    pub async fn certificates(&self) -> Result<Vec<CertificateRecord>, PortalError> {
        self.get(path::CERTIFICATES).await
    }

    /// How applications stand, for whoever knows two things about them.
    pub async fn query(&self, query: &Query) -> Result<Vec<QueryAnswer>, PortalError> {
        self.post(path::QUERIES, query).await
    }

    /// One page of 注销公告.
    pub async fn announcements(&self, query: &AnnouncementQuery) -> Result<AnnouncementPage, PortalError> {
        self.get(&format!("{}?{}", path::ANNOUNCEMENTS, crl::query_string(query))).await
    }

    /// The issuing authority's certificate, DER, unverified.
    pub async fn ca_certificate(&self) -> Result<Vec<u8>, PortalError> {
        self.bytes(path::CA_CERTIFICATE, MAX_JSON).await
    }

    /// Demo only: SMS sent so far, newest first.
    pub async fn demo_sms(&self, secret: &str) -> Result<Vec<SmsMessage>, PortalError> {
        self.json(self.request(Method::GET, path::DEMO_SMS).header(DEMO_SECRET, secret)).await
    }

    /// Demo only: the reviewer's queue.
    pub async fn demo_queue(&self, secret: &str) -> Result<Vec<Application>, PortalError> {
        self.json(self.request(Method::GET, path::DEMO_QUEUE).header(DEMO_SECRET, secret)).await
    }

    /// Demo only: decides a case as the reviewer.
    pub async fn demo_review(&self, secret: &str, id: Uuid, verdict: &Verdict) -> Result<Application, PortalError> {
        self.json(self.request(Method::POST, &path::demo_review(id)).header(DEMO_SECRET, secret).json(verdict)).await
    }

    async fn fetch_if_new<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        etag: Option<&str>,
    ) -> Result<Fetched<T>, PortalError> {
        let mut request = self.request(Method::GET, path);
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let answer = self.send_request(request, MAX_JSON).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::NotModified);
        }
        let answer = answer.success()?;
        let etag = answer.etag();
        Ok(Fetched::New { value: answer.json()?, etag })
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, PortalError> {
        self.json(self.request(Method::GET, path)).await
    }

    async fn post<T: serde::de::DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, PortalError> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    async fn post_once<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        idempotency: Uuid,
    ) -> Result<T, PortalError> {
        self.json(self.request(Method::POST, path).header(IDEMPOTENCY_KEY, idempotency.to_string()).json(body)).await
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, PortalError> {
        self.send_request(request, MAX_JSON).await?.success()?.json()
    }

    async fn done(&self, request: RequestBuilder) -> Result<(), PortalError> {
        self.send_request(request, MAX_JSON).await?.success().map(drop)
    }

    async fn bytes(&self, path: &str, most: usize) -> Result<Vec<u8>, PortalError> {
        Ok(self.send_request(self.request(Method::GET, path), most).await?.success()?.body)
    }

    async fn act<T: serde::de::DeserializeOwned, K: ActKey>(
        &self,
        request: RequestBuilder,
        act: LegalAct,
        business: Business,
        key: &K,
    ) -> Result<T, SigningError<K::Error>> {
        let act = Act { key, tag: act_tag(act, business) };
        let answer = self.send_signed(request.timeout(REQUEST_TIMEOUT), MAX_JSON, Some(act)).await?;
        Ok(answer.success()?.json()?)
    }

    /// A request with the session in force, if any. `path` is one of [`path`].
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.inner.client().request(method, format!("{}{path}", self.inner.base));
        match &*lock(&self.inner.session) {
            Some(held) => request.header(header::AUTHORIZATION, &held.authorization),
            None => request,
        }
    }

    async fn send_request(&self, request: RequestBuilder, most: usize) -> Result<Answer, PortalError> {
        self.send_unhurried(request.timeout(REQUEST_TIMEOUT), most).await
    }

    /// Sends without a limit in time and reads the whole answer, at most `most` bytes of it.
    async fn send_unhurried(&self, request: RequestBuilder, most: usize) -> Result<Answer, PortalError> {
        told(self.send_signed(request, most, NOBODY).await)
    }

    fn note_clock(&self, answer: &Answer) {
        if let Some(theirs) = answer.date() {
            *lock(&self.inner.clock_skew) = Some(time::OffsetDateTime::now_utc() - theirs);
        }
    }
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Portal({})", self.origin())
    }
}

/// No act's key signs along.
const NOBODY: Option<Act<'static, NoKey>> = None;

fn told(answer: Result<Answer, SigningError<std::convert::Infallible>>) -> Result<Answer, PortalError> {
    answer.map_err(|error| match error {
        SigningError::Portal(error) => error,
        SigningError::Sign(never) => match never {},
    })
}

/// Whether the address is this computer: such traffic never goes through a proxy.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What is kept under our locks is whole at every instant, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
