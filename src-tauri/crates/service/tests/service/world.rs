//! A service on a fresh data directory, and people who use it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::body::{Body, Bytes, to_bytes};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use certdesk_contract::{
    ProblemCode,
    account::*,
    application::*,
    certificate::{CertificateRequest, Installation, IssuedCertificate},
    path,
    session::*,
    signature::{
        ACT_LABEL, CONTENT_DIGEST, Parameters, RequestHead, SESSION_LABEL, SESSION_TAG, SIGNATURE, SIGNATURE_INPUT,
        Unsigned, act_tag, content_digest, fields as fields_of,
    },
    upload as tus,
};
use certdesk_domain::{
    AccountKind, Business, IdKind, RequirementId,
    form::{Address, Handler, Organisation, Person, Registration},
    token::SignatureScheme,
};
use certdesk_pki::{CsrBuilder, SessionKey};
use certdesk_service::{Clock, Config, DemoSecret, Running, Service, review::Desk};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use uuid::Uuid;

pub(crate) const SECRET: &str = "demo-secret";
pub(crate) const NEW_PASSWORD: &str = "correct horse 7";

/// A running service.
pub(crate) struct World {
    pub(crate) data: tempfile::TempDir,
    pub(crate) clock: Clock,
    pub(crate) running: Running,
}

/// Signs the requests of all sessions here: a client may take over another's.
static SESSION_KEY: LazyLock<Arc<SessionKey>> = LazyLock::new(|| Arc::new(SessionKey::generate()));

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A service that an operator set up differently.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let running = start_with(data.path(), &clock, change).await;
        Self { data, clock, running }
    }

    /// A service that lets tools in that sign nothing, and such a tool.
    pub(crate) async fn unsigned() -> (Self, Client) {
        let world = Self::with(|config| config.unsigned_sessions = true).await;
        let client = Client { session_key: None, ..world.client() };
        (world, client)
    }

    /// Nobody in particular.
    pub(crate) fn client(&self) -> Client {
        Client { clock: self.clock.clone(), ..Client::new(self.running.address, &self.running.root_der) }
    }

    pub(crate) fn desk(&self) -> Desk {
        Desk::open(self.data.path()).unwrap()
    }

    /// Somebody who registered, read the SMS and replaced the password.
    pub(crate) async fn applicant(&self, kind: AccountKind) -> Applicant {
        applicant(&self.client(), registration(kind)).await
    }
}

pub(crate) async fn start(data: &Path, clock: &Clock) -> Running {
    start_with(data, clock, |_| {}).await
}

pub(crate) async fn start_with(data: &Path, clock: &Clock, change: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::new(data, "127.0.0.1:0".parse().unwrap());
    config.demo = Some(DemoSecret::new(SECRET));
    config.clock = clock.clone();
    change(&mut config);
    Service::start(config).await.unwrap()
}

