//! The service itself, met over TLS with whatever bytes: request lines, header fields of tus and of signatures, forms of
//! the desk, JSON.
//!
//! Specimens are requests with `{token}`, `{cookie}`, `{form}`, `{case}` and `{upload}` in the places of what runs, and
//! `{length}` in that of the body's.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, LazyLock},
    time::Duration,
};

use certdesk_contract::{
    account::{
        AccountChange, ConsentReceipt, ConsentRequest, ConsentSubject, PasswordChange, RegistrationRequest, SmsMessage,
    },
    application::{ApplicationDraft, DraftContent, Submission, SubmittedAttachment},
    catalogue::Catalogue,
    certificate::CertificateRequest,
    path,
    session::{PasswordLogin, Session},
};
use certdesk_domain::{
    AccountKind, Business, IdKind, RequirementId,
    form::{Address, Handler, Particulars, Person, Registration},
};
use certdesk_service::{Config, DemoSecret, Limits, Rate, Running, Service};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::Value;
use uuid::Uuid;

use crate::targets::place;

/// An answer to a whole request is there by then.
const ANSWERED: Duration = Duration::from_secs(20);
/// A request that is not whole is given up after this: it may well wait for more, and that is no finding.
const PATIENCE: Duration = Duration::from_millis(150);
const SECRET: &str = "storm";
const PASSWORD: &str = "tk7wq2hb-storm";

/// A service of its own, somebody who is logged in there, and a reviewer at its desk.
struct World {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    words: Vec<(&'static str, String)>,
    // What keeps it running.
    _running: Running,
    _runtime: tokio::runtime::Runtime,
    _data: tempfile::TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// Sends the bytes as a request. The service answers with anything but a failure of its own, or hangs up.
pub(crate) fn read(bytes: &[u8]) -> u64 {
    let (status, code) = answered(bytes);
    assert_ne!(status.as_deref(), Some("500"), "the service broke inside");
    let length = bytes.split(|byte| *byte == b' ').next().map_or(0, <[u8]>::len);
    place((status, code, length.min(8)))
}

/// Status and problem of the answer, if there is one.
fn answered(bytes: &[u8]) -> (Option<String>, Option<String>) {
    let mut request = bytes.to_vec();
    for (word, value) in &WORLD.words {
        request = replaced(&request, word, value);
    }
    let body = request.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| request.len() - at - 4);
    let request = replaced(&request, "{length}", &body.to_string());
    let answer = WORLD.ask(&request, PATIENCE);
    let text = String::from_utf8_lossy(&answer);
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).map(str::to_owned);
    assert!(answer.is_empty() || status.is_some(), "an answer is one of HTTP/1.1");
    let code = text.lines().find_map(|line| line.strip_prefix("x-problem-code: ")).map(str::to_owned);
    (status, code)
}

fn replaced(text: &[u8], word: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(word.len()).position(|window| window == word.as_bytes()) {
        out.extend(&rest[..at]);
        out.extend(value.as_bytes());
        rest = &rest[at + word.len()..];
    }
    out.extend(rest);
    out
}

