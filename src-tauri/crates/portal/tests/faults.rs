//! Whatever stands at the address: a plain failure with its cause, in bounded time and memory.

#![allow(clippy::unwrap_used, reason = "a test may fall over")]

mod scripted;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use certdesk_contract::{
    ProblemCode,
    session::{PasswordLogin, Session},
};
use certdesk_pki::SessionKey;
use certdesk_portal::{Fetched, Login, PortalError, SigningError};
use scripted::{Root, Server, http, in_environment, open, portal};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

fn unreachable(result: &PortalError, cause: &str) -> bool {
    matches!(result, PortalError::Unreachable(detail) if detail.contains(cause))
}

fn garbled(result: &PortalError, cause: &str) -> bool {
    matches!(result, PortalError::Garbled(detail) if detail.contains(cause))
}

#[test]
fn only_https_addresses_are_taken() {
    for bad in [
        "http://localhost:1",
        "ftp://a.example",
        "https://user@a.example",
        "https://:pw@a.example",
        "https://a.example/?q",
        "https://a.example/#f",
        "data:text/plain,x",
    ] {
        assert_eq!(open(bad, vec![Root::new().der()]).err(), Some(PortalError::BadAddress), "{bad} must be refused");
    }
    for (good, origin) in [
        ("https://a.example", "https://a.example"),
        ("https://a.example:443/portal/", "https://a.example"),
        ("https://A.example:8443", "https://a.example:8443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://证书.example", "https://xn--1jqs90m.example"),
    ] {
        let portal = open(good, vec![Root::new().der()]).expect("a good address");
        assert_eq!(portal.origin(), origin, "the origin of {good}");
    }
    let rubbish = open("https://a.example", vec![b"no certificate".to_vec()]);
    assert!(matches!(rubbish, Err(PortalError::TlsUntrusted(_))), "an extra root must be a certificate: {rubbish:?}");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_named() {
    let root = Root::new();
    let past = |year| rcgen::date_time_ymd(year, 1, 1);
    let inspector = Root::named("Office firewall");
    for (root, trusted, told) in [
        (&inspector, &root, PortalError::Replaced("Office firewall".into())),
        (&root, &Root::new(), PortalError::TlsUntrusted("BadSignature".into())),
    ] {
        let server = Server::https(root.local(), |_| None).await;
        assert_eq!(portal(&server.url(), trusted).health().await, Err(told));
    }
    for (acceptor, cause) in [
        (
            root.acceptor(&["localhost"], |params| (params.not_before, params.not_after) = (past(2019), past(2020))),
            "Expired",
        ),
        (
            root.acceptor(&["localhost"], |params| (params.not_before, params.not_after) = (past(2090), past(2091))),
            "NotValidYet",
        ),
    ] {
        let server = Server::https(acceptor, |_| http("204 No Content", "", "")).await;
        let portal = portal(&server.url(), &root);
        let said = portal.health().await;
        assert!(
            matches!(&said, Err(PortalError::TlsUntrusted(detail)) if detail.starts_with(cause)),
            "{cause}: {said:?}"
        );
        // The connection of a login by token trusts no more.
        let login = portal.log_in_with_token(None, async |_| Err(())).await;
        assert!(
            matches!(&login, Err(SigningError::Portal(PortalError::TlsUntrusted(d))) if d.starts_with(cause)),
            "{cause}: {login:?}"
        );
    }
}

#[tokio::test]
async fn nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let portal = portal(&format!("https://localhost:{}", free.port()), &Root::new());
    let said = portal.health().await.unwrap_err();
    assert!(unreachable(&said, "refused"), "{said:?}");
    let login = portal.log_in_with_token(None, async |_| Err(())).await;
    assert!(matches!(&login, Err(SigningError::Portal(error)) if unreachable(error, "refused")), "{login:?}");
}