/// Speaks to the service; each request on its own connection, and signed where there is a session.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) token: Option<String>,
    /// Signs the requests of sessions; `None` signs nothing.
    pub(crate) session_key: Option<Arc<SessionKey>>,
    /// Signs legal acts: key and certificate of a session by token.
    pub(crate) act_key: Option<(Key, Vec<u8>)>,
    pub(crate) clock: Clock,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e} in {} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn problem(&self) -> certdesk_contract::Problem {
        assert_eq!(self.header("content-type"), "application/problem+json", "every refusal is a problem");
        let problem: certdesk_contract::Problem = self.json();
        assert_eq!(problem.status, self.status, "the problem tells the status it came with");
        problem
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, code: ProblemCode) -> Self {
        assert_eq!(self.problem().code, code, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, root_der: &[u8]) -> Self {
        Self::speaking(rustls::DEFAULT_VERSIONS, address, root_der)
    }

    pub(crate) fn speaking(
        versions: &[&'static rustls::SupportedProtocolVersion],
        address: SocketAddr,
        root_der: &[u8],
    ) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root_der.to_vec().into()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        Self {
            address,
            tls: Arc::new(tls.with_root_certificates(roots).with_no_client_auth()),
            token: None,
            session_key: Some(SESSION_KEY.clone()),
            act_key: None,
            clock: Clock::system(),
        }
    }

    pub(crate) async fn tls(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        TlsConnector::from(self.tls.clone()).connect(self.address.ip().into(), stream).await.unwrap()
    }

    /// A connection that stays, with its exporter.
    pub(crate) async fn line(&self) -> Line {
        let stream = self.tls().await;
        let exporter = stream.get_ref().1.export_keying_material([0u8; 32], b"EXPORTER-Channel-Binding", None).unwrap();
        let end_point = Sha256::digest(&stream.get_ref().1.peer_certificates().unwrap()[0]).to_vec();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Line { sender, exporter: exporter.to_vec(), end_point }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let tag = self.tag_of(method, path).await;
        self.act(method, path, headers, body, tag.as_deref()).await
    }

    /// The tag of a legal act, where this request is one that a key has to sign.
    async fn tag_of(&self, method: &str, path: &str) -> Option<String> {
        self.act_key.as_ref()?;
        let (case, act) = match (method, path.strip_suffix("/submission")) {
            ("POST", Some(case)) => (case, LegalAct::Submit),
            ("DELETE", None) if path.starts_with(path::APPLICATIONS) => (path, LegalAct::Withdraw),
            _ => return None,
        };
        let case = self.act("GET", case, &[], "", None).await;
        (case.status == 200).then(|| act_tag(act, case.json::<Application>().business))
    }

    /// The same; with a tag, signed as a legal act too.
    pub(crate) async fn act(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
        tag: Option<&str>,
    ) -> Answer {
        let body = body.into();
        let answer = self.send_once(method, path, headers, body.clone(), tag).await;
        if answer.header(certdesk_contract::PROBLEM_CODE) != ProblemCode::SignatureExpired.as_str() {
            return answer;
        }
        // As our client does, after the second in which a service was started.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.send_once(method, path, headers, body, tag).await
    }

    async fn send_once(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
        tag: Option<&str>,
    ) -> Answer {
        let signed = match (&self.token, &self.session_key) {
            (Some(_), Some(key)) => self.signed(key, method, path, headers, &body, tag),
            _ => Vec::new(),
        };
        let signed = signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(signed).collect();
        self.line().await.send(self, method, path, &headers, body).await
    }

    /// The fields that sign a request.
    pub(crate) fn signed(
        &self,
        key: &SessionKey,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        tag: Option<&str>,
    ) -> Vec<(String, String)> {
        let mut added = Vec::new();
        if !body.is_empty() {
            added.push((CONTENT_DIGEST.to_owned(), content_digest(&Sha256::digest(body).into())));
        }
        let all = headers.iter().copied().chain(added.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let fields = all.map(|(name, value)| (name, value.as_bytes()));
        // A proxy's POST is what it stands for.
        let method = headers.iter().find(|(name, _)| *name == "x-http-method-override").map_or(method, |(_, to)| to);
        let head = RequestHead::new(method, &format!("https://{}{path}", self.address), fields).unwrap();
        let mut signatures = Vec::new();
        if let (Some(tag), Some((act_key, certificate))) = (tag, &self.act_key) {
            let keyid = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate));
            let unsigned = Unsigned::new(&head, ACT_LABEL, &self.parameters(keyid, tag)).unwrap();
            let signature = act_key.sign(unsigned.base.as_bytes());
            signatures.push((unsigned, signature));
        }
        let parameters = self.parameters(key.thumbprint(), SESSION_TAG);
        let unsigned = Unsigned::new(&head, SESSION_LABEL, &parameters).unwrap();
        let signature = key.sign(unsigned.base.as_bytes());
        signatures.push((unsigned, signature));
        let (inputs, signatures) = fields_of(&signatures);
        added.extend([(SIGNATURE_INPUT.to_owned(), inputs), (SIGNATURE.to_owned(), signatures)]);
        added
    }

    /// Of now, with a nonce of their own.
    pub(crate) fn parameters(&self, keyid: String, tag: &str) -> Parameters {
        let created = self.clock.now().unix_timestamp();
        Parameters {
            created,
            expires: created + 60,
            nonce: URL_SAFE_NO_PAD.encode(Uuid::new_v4()),
            keyid,
            alg: "ecdsa-p256-sha256".into(),
            tag: tag.into(),
        }
    }

    /// Public half of the key that signs for the sessions of this client.
    pub(crate) fn jwk(&self) -> Option<Jwk> {
        let (x, y) = self.session_key.as_ref()?.jwk();
        Some(Jwk { kty: "EC".into(), crv: "P-256".into(), x, y })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn put<T: Serialize>(&self, path: &str, body: &T) -> Answer {
        self.send("PUT", path, &[("content-type", "application/json")], serde_json::to_vec(body).unwrap()).await
    }

    pub(crate) async fn post<T: Serialize>(&self, path: &str, body: &T) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], serde_json::to_vec(body).unwrap()).await
    }

    pub(crate) async fn post_once<T: Serialize>(&self, path: &str, key: Uuid, body: &T) -> Answer {
        let headers = [("content-type", "application/json"), ("idempotency-key", &*key.to_string())];
        loop {
            let answer = self.send("POST", path, &headers, serde_json::to_vec(body).unwrap()).await;
            if answer.header(certdesk_contract::PROBLEM_CODE) != ProblemCode::InProgress.as_str() {
                return answer;
            }
            // Told to come back, it comes back.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn sms(&self) -> Vec<SmsMessage> {
        self.send("GET", path::DEMO_SMS, &[("x-demo-secret", SECRET)], "").await.expect(200).json()
    }

    pub(crate) async fn consent(&self, subject: ConsentSubject) -> Uuid {
        let catalogue: certdesk_contract::catalogue::Catalogue = self.get(path::CATALOGUE).await.expect(200).json();
        let version = match subject {
            ConsentSubject::Agreement => catalogue.agreement.version,
            ConsentSubject::SensitiveData => catalogue.sensitive_data.version,
        };
        let receipt: ConsentReceipt =
            self.post(path::CONSENTS, &ConsentRequest { subject, version }).await.expect(201).json();
        receipt.id
    }

    pub(crate) async fn log_in(&self, account: &str, password: &str) -> Answer {
        let login = PasswordLogin {
            account: account.into(),
            password: password.into(),
            consent: None,
            session_key: self.jwk(),
        };
        self.post(path::PASSWORD_SESSIONS, &login).await
    }

    pub(crate) fn with_token(&self, session: &Session) -> Self {
        Self { token: Some(session.access_token.clone()), ..self.clone() }
    }
}

