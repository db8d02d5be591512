//! What the review against OWASP ASVS asks of every answer, connection and log line (`docs/asvs.md`).

use std::process::{Command, Stdio};

use certdesk_contract::{
    ProblemCode,
    account::{CodePurpose, CodeRequest},
    path,
};
use certdesk_domain::AccountKind;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{Client, NEW_PASSWORD, World, applicant, registration, until};

const ANSWER_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_a_browser_to_do_nothing_with_it() {
    let world = World::new().await;
    let client = world.client();
    for (method, path, status) in [
        ("GET", path::HEALTH, 204),
        ("GET", path::CATALOGUE, 200),
        ("GET", path::CRL, 200),
        ("GET", path::ACCOUNT, 401),
        ("GET", "/nothing", 404),
        ("DELETE", path::CATALOGUE, 405),
        ("POST", path::CONSENTS, 415),
    ] {
        let answer = client.send(method, path, &[], "").await.expect(status);
        for (name, value) in [
            ("content-security-policy", ANSWER_POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {method} {path}");
        }
        for name in ["server", "x-powered-by", "access-control-allow-origin", "set-cookie"] {
            assert!(!answer.headers.contains_key(name), "{method} {path} says nothing of {name}");
        }
        assert!(answer.body.is_empty() || answer.headers.contains_key("content-type"), "{path} names its type");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_nothing_needs_are_refused() {
    let world = World::new().await;
    for path in [path::HEALTH, path::CATALOGUE, "/desk"] {
        for method in ["TRACE", "CONNECT", "PROPFIND", "PUT"] {
            let answer = world.client().send(method, path, &[("x-private", "echoed")], "").await;
            assert!(matches!(answer.status, 400 | 404 | 405), "{method} {path} is answered {}", answer.status);
            assert!(!String::from_utf8_lossy(&answer.body).contains("echoed"), "{method} {path} echoes nothing");
        }
    }
    let other_origin = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let preflight = world.client().send("OPTIONS", path::CONSENTS, &other_origin, "").await;
    assert!(!preflight.headers.contains_key("access-control-allow-origin"), "no other origin may ask by script");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_ends_where_it_says_and_hides_no_second_one() {
    let world = World::new().await;
    let answers = async |request: &str| {
        let mut stream = world.client().tls().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let count = |answer: &str| answer.matches("HTTP/1.1 ").count();
    let hidden = "GET /v1/catalogue HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    // Two lengths: RFC 9112 §6.3 leaves nothing but to refuse.
    let two = format!(
        "POST /v1/consents HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    let answer = answers(&two).await;
    assert!(count(&answer) <= 1 && !answer.starts_with("HTTP/1.1 2"), "{answer}");
    // A length beside chunks: the chunks count, or the whole is refused; what follows them is never part of a length.
    let both = format!(
        "POST /v1/consents HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\ntransfer-encoding: \
         chunked\r\n\r\n0\r\n\r\n{hidden}",
        hidden.len() + 5
    );
    let answer = answers(&both).await;
    assert!(count(&answer) <= 1, "what hides behind the body is not answered: {answer}");
    for odd in ["transfer-encoding: identity, chunked, x", "transfer-encoding : chunked", "content-length: +0"] {
        let answer = answers(&format!("POST /v1/consents HTTP/1.1\r\nhost: x\r\n{odd}\r\n\r\n{hidden}")).await;
        assert!(count(&answer) <= 1 && !answer.starts_with("HTTP/1.1 2"), "{odd}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_before_1_2_is_refused() {
    let world = World::new().await;
    for minor in [0, 1, 2] {
        // A ClientHello (RFC 5246 §7.4.1.2) of SSL 3.0, TLS 1.0 and TLS 1.1, with the one cipher all of them had.
        let mut hello = vec![3, minor];
        hello.extend([0x42; 32]);
        hello.extend([0, 0, 4, 0x00, 0x2F, 0xC0, 0x13, 1, 0]);
        let mut record = vec![0x16, 3, minor, 0, u8::try_from(hello.len() + 4).unwrap(), 1, 0, 0];
        record.push(u8::try_from(hello.len()).unwrap());
        record.extend(hello);
        let mut stream = TcpStream::connect(world.running.address).await.unwrap();
        stream.write_all(&record).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
        assert!(answer.first().is_none_or(|first| *first == 0x15), "version 3.{minor} gets an alert, no handshake");
    }
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = Client::speaking(&[version], world.running.address, &world.running.root_der);
        let stream = client.tls().await;
        let suite = stream.get_ref().1.negotiated_cipher_suite().unwrap();
        let name = format!("{:?}", suite.suite());
        assert!(name.contains("GCM") || name.contains("CHACHA20_POLY1305"), "{name} is authenticated encryption");
        assert!(name.starts_with("TLS13_") || name.contains("_ECDHE_"), "{name} keeps what was recorded secret");
    }
    assert_eq!(
        world.client().tls().await.get_ref().1.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3),
        "the newest is preferred"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_proves_who_they_are_is_logged_and_nobody_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let log = folder.path().join("log");
    let mut program = Command::new(env!("CARGO_BIN_EXE_certdesk-service"))
        .args(["serve", "--listen", "127.0.0.1:0", "--demo", crate::world::SECRET, "--data"])
        .arg(folder.path().join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .stderr(Stdio::from(std::fs::File::create(&log).unwrap()))
        .spawn()
        .unwrap();
    until("the service's ready file", async || ready.exists()).await;
    let told: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    let pem = std::fs::read_to_string(told["root_certificate"].as_str().unwrap()).unwrap();
    let root = rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes());
    let root: rustls::pki_types::CertificateDer = root.unwrap();
    let address = told["base_url"].as_str().unwrap().strip_prefix("https://").unwrap().parse().unwrap();
    let client = Client::new(address, &root);

    let person = applicant(&client, registration(AccountKind::Enterprise)).await;
    client.log_in(&person.account, "wrong password").await.refused(ProblemCode::WrongCredentials);
    client.log_in(&person.account, NEW_PASSWORD).await.expect(201);
    let code = CodeRequest { purpose: CodePurpose::PasswordReset, account: person.account.clone() };
    client.post(path::CODES, &code).await.expect(202);
    // What a stranger types must not write lines of its own, nor colours.
    let forged = "x\"}\n{\"level\":\"INFO\",\"fields\":{\"message\":\"done\"}}\u{1b}[2J";
    client.log_in(forged, "wrong password").await.refused(ProblemCode::WrongCredentials);
    let _ = program.kill();
    let _ = program.wait();

    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |act: &str| lines.iter().filter(|line| line["fields"]["act"] == act).collect::<Vec<_>>();
    let logins = of("login by password");
    let whose = |line: &Value| line["fields"]["whose"].as_str().unwrap_or_default().to_owned();
    let refused: Vec<_> = logins.iter().filter(|line| line["fields"]["why"] == "wrong_credentials").collect();
    assert_eq!((logins.len(), refused.len()), (4, 2), "each login is there, and what came of it");
    assert!(logins[..3].iter().all(|line| whose(line) == whose(logins[0])), "one account has one mark");
    assert_ne!(whose(logins[3]), whose(logins[0]), "and another has another");
    assert_eq!((of("change of password").len(), of("code by SMS").len()), (1, 1));
    assert!(lines.iter().all(|line| line["timestamp"].as_str().is_some_and(|at| at.ends_with('Z'))), "times are UTC");
    let answered = lines.iter().filter(|line| line["fields"]["message"] == "answered");
    assert!(answered.clone().count() > 0 && answered.clone().all(|line| line["fields"]["from"].is_string()));
    assert!(!text.contains(&person.account) && !text.contains("127.0.0.1\"") && !text.contains('\u{1b}'), "{text}");
    assert!(lines.iter().all(|line| line["fields"]["message"] != "done" || line["fields"]["act"].is_string()));
    assert!(text.lines().all(|line| line.is_empty() || !line.starts_with("{\"level\"")), "no line is a stranger's");
}