impl World {
    fn new() -> Self {
        let data = tempfile::tempdir().expect("a folder can be made");
        let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
        let mut config = Config::new(data.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
        config.demo = Some(DemoSecret::new(SECRET));
        config.unsigned_sessions = true;
        let often = Rate { burst: u32::MAX, every: Duration::from_nanos(1) };
        config.limits = Limits {
            connections: u32::MAX,
            registrations: often,
            password_logins: often,
            codes: often,
            queries: often,
            openings: often,
            body_time: Duration::from_millis(50),
        };
        let running = runtime.block_on(Service::start(config)).expect("a service starts");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(running.root_der.clone().into()).expect("its root is a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS is there")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut world = Self {
            address: running.address,
            tls: Arc::new(tls),
            words: Vec::new(),
            _running: running,
            _runtime: runtime,
            _data: data,
        };
        world.words = world.people();
        world
    }

    /// Registers somebody, opens a case and an upload, logs a reviewer in.
    fn people(&self) -> Vec<(&'static str, String)> {
        let catalogue: Catalogue = self.json("GET", path::CATALOGUE, "", &Value::Null);
        let agreement =
            ConsentRequest { subject: ConsentSubject::Agreement, version: catalogue.agreement.version.clone() };
        let consent: ConsentReceipt = self.json("POST", path::CONSENTS, "", &agreement);
        let registration = Registration {
            kind: AccountKind::Individual,
            organisation: None,
            contact: somebody(),
            phone: "13800138000".into(),
            email: "lin@example.com".into(),
            address: somewhere(),
        };
        let _: Value =
            self.json("POST", path::REGISTRATIONS, "", &RegistrationRequest { registration, consent: consent.id });
        let secret = format!("x-demo-secret: {SECRET}\r\n");
        let messages: Vec<SmsMessage> = self.json("GET", path::DEMO_SMS, &secret, &Value::Null);
        let after = |label: &str| -> String {
            let rest = messages[0].text.split_once(label).map_or("", |(_, rest)| rest);
            rest.chars().take_while(char::is_ascii_alphanumeric).collect()
        };
        let (account, initial) = (after("账号："), after("初始密码："));
        let login = PasswordLogin { account, password: initial.clone(), consent: None, session_key: None };
        let session: Session = self.json("POST", path::PASSWORD_SESSIONS, "", &login);
        let token = session.access_token;
        let bearer = format!("authorization: Bearer {token}\r\n");
        let change = PasswordChange { old: initial, new: PASSWORD.into() };
        self.request("PUT", path::PASSWORD, &bearer, &change);
        let case = Uuid::now_v7();
        let draft = ApplicationDraft::new(Business::New);
        let _: Value = self.json("PUT", &path::application(case), &bearer, &draft);
        let offer = catalogue.offer(Business::New, AccountKind::Individual).expect("there is such an offer");
        let requirement = offer.requirements.first().expect("it asks for files");
        let metadata = metadata(case, &requirement.id.0);
        let upload = self.upload(&bearer, &metadata);

        let member = &self._running.desk_staff[0];
        let page = self.ask(b"GET /desk/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", ANSWERED);
        let page = String::from_utf8_lossy(&page).into_owned();
        let visit = cookie(&page, "__Host-certdesk-visit=");
        let form = format!("token={}&name={}&password={}", form_token(&page), member.name, member.password);
        let answer = self.ask(
            format!(
                "POST /desk/login HTTP/1.1\r\nhost: {}\r\norigin: https://{0}\r\nconnection: close\r\ncookie: {visit}\r\n\
                 content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
                self.address,
                form.len()
            )
            .as_bytes(),
            ANSWERED,
        );
        let desk = cookie(&String::from_utf8_lossy(&answer), "__Host-certdesk-desk=");
        let page = self.ask(
            format!("GET /desk HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncookie: {desk}\r\n\r\n").as_bytes(),
            ANSWERED,
        );
        vec![
            ("{token}", token),
            ("{cookie}", desk),
            ("{form}", form_token(&String::from_utf8_lossy(&page))),
            ("{case}", case.to_string()),
            ("{upload}", upload),
            ("{metadata}", metadata),
            ("{host}", self.address.to_string()),
        ]
    }

    fn upload(&self, bearer: &str, metadata: &str) -> String {
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{bearer}tus-resumable: 1.0.0\r\nupload-length: 5000\r\n\
             upload-metadata: {metadata}\r\ncontent-length: 0\r\n\r\n",
            path::UPLOADS
        );
        let answer = self.ask(request.as_bytes(), ANSWERED);
        let answer = String::from_utf8_lossy(&answer);
        let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
        location.and_then(|path| path.rsplit('/').next()).unwrap_or("none").trim().to_owned()
    }