pub(crate) struct Line {
    sender: http1::SendRequest<Body>,
    pub(crate) exporter: Vec<u8>,
    /// RFC 5929, of a certificate signed with SHA-256.
    pub(crate) end_point: Vec<u8>,
}

impl Line {
    pub(crate) async fn send(
        &mut self,
        client: &Client,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = http::Request::builder().method(method).uri(path).header("host", client.address.to_string());
        if let Some(token) = &client.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn post<T: Serialize>(&mut self, client: &Client, path: &str, body: &T) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(client, "POST", path, &headers, serde_json::to_vec(body).unwrap()).await
    }
}

/// Somebody with an account and a session.
pub(crate) struct Applicant {
    pub(crate) client: Client,
    pub(crate) account: String,
}

pub(crate) async fn applicant(client: &Client, registration: Registration) -> Applicant {
    let consent = client.consent(ConsentSubject::Agreement).await;
    let phone = registration.phone.clone();
    let request = RegistrationRequest { registration, consent };
    client.post_once(path::REGISTRATIONS, Uuid::new_v4(), &request).await.expect(201);
    let (account, password) = credentials(&client.sms().await.into_iter().find(|m| m.phone == phone).unwrap().text);
    let session: Session = client.log_in(&account, &password).await.expect(201).json();
    assert!(session.must_change_password, "the initial password must be replaced");
    let client = client.with_token(&session);
    client.put(path::PASSWORD, &PasswordChange { old: password, new: NEW_PASSWORD.into() }).await.expect(204);
    Applicant { client, account }
}

