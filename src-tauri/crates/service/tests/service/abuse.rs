//! What one address can do to all others: as little as may be.

use std::time::Duration;

use certdesk_contract::{
    ProblemCode,
    account::*,
    path,
    session::{ChallengeRequest, PasswordLogin},
};
use certdesk_domain::AccountKind;
use certdesk_service::Rate;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use uuid::Uuid;

use crate::world::{World, registration, until};

#[tokio::test(flavor = "multi_thread")]
async fn every_public_post_has_a_pace() {
    let slow = Rate { burst: 1, every: Duration::from_secs(100) };
    let world = World::with(|config| {
        config.limits.registrations = slow;
        config.limits.password_logins = slow;
        config.limits.openings = slow;
        config.limits.codes = slow;
    })
    .await;
    let client = world.client();
    let registration =
        RegistrationRequest { registration: registration(AccountKind::Enterprise), consent: Uuid::new_v4() };
    client.post(path::REGISTRATIONS, &registration).await.refused(ProblemCode::StaleConsent);
    let refused = client.post(path::REGISTRATIONS, &registration).await.refused(ProblemCode::TooManyRequests);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((90..=100).contains(&wait), "the refusal says how long to wait, not {wait}");

    let login =
        PasswordLogin { account: "qy00000000".into(), password: "x".into(), consent: None, session_key: client.jwk() };
    client.post(path::PASSWORD_SESSIONS, &login).await.refused(ProblemCode::WrongCredentials);
    let other = PasswordLogin { account: "qy00000001".into(), ..login };
    client.post(path::PASSWORD_SESSIONS, &other).await.refused(ProblemCode::TooManyRequests);

    let reset = PasswordReset { account: "QY00000002".into(), code: "000000".into(), new: "x1".repeat(5) };
    client.post(path::PASSWORD_RESETS, &reset).await.refused(ProblemCode::TooManyRequests);
    let lost = LostKey { account: "QY00000002".into(), code: "000000".into(), circumstance: Circumstance::Lost };
    client.post_once(path::LOST_KEYS, Uuid::new_v4(), &lost).await.refused(ProblemCode::TooManyRequests);
    let code = |account: &str| CodeRequest { purpose: CodePurpose::LostKey, account: account.into() };
    client.post(path::CODES, &code("qy00000001")).await.expect(202);
    client.post(path::CODES, &code("qy00000002")).await.refused(ProblemCode::TooManyRequests);

    let stale = ConsentRequest { subject: ConsentSubject::Agreement, version: "1999".into() };
    client.post(path::CONSENTS, &stale).await.refused(ProblemCode::StaleConsent);
    client.post(path::CONSENTS, &stale).await.refused(ProblemCode::TooManyRequests);
    let challenge = ChallengeRequest { jkt: "x".into() };
    client.post(path::CHALLENGES, &challenge).await.refused(ProblemCode::TooManyRequests);
    let forwarded = [("content-type", "application/json"), ("x-forwarded-for", "192.0.2.1")];
    let body = serde_json::to_vec(&stale).unwrap();
    client.send("POST", path::CONSENTS, &forwarded, body).await.refused(ProblemCode::TooManyRequests);
    client.get(path::CATALOGUE).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_everybody_has_their_own_pace() {
    let world = World::with(|config| {
        config.limits.openings = Rate { burst: 1, every: Duration::from_secs(100) };
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let stale = ConsentRequest { subject: ConsentSubject::Agreement, version: "1999".into() };
    let ask = async |from: &str| {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", from)];
        world.client().send("POST", path::CONSENTS, &headers, serde_json::to_vec(&stale).unwrap()).await
    };
    ask("192.0.2.1").await.refused(ProblemCode::StaleConsent);
    ask("192.0.2.1").await.refused(ProblemCode::TooManyRequests);
    ask("192.0.2.2").await.refused(ProblemCode::StaleConsent);
    ask("203.0.113.9, 192.0.2.2").await.refused(ProblemCode::TooManyRequests);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_cannot_take_all_connections() {
    let world = World::with(|config| config.limits.connections = 3).await;
    let client = world.client();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(client.line().await);
    }
    let more = async || {
        let stream = TcpStream::connect(client.address).await.unwrap();
        TlsConnector::from(client.tls.clone()).connect(client.address.ip().into(), stream).await
    };
    assert!(more().await.is_err(), "a fourth connection is closed at once");
    held.pop();
    until("a place for another connection", async || more().await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_is_given_up() {
    let world = World::with(|config| config.limits.body_time = Duration::from_millis(100)).await;
    let mut stream = world.client().tls().await;
    let head =
        "POST /v1/consents HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection does not wait for the rest");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("retry-after: 1"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn monstrous_requests_are_refused_and_the_service_goes_on() {
    let world = World::new().await;
    let client = world.client();
    let json = [("content-type", "application/json")];
    for deep in ["[".repeat(60_000), "{\"a\":".repeat(10_000)] {
        client.send("POST", path::CONSENTS, &json, deep).await.refused(ProblemCode::BadRequest);
    }
    client
        .send(
            "POST",
            path::PASSWORD_SESSIONS,
            &json,
            r#"{"account":"a\u0000'; DROP TABLE accounts; --","password":"\ud800"}"#,
        )
        .await
        .refused(ProblemCode::BadRequest);
    let long =
        PasswordLogin { account: "a".into(), password: "长".repeat(20_000), consent: None, session_key: client.jwk() };
    client.post(path::PASSWORD_SESSIONS, &long).await.refused(ProblemCode::WrongCredentials);
    let huge = "x".repeat(600_000);
    let mut stream = client.tls().await;
    let _ = stream.write_all(format!("GET /v1/health HTTP/1.1\r\nhost: x\r\nx-huge: {huge}\r\n\r\n").as_bytes()).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "headers have their limit");
    client.get(path::HEALTH).await.expect(204);
}