    fn json<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        more: &str,
        body: &impl serde::Serialize,
    ) -> T {
        let answer = self.request(method, path, more, body);
        serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The body of the answer.
    fn request(&self, method: &str, path: &str, more: &str, body: &impl serde::Serialize) -> Vec<u8> {
        let body = serde_json::to_vec(body).expect("it is JSON");
        let body = if method == "GET" { Vec::new() } else { body };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}content-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let answer = self.ask(&[head.as_bytes(), &body].concat(), ANSWERED);
        let at = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
        unchunked(&answer[..at], &answer[at..])
    }

    /// Sends bytes on a connection of their own, and answers all that comes back until nothing does for so long.
    fn ask(&self, bytes: &[u8], patience: Duration) -> Vec<u8> {
        let stream = TcpStream::connect(self.address).expect("the service listens");
        stream.set_read_timeout(Some(patience)).expect("a socket has timeouts");
        let connection = ClientConnection::new(self.tls.clone(), self.address.ip().into()).expect("TLS begins");
        let mut tls = StreamOwned::new(connection, stream);
        let _ = tls.write_all(bytes);
        let _ = tls.flush();
        let mut answer = Vec::new();
        let _ = tls.read_to_end(&mut answer);
        answer
    }
}

/// What a file is announced with.
fn metadata(case: Uuid, requirement: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let pairs = [("application", &*case.to_string()), ("requirement", requirement), ("filename", "正面.jpg")];
    pairs.map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).join(",")
}

fn somebody() -> Person {
    Person { name: "林测".into(), id_kind: IdKind::ResidentId, id_number: "11010519491231002X".into() }
}

fn somewhere() -> Address {
    Address { region: "350102".into(), detail: "测试路 1 号".into() }
}

fn unchunked(head: &[u8], body: &[u8]) -> Vec<u8> {
    if !String::from_utf8_lossy(head).contains("transfer-encoding: chunked") {
        return body.to_vec();
    }
    let (mut whole, mut rest) = (Vec::new(), body);
    while let Some(at) = rest.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(&String::from_utf8_lossy(&rest[..at]), 16).unwrap_or(0);
        let Some(chunk) = rest.get(at + 2..at + 2 + length).filter(|chunk| !chunk.is_empty()) else { break };
        whole.extend(chunk);
        rest = rest.get(at + 4 + length..).unwrap_or_default();
    }
    whole
}

fn cookie(answer: &str, name: &str) -> String {
    let value = answer.split_once(name).map_or("", |(_, rest)| rest);
    format!("{name}{}", value.split([';', '\r']).next().unwrap_or_default())
}

fn form_token(page: &str) -> String {
    let value = page.split_once("name=\"token\" value=\"").map_or("", |(_, rest)| rest);
    value.split('"').next().unwrap_or_default().to_owned()
}

fn json_of(body: &impl serde::Serialize) -> String {
    serde_json::to_string(body).expect("it is JSON")
}