/// Account name and initial password of a welcome message.
pub(crate) fn credentials(sms: &str) -> (String, String) {
    let after =
        |label: &str| sms.split_once(label).unwrap().1.chars().take_while(char::is_ascii_alphanumeric).collect();
    (after("账号："), after("初始密码："))
}

pub(crate) fn registration(kind: AccountKind) -> Registration {
    let person =
        |name: &str| Person { name: name.into(), id_kind: IdKind::ResidentId, id_number: "11010519491231002X".into() };
    Registration {
        kind,
        organisation: kind.is_organisation().then(|| Organisation {
            name: "福州云帆测试科技有限公司".into(),
            credit_code: "91350100M000100Y43".into(),
            legal_representative: person("王䶮"),
        }),
        contact: person("林测试"),
        phone: "13800138000".into(),
        email: "clerk@example.com".into(),
        address: Address { region: "350102".into(), detail: "测试路 1 号".into() },
    }
}

pub(crate) fn handler() -> Handler {
    let registration = registration(AccountKind::Enterprise);
    Handler {
        credit_code: "91350100M000100Y43".into(),
        address: registration.address,
        person: registration.contact,
        phone: registration.phone,
        email: registration.email,
    }
}

/// The smallest file that passes for one of its kind.
pub(crate) fn file(kind: &str, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
    let magic: &[u8] = match kind {
        "pdf" => b"%PDF-1.7\n",
        "jpeg" => &[0xFF, 0xD8, 0xFF, 0xE0],
        "mp4" => b"\0\0\0\x20ftypisom",
        other => panic!("no {other}"),
    };
    bytes[..magic.len()].copy_from_slice(magic);
    bytes
}

impl Applicant {
    pub(crate) async fn draft(&self) -> Uuid {
        let id = Uuid::now_v7();
        self.client.put(&path::application(id), &ApplicationDraft::new(Business::New)).await.expect(200);
        id
    }

    /// Announces an upload; answers the refusal or the path.
    pub(crate) async fn announce(
        &self,
        application: Uuid,
        requirement: &str,
        name: &str,
        length: u64,
        sha256: Option<&str>,
    ) -> Result<String, Answer> {
        let mut pairs = vec![
            (tus::META_APPLICATION, application.to_string()),
            (tus::META_REQUIREMENT, requirement.to_owned()),
            (tus::META_FILENAME, name.to_owned()),
        ];
        pairs.extend(sha256.map(|hash| (tus::META_SHA256, hash.to_owned())));
        let metadata: Vec<_> = pairs.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect();
        let headers = [
            ("tus-resumable", "1.0.0"),
            ("upload-length", &length.to_string()),
            ("upload-metadata", &metadata.join(",")),
        ];
        let answer = self.client.send("POST", path::UPLOADS, &headers, "").await;
        if answer.status == 201 { Ok(answer.header("location").to_owned()) } else { Err(answer) }
    }