#[tokio::test]
async fn what_is_no_service_is_told_from_what_is_not_there() {
    let root = Root::new();
    let plain = Server::tcp(|mut tcp: TcpStream| async move {
        let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = tcp.read(&mut [0; 4096]).await;
    })
    .await;
    let said = portal(&plain.url(), &root).health().await.unwrap_err();
    assert!(garbled(&said, "no TLS"), "a server without TLS: {said:?}");

    for (answer, expected) in [
        (Some(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "no HTTP"),
        (http("500 Internal Server Error", "", "<html>Oops</html>"), "HTTP 500"),
        (http("502 Bad Gateway", "content-type: text/html\r\n", ""), "HTTP 502"),
        (http("404 Not Found", "", "<html>404</html>"), "HTTP 404"),
        (http("200 OK", "", ""), "HTTP 200, 0 bytes"),
        (http("200 OK", "", "[{\"code\": 1}"), "HTTP 200"),
        (http("200 OK", "content-type: text/plain\r\n", "It works!"), "HTTP 200"),
    ] {
        let server = Server::https(root.local(), move |_| answer.clone()).await;
        let said = portal(&server.url(), &root).applications().await.unwrap_err();
        assert!(garbled(&said, expected), "{expected}: {said:?}");
    }
    for answer in [
        Vec::new(),
        b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[".to_vec(),
    ] {
        let server = Server::https(root.local(), move |_| Some(answer.clone())).await;
        let said = portal(&server.url(), &root).applications().await.unwrap_err();
        assert!(
            matches!(said, PortalError::Unreachable(_)),
            "an answer that breaks off may come whole the next time: {said:?}"
        );
    }
}

#[tokio::test]
async fn the_services_own_refusals_pass_through() {
    let root = Root::new();
    let body =
        serde_json::to_string(&certdesk_contract::Problem::new(ProblemCode::AccountLocked).with_retry_after(900))
            .unwrap();
    let server = Server::https(root.local(), move |_| {
        http("429 Too Many Requests", "content-type: application/problem+json\r\n", &body)
    })
    .await;
    let login =
        PasswordLogin { account: "qy82640193".into(), password: "secret".into(), consent: None, session_key: None };
    let said = portal(&server.url(), &root).log_in_with_password(&login).await;
    let Err(PortalError::Problem(problem)) = said else { panic!("the lock must be told as such: {said:?}") };
    assert_eq!((problem.code, problem.retry_after), (ProblemCode::AccountLocked, Some(900)));
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up() {
    let root = Root::new();
    let (asked, mut hears) = tokio::sync::mpsc::channel(2);
    let server = Server::https(root.local(), move |_| {
        asked.try_send(()).unwrap();
        None
    })
    .await;
    let portal = portal(&server.url(), &root);
    let asking = {
        let portal = portal.clone();
        tokio::spawn(async move { portal.health().await })
    };
    let logging_in = tokio::spawn(async move { portal.log_in_with_token(None, async |_| Err(())).await });
    hears.recv().await.unwrap();
    hears.recv().await.unwrap();
    // Both requests have arrived: from here on only the clock can end them.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let said = asking.await.unwrap().unwrap_err();
    assert!(unreachable(&said, "in time"), "{said:?}");
    let login = logging_in.await.unwrap();
    assert!(matches!(&login, Err(SigningError::Portal(error)) if unreachable(error, "in time")), "{login:?}");
    assert!(begun.elapsed() <= Duration::from_secs(31), "half a minute is enough: {:?}", begun.elapsed());
}

/// Answers each request with `chunk` so many times, as long as somebody takes it; and how many bytes of it went out.
async fn chunks(root: &Root, chunk: Vec<u8>, times: usize) -> (Server, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let (acceptor, counted) = (root.local(), sent.clone());
    let server = Server::tcp(move |tcp| {
        let (acceptor, counted, chunk) = (acceptor.clone(), counted.clone(), chunk.clone());
        async move {
            let mut tls = acceptor.accept(tcp).await.unwrap();
            let _ = tls.read(&mut [0; 4096]).await;
            let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let part = [format!("{:x}\r\n", chunk.len()).as_bytes(), &chunk, b"\r\n"].concat();
            for _ in 0..times {
                if tls.write_all(&part).await.is_err() {
                    return;
                }
                counted.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    (server, sent)
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let root = Root::new();
    let announced =
        Server::https(root.local(), |_| Some(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n[".to_vec()))
            .await;
    let (chunked, _) = chunks(&root, vec![b' '; 0x10000], usize::MAX).await;
    for server in [announced, chunked] {
        let said = portal(&server.url(), &root).applications().await.unwrap_err();
        // The announced one breaks off before it can grow; the other one must be stopped by us.
        assert!(garbled(&said, "too large") || matches!(said, PortalError::Unreachable(_)), "{said:?}");
    }
}

#[tokio::test]
async fn a_revocation_list_of_ten_million_entries_is_refused_before_it_fills_the_memory() {
    // One entry as RFC 5280 §5.1 writes it: a serial number of 16 bytes and a date.
    let mut entry = vec![0x30, 33, 0x02, 16];
    entry.extend([0x5A; 16]);
    entry.extend(b"\x17\x0d261123000000Z");
    const ENTRIES: usize = 10_000_000;
    const AT_ONCE: usize = 10_000;
    let chunk = entry.repeat(AT_ONCE);
    let root = Root::new();
    let (server, sent) = chunks(&root, chunk, ENTRIES / AT_ONCE).await;
    let said = portal(&server.url(), &root).crl(None).await.unwrap_err();
    assert!(garbled(&said, "the revocation list is too large"), "{said:?}");
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < 80 << 20, "of {} MiB only what fits was taken, not {sent} bytes", (ENTRIES * entry.len()) >> 20);
}

#[tokio::test]
async fn a_wrong_clock_is_seen_from_any_answer() {
    let root = Root::new();
    let portal_for = async |days: i64, status: &'static str| {
        let at = time::OffsetDateTime::now_utc() + time::Duration::days(days);
        let date = scripted::date(at);
        let server = Server::https(root.local(), move |_| http(status, &date, "")).await;
        let portal = portal(&server.url(), &root);
        assert_eq!(portal.clock_skew(), None, "nothing is known before the first answer");
        let _ = portal.health().await;
        portal.clock_skew().expect("every answer tells the time")
    };
    let tolerance = time::Duration::seconds(5);
    for (days, status) in [(1, "204 No Content"), (-1, "500 Internal Server Error"), (0, "204 No Content")] {
        let skew = portal_for(days, status).await;
        let expected = time::Duration::days(-days);
        assert!(
            (skew - expected).abs() < tolerance,
            "the service is {days} days ahead, so this clock is off by {expected}: {skew}"
        );
    }
}

/// Answers every request with an empty list, and keeps its head.
async fn keeping_heads(root: &Root) -> (Server, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = heads.clone();
    let server = Server::https(root.local(), move |head| {
        kept.lock().unwrap().push(head.to_owned());
        http("200 OK", "", "[]")
    })
    .await;
    (server, heads)
}

fn session(access_token: &str) -> Login {
    let session: Session = serde_json::from_value(serde_json::json!({
        "access_token": access_token, "expires_at": "2030-01-01T00:00:00Z", "kind": "password", "must_change_password": false,
        "account": { "name": "qy82640193", "businesses": [], "registration": { "kind": "individual", "organisation": null,
            "contact": { "name": "王䶮", "id_kind": "resident_id", "id_number": "11010519491231002X" },
            "phone": "13800138000", "email": "a@example.cn", "address": { "region": "350102", "detail": "x" } } },
    }))
    .unwrap();
    Login { session, key: Arc::new(SessionKey::generate()) }
}

#[tokio::test]
async fn a_logout_still_on_its_way_leaves_the_next_login_alone() {
    let root = Root::new();
    let (server, heads) = keeping_heads(&root).await;
    let portal = portal(&server.url(), &root);
    portal.set_session(&session("first"));
    let telling = portal.log_out();
    portal.set_session(&session("second"));
    telling.await.expect("the service is told");
    portal.applications().await.expect("the second session goes on");
    let heads = heads.lock().unwrap();
    assert!(
        heads[0].starts_with("DELETE ") && heads[0].contains("Bearer first\r\n") && heads[0].contains("signature:"),
        "the first session ends itself, signed: {}",
        heads[0]
    );
    assert!(heads[1].contains("authorization: Bearer second\r\n"), "the second is in force: {}", heads[1]);
}

#[tokio::test]
async fn a_request_that_the_line_doubled_is_signed_anew_once() {
    let root = Root::new();
    let heads = Arc::new(Mutex::new(Vec::<String>::new()));
    let kept = heads.clone();
    let server = Server::https(root.local(), move |head| {
        kept.lock().unwrap().push(head.to_owned());
        // Of everything but the second the service says that it came before.
        if kept.lock().unwrap().len() == 2 {
            return http("200 OK", "", "[]");
        }
        http("401 Unauthorized", "x-problem-code: replayed\r\n", r#"{"code":"replayed","title":"","status":401}"#)
    })
    .await;
    let portal = portal(&server.url(), &root);
    portal.set_session(&session("first"));
    portal.applications().await.expect("the answer to what was signed anew");
    let nonces = |heads: &[String]| {
        let inputs = heads.iter().map(|head| head.split("signature-input:").nth(1).unwrap().lines().next().unwrap());
        inputs.map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(nonces(&heads.lock().unwrap()).len(), 2, "the second has a signature of its own");
    assert!(portal.applications().await.is_err(), "what is said twice is told");
    assert_eq!(heads.lock().unwrap().len(), 4, "once, and not on and on");
}

#[tokio::test]
async fn the_session_travels_with_requests_and_shows_nowhere() {
    let root = Root::new();
    let (server, heads) = keeping_heads(&root).await;
    let portal = portal(&server.url(), &root);
    portal.set_session(&session("AbCdEf123"));
    portal.applications().await.unwrap();
    portal.demo_queue("demo secret").await.unwrap();
    assert!(!format!("{portal:?}").contains("AbCdEf123"), "the token must not show in {portal:?}");
    portal.clear_session();
    portal.applications().await.unwrap();
    let heads = heads.lock().unwrap();
    assert!(
        heads[0].contains("authorization: Bearer AbCdEf123\r\n")
            && heads[0].contains("user-agent: certdesk-test/1\r\n"),
        "{}",
        heads[0]
    );
    assert!(heads[1].contains("x-demo-secret: demo secret\r\n"), "{}", heads[1]);
    assert!(!heads[2].contains("authorization"), "after the session nothing carries it: {}", heads[2]);
}

#[tokio::test]
async fn what_is_known_is_not_fetched_again() {
    let root = Root::new();
    let server = Server::https(root.local(), |head| match head.contains("if-none-match: \"v7\"\r\n") {
        true => http("304 Not Modified", "", ""),
        false => http("200 OK", "", "{}"),
    })
    .await;
    let portal = portal(&server.url(), &root);
    assert_eq!(portal.catalogue(Some("\"v7\"")).await, Ok(Fetched::NotModified));
    assert!(matches!(portal.catalogue(None).await, Err(PortalError::Garbled(_))), "an empty object is no catalogue");
}

#[tokio::test]
async fn a_path_before_the_paths_is_kept() {
    let root = Root::new();
    let server = Server::https(root.local(), |head| match head.starts_with("GET /portal/v1/health ") {
        true => http("204 No Content", "", ""),
        false => http("404 Not Found", "", ""),
    })
    .await;
    assert_eq!(portal(&format!("{}/portal/", server.url()), &root).health().await, Ok(()));
}

/// Without a single root in the system, the demo's own root is enough; without that one, it is said at once.
#[tokio::test]
async fn a_computer_without_roots() {
    let bare = [("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/nonexistent")];
    if !in_environment("a_computer_without_roots", &bare) {
        return;
    }
    let root = Root::new();
    let server = Server::https(root.local(), |_| http("204 No Content", "", "")).await;
    assert_eq!(portal(&server.url(), &root).health().await, Ok(()), "the extra root is enough");
    if cfg!(target_os = "linux") {
        let none = open(&server.url(), vec![]);
        assert!(matches!(none, Err(PortalError::TlsUntrusted(_))), "no root at all: {none:?}");
    }
}

/// Port 9 takes no connections: whoever goes through this proxy fails.
#[tokio::test]
async fn loopback_is_never_sent_through_a_proxy() {
    if !in_environment(
        "loopback_is_never_sent_through_a_proxy",
        &[("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "")],
    ) {
        return;
    }
    let root = Root::new();
    let server = Server::https(root.local(), |_| http("204 No Content", "", "")).await;
    for host in ["localhost", "127.0.0.1"] {
        let portal = portal(&format!("https://{host}:{}", server.address.port()), &root);
        assert_eq!(portal.health().await, Ok(()), "{host} is this computer");
        let login = portal.log_in_with_token(None, async |_| Err(())).await;
        assert!(
            matches!(&login, Err(SigningError::Portal(PortalError::Garbled(_)))),
            "the login reached {host}: {login:?}"
        );
    }
}

#[tokio::test]
async fn the_systems_proxy_carries_both_ways_to_the_service() {
    const TEST: &str = "the_systems_proxy_carries_both_ways_to_the_service";
    const ROOM: &str = "CERTDESK_TEST_PROXY";
    // The port is chosen before the process with this environment begins.
    let Ok(address) = std::env::var(ROOM) else {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let proxy = format!("http://{free}");
        in_environment(TEST, &[("HTTPS_PROXY", &proxy), ("NO_PROXY", ""), (ROOM, &free.to_string())]);
        return;
    };
    let root = Root::new();
    let server = Server::https(root.acceptor(&["portal.example"], |_| ()), |_| http("204 No Content", "", "")).await;
    let target = server.address;
    let carried = Arc::new(AtomicUsize::new(0));
    let count = carried.clone();
    let listener = tokio::net::TcpListener::bind(&address).await.unwrap();
    let proxy = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = client.read(&mut head).await.unwrap();
            assert!(
                head[..length].starts_with(b"CONNECT portal.example:443 HTTP/1.1\r\n"),
                "a proxy is asked for a tunnel"
            );
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut upstream = TcpStream::connect(target).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut upstream).await;
        }
    });
    let portal = portal("https://portal.example", &root);
    assert_eq!(portal.health().await, Ok(()));
    let login = portal.log_in_with_token(None, async |_| Err(())).await;
    assert!(matches!(&login, Err(SigningError::Portal(PortalError::Garbled(_)))), "the login went through: {login:?}");
    assert_eq!(carried.load(Ordering::SeqCst), 2, "calls and logins both go through the proxy");
    proxy.abort();
}