/// Requests of every kind.
pub(crate) fn requests() -> Vec<Vec<u8>> {
    let signed = "content-digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\r\nsignature-input: \
        session=(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\");created=1800000000;expires=1800000060;\
        nonce=\"AAECAwQFBgcICQoLDA0ODw\";keyid=\"x\";alg=\"ecdsa-p256-sha256\";tag=\"certdesk-session\"\r\nsignature: \
        session=:AQID:\r\n";
    let tus = "tus-resumable: 1.0.0\r\nupload-offset: 0\r\nupload-checksum: sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n\
        content-type: application/offset+octet-stream\r\n";
    let own = "authorization: Bearer {token}\r\n";
    let json = "content-type: application/json\r\n";
    let desk = "cookie: {cookie}\r\norigin: https://{host}\r\nsec-fetch-site: same-origin\r\ncontent-type: \
        application/x-www-form-urlencoded\r\n";
    let handler = Handler {
        credit_code: String::new(),
        address: somewhere(),
        person: somebody(),
        phone: "13800138000".into(),
        email: "lin@example.com".into(),
    };
    let draft = DraftContent { handler: handler.clone(), particulars: Particulars::default() };
    let change = AccountChange {
        contact: somebody(),
        phone: "13800138000".into(),
        phone_code: Some("000000".into()),
        email: "lin@example.com".into(),
        address: somewhere(),
    };
    let submission = Submission {
        handler,
        particulars: Particulars::default(),
        form_sha256: Some("0".repeat(64)),
        attachments: vec![SubmittedAttachment { requirement: RequirementId("id_front".into()), upload: Uuid::nil() }],
        declared_true: true,
        sensitive_data_consent: Some(Uuid::nil()),
    };
    let login = PasswordLogin { account: "gr00000000".into(), password: "x".into(), consent: None, session_key: None };
    let csr = CertificateRequest { csr_b64: "MIIB".into() };
    let [draft, change, login, csr] = [json_of(&draft), json_of(&change), json_of(&login), json_of(&csr)];
    let submission = json_of(&submission).replace(&Uuid::nil().to_string(), "{upload}");
    let all = [
        ("GET /v1/catalogue", "if-none-match: W/\"x\", \"y\"\r\n".to_owned(), ""),
        ("GET /v1/announcements?from=2026-01-01T00:00:00Z&text=%E6%9E%97&after=1", String::new(), ""),
        (
            "POST /v1/queries",
            json.to_owned(),
            r#"{"number":"CD20261122000001","identity":"11010519491231002X","phone":"13800138000"}"#,
        ),
        ("POST /v1/sessions/password", json.to_owned(), &login),
        ("GET /v1/account", format!("{own}{signed}"), ""),
        ("PUT /v1/account", format!("{own}{json}"), &change),
        ("PUT /v1/applications/{case}/draft", format!("{own}{json}if-none-match: *\r\n"), &draft),
        (
            "POST /v1/applications/{case}/submission",
            format!("{own}{json}idempotency-key: \"0193e7c0-7000-7000-8000-000000000001\"\r\n"),
            &submission,
        ),
        ("POST /v1/applications/{case}/certificate", format!("{own}{json}"), &csr),
        (
            "POST /v1/uploads",
            format!("{own}tus-resumable: 1.0.0\r\nupload-length: 5000\r\nupload-metadata: {{metadata}}\r\n"),
            "",
        ),
        ("PATCH /v1/uploads/{upload}", format!("{own}{tus}"), "\u{1}\u{2}"),
        ("HEAD /v1/uploads/{upload}", format!("{own}tus-resumable: 1.0.0\r\n"), ""),
        ("POST /v1/uploads/{upload}", format!("{own}{tus}x-http-method-override: PATCH\r\n"), "x"),
        ("GET /v1/drivers/example", "range: bytes=0-9,20-\r\nif-range: \"x\"\r\n".to_owned(), ""),
        ("GET /desk?state=all&business=new&q=%25_%5C&page=2", "cookie: {cookie}\r\n".to_owned(), ""),
        ("GET /desk/login?next=%2Fdesk%2Fcases%2F1", String::new(), ""),
        ("POST /desk/login", desk.to_owned(), "token={form}&name=shenhe.jia&password=x&next=%2Fdesk"),
        ("POST /desk/language", desk.to_owned(), "token={form}&lang=en&next=/desk"),
        (
            "POST /desk/cases/{case}/decision",
            desk.to_owned(),
            "token={form}&submission=1&decision=return&field.contact.name=%E9%94%99&remark=x",
        ),
        ("GET /desk/cases/{case}/files/{upload}?download=1", "cookie: {cookie}\r\nrange: bytes=-5\r\n".to_owned(), ""),
    ];
    let request = |(line, more, body): (&str, String, &str)| {
        let text = format!(
            "{line} HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\n{more}content-length: {{length}}\r\n\r\n{body}"
        );
        text.into_bytes()
    };
    all.into_iter().map(request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specimens_get_as_far_as_the_acts_they_ask_for() {
        let all = requests();
        let answers: Vec<_> = all.iter().map(|request| (String::from_utf8_lossy(request), answered(request))).collect();
        let told: Vec<_> = answers
            .iter()
            .map(|(request, answer)| format!("{answer:?} {}", request.lines().next().unwrap_or_default()))
            .collect();
        let done = answers.iter().filter(|(_, (status, _))| status.as_deref().is_some_and(|s| s < "400")).count();
        assert!(done >= 10, "half of them are right as they are:\n{}", told.join("\n"));
    }
}