    pub(crate) async fn patch(&self, upload: &str, offset: u64, checksum: bool, bytes: &[u8]) -> Answer {
        let sum = format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes)));
        let offset = offset.to_string();
        let mut headers =
            vec![("tus-resumable", "1.0.0"), ("content-type", tus::OFFSET_OCTET_STREAM), ("upload-offset", &offset)];
        if checksum {
            headers.push(("upload-checksum", &sum));
        }
        self.client.send("PATCH", upload, &headers, bytes.to_vec()).await
    }

    pub(crate) async fn head(&self, upload: &str) -> Answer {
        self.client.send("HEAD", upload, &[("tus-resumable", "1.0.0")], "").await
    }

    pub(crate) async fn offset(&self, upload: &str) -> u64 {
        self.head(upload).await.expect(200).header("upload-offset").parse().unwrap()
    }

    /// Uploads one file in one piece; answers its id.
    pub(crate) async fn upload(&self, application: Uuid, requirement: &str, bytes: &[u8]) -> Uuid {
        let hash = hex(&Sha256::digest(bytes));
        let upload = self.announce(application, requirement, "营业执照 📄.pdf", bytes.len() as u64, Some(&hash)).await;
        let upload = upload.unwrap_or_else(|a| panic!("{}", String::from_utf8_lossy(&a.body)));
        self.patch(&upload, 0, true, bytes).await.expect(204);
        id_of(&upload)
    }

    /// All files an enterprise's first certificate asks for.
    pub(crate) async fn all_files(&self, application: Uuid) -> Vec<SubmittedAttachment> {
        let mut attachments = Vec::new();
        for (requirement, kind) in [
            ("application_form", "pdf"),
            ("business_license", "jpeg"),
            ("handler_id", "jpeg"),
            ("handler_id", "jpeg"),
            ("legal_representative_id", "jpeg"),
            ("power_of_attorney", "pdf"),
            ("commitment_video", "mp4"),
        ] {
            let upload = self.upload(application, requirement, &file(kind, 5000)).await;
            attachments.push(SubmittedAttachment { requirement: RequirementId(requirement.into()), upload });
        }
        attachments
    }

    pub(crate) async fn submission(&self, attachments: Vec<SubmittedAttachment>) -> Submission {
        Submission {
            handler: handler(),
            particulars: Default::default(),
            form_sha256: Some("0".repeat(64)),
            attachments,
            declared_true: true,
            sensitive_data_consent: Some(self.client.consent(ConsentSubject::SensitiveData).await),
        }
    }

    /// A case of 新办 that was handed in.
    pub(crate) async fn submitted(&self) -> Uuid {
        let id = self.draft().await;
        let submission = self.submission(self.all_files(id).await).await;
        self.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
        id
    }

    /// A case up to 待制证.
    pub(crate) async fn approved(&self, desk: &Desk) -> Uuid {
        let id = self.submitted().await;
        desk.decide(&id.to_string(), Review::Approve).unwrap();
        id
    }

    pub(crate) async fn certify(&self, application: Uuid, key: &Key) -> Answer {
        self.client
            .post(&path::issuance(application), &CertificateRequest { csr_b64: STANDARD.encode(key.csr()) })
            .await
    }

    /// A case up to 已完成; answers the certificate.
    pub(crate) async fn certified(&self, desk: &Desk, key: &Key) -> Vec<u8> {
        let id = self.approved(desk).await;
        let issued: IssuedCertificate = self.certify(id, key).await.expect(200).json();
        let der = STANDARD.decode(issued.certificate_b64).unwrap();
        self.client.post(&path::installation(id), &key.installation(id, &der)).await.expect(200);
        der
    }
}

pub(crate) fn id_of(upload: &str) -> Uuid {
    upload.rsplit('/').next().unwrap().parse().unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A P-256 key in memory, in place of one on a token.
#[derive(Clone)]
pub(crate) struct Key(Arc<EcdsaKeyPair>);

impl Key {
    pub(crate) fn generate() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self(Arc::new(pair))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    pub(crate) fn csr(&self) -> Vec<u8> {
        // SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480 §2).
        let mut spki = vec![0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08];
        spki.extend([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00]);
        spki.extend(self.0.public_key().as_ref());
        let builder = CsrBuilder::new(&spki, "任何人").unwrap();
        builder.finish(SignatureScheme::EcdsaP256Sha256, &self.sign(&builder.to_be_signed())).unwrap()
    }

    pub(crate) fn installation(&self, application: Uuid, der: &[u8]) -> Installation {
        let serial = certdesk_pki::Certificate::parse(der).unwrap().serial;
        let proof = self.sign(Installation::statement(application, &serial).as_bytes());
        Installation { serial, proof_b64: STANDARD.encode(proof) }
    }
}

/// Waits, bounded, for something to become so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap_or_else(|_| panic!("{what} did not come about"));
}
