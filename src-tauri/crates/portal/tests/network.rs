//! The network as it is: proxies of every mood, networks that answer in the service's place, names with a dead address,
//! services that moved, clocks that are wrong, lines that are slow.

#![allow(clippy::unwrap_used, reason = "a test may fall over")]

#[cfg(target_os = "linux")]
mod desktop;
mod proxy;
mod scripted;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use certdesk_portal::{Portal, PortalError, ProxyChoice, ProxyLogin, SigningError};
use proxy::{Mood, Proxy, login_by_token};
use scripted::{Root, Server, http, in_environment, open, portal};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use zeroize::Zeroizing;

const NAME: &str = "portal.example";

/// A service whose name only a proxy knows.
async fn behind(root: &Root) -> Server {
    Server::https(root.acceptor(&[NAME], |_| ()), |_| http("204 No Content", "", "")).await
}

fn client(root: &Root, proxy: &Proxy) -> Portal {
    let portal = portal(&format!("https://{NAME}"), root);
    portal.choose_proxy(ProxyChoice::Manual { host: "127.0.0.1".into(), port: proxy.port() });
    portal
}

fn login(name: &str, password: &str) -> Option<ProxyLogin> {
    ProxyLogin::new(name.into(), Zeroizing::new(password.into()))
}

#[tokio::test]
async fn a_proxy_of_ones_own_carries_both_ways_and_is_left_when_chosen_so() {
    let root = Root::new();
    let service = behind(&root).await;
    let proxy = Proxy::start(service.address, Mood::Open).await;
    let portal = client(&root, &proxy);
    assert_eq!(portal.health().await, Ok(()));
    assert_eq!(login_by_token(&portal).await, Ok(()), "TLS and its exporter are the service's, through the tunnel");
    assert_eq!(proxy.asked(), [format!("CONNECT {NAME}:443"), format!("CONNECT {NAME}:443")]);
    let state = portal.proxy_state().await;
    assert_eq!(state.in_use, Some(format!("127.0.0.1:{}", proxy.port())), "it is shown");
    portal.choose_proxy(ProxyChoice::Direct);
    assert!(matches!(portal.health().await, Err(PortalError::Unreachable(_))), "directly nobody knows that name");
    assert_eq!(proxy.asked().len(), 2, "and the proxy is not asked any more");
}

#[tokio::test]
async fn a_proxy_that_reads_along_is_not_trusted() {
    let root = Root::new();
    // It answers in the service's name, with a certificate that only it believes.
    let reading =
        Server::https(Root::named("Office firewall").acceptor(&[NAME], |_| ()), |_| http("204 No Content", "", ""))
            .await;
    let proxy = Proxy::start(reading.address, Mood::Open).await;
    let portal = client(&root, &proxy);
    let named = Err(PortalError::Replaced("Office firewall".into()));
    assert_eq!(portal.health().await, named, "trust ends at the service");
    assert_eq!(login_by_token(&portal).await, named);
}

#[tokio::test]
async fn a_proxy_asks_for_name_and_password_and_a_wrong_one_is_sent_once() {
    let root = Root::new();
    let service = behind(&root).await;
    let proxy = Proxy::start(service.address, Mood::Login { name: "王明", password: "a:b@c%" }).await;
    let portal = client(&root, &proxy);
    let unasked = Err(PortalError::ProxyLogin { refused: false });
    assert_eq!(portal.health().await, unasked, "it is asked for");
    assert_eq!(login_by_token(&portal).await, unasked);

    portal.set_proxy_login(login("王明", "guessed"));
    assert_eq!(
        portal.health().await,
        Err(PortalError::ProxyLogin { refused: true }),
        "it was refused, and that is told"
    );
    assert_eq!(proxy.wrong(), 1, "a wrong password goes out once");
    assert_eq!(portal.health().await, unasked, "and is forgotten");
    portal.set_proxy_login(login("王明", "guessed"));
    assert_eq!(login_by_token(&portal).await, Err(PortalError::ProxyLogin { refused: true }));
    assert_eq!(login_by_token(&portal).await, unasked);
    assert_eq!(proxy.wrong(), 2, "on the other way too");
    assert!(!portal.proxy_state().await.has_login);

    portal.set_proxy_login(login("王明", "a:b@c%"));
    assert_eq!(portal.health().await, Ok(()), "the right one opens");
    assert_eq!(login_by_token(&portal).await, Ok(()));
    assert!(portal.proxy_state().await.has_login);
}

#[tokio::test]
async fn a_login_of_windows_domains_is_named_as_not_done() {
    let root = Root::new();
    let service = behind(&root).await;
    let proxy = Proxy::start(service.address, Mood::Domain).await;
    let portal = client(&root, &proxy);
    let named = Err(PortalError::ProxyUnsupported("Negotiate, NTLM".into()));
    assert_eq!(portal.health().await, named);
    assert_eq!(login_by_token(&portal).await, named);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_quoted() {
    let root = Root::new();
    let service = behind(&root).await;
    let proxy = Proxy::start(service.address, Mood::Refuse).await;
    let portal = client(&root, &proxy);
    let quoted = Err(PortalError::ProxyRefused("HTTP 403".into()));
    assert_eq!(portal.health().await, quoted);
    assert_eq!(login_by_token(&portal).await, quoted);
}

#[tokio::test]
async fn a_proxy_that_is_away_or_cuts_is_told_from_a_service_that_is() {
    let root = Root::new();
    let service = behind(&root).await;
    let proxy = Proxy::start(service.address, Mood::Cut).await;
    let portal = client(&root, &proxy);
    assert!(matches!(portal.health().await, Err(PortalError::ProxyAway(_))), "it cuts before it answers");
    assert!(matches!(login_by_token(&portal).await, Err(PortalError::ProxyAway(_))));

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    portal.choose_proxy(ProxyChoice::Manual { host: "127.0.0.1".into(), port: free });
    for said in [portal.health().await, login_by_token(&portal).await] {
        assert!(matches!(&said, Err(PortalError::ProxyAway(cause)) if cause.contains("refused")), "{said:?}");
    }
    let broken = Proxy::start(service.address, Mood::CutTunnel).await;
    portal.choose_proxy(ProxyChoice::Manual { host: "127.0.0.1".into(), port: broken.port() });
    assert!(matches!(portal.health().await, Err(PortalError::Unreachable(_))), "a tunnel that breaks is a broken line");
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_given_up() {
    let root = Root::new();
    let service = behind(&root).await;
    let mut proxy = Proxy::start(service.address, Mood::Silent).await;
    let portal = client(&root, &proxy);
    let asking = {
        let portal = portal.clone();
        tokio::spawn(async move { portal.health().await })
    };
    proxy.hears().await;
    // From here on only the clock can end it.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let said = asking.await.unwrap();
    assert_eq!(said, Err(PortalError::ProxyAway("no answer in time".into())));
    assert!(begun.elapsed() <= Duration::from_secs(11), "ten seconds are enough: {:?}", begun.elapsed());
}

#[tokio::test]
async fn kinds_of_proxies_that_are_not_spoken_are_named() {
    if !in_environment("kinds_of_proxies_that_are_not_spoken_are_named", &[("ALL_PROXY", "socks5://127.0.0.1:9")]) {
        return;
    }
    let portal = portal(&format!("https://{NAME}"), &Root::new());
    let named = Err(PortalError::ProxyUnsupported("socks5".into()));
    assert_eq!(portal.health().await, named);
    assert_eq!(login_by_token(&portal).await, named);
}

/// On Linux the desktop's settings come from a program; here it is one of our own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_desktops_settings_are_followed() {
    const TEST: &str = "the_desktops_settings_are_followed";
    let Some(desktop) = desktop::Desktop::of_test(TEST) else { return };
    let root = Root::new();
    let service = behind(&root).await;
    let proxy = Proxy::start(service.address, Mood::Open).await;
    desktop.says("manual", "", proxy.port());
    let of_desktop = portal(&format!("https://{NAME}"), &root);
    assert_eq!(of_desktop.health().await, Ok(()), "through the desktop's proxy");
    assert_eq!(login_by_token(&of_desktop).await, Ok(()));
}

/// The system's list of roots, with a company's own in it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_companys_root_in_the_systems_store_is_trusted() {
    const TEST: &str = "a_companys_root_in_the_systems_store_is_trusted";
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("roots.pem").to_str().unwrap().to_owned();
    if !in_environment(TEST, &[("SSL_CERT_FILE", &file), ("SSL_CERT_DIR", "/nonexistent"), ("ROOTS", &file)]) {
        return;
    }
    let file = std::path::PathBuf::from(std::env::var("ROOTS").unwrap());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let (company, another) = (Root::named("Company root"), Root::named("Another company"));
    std::fs::write(&file, company.pem()).unwrap();
    let server = |root: &Root| Server::https(root.local(), |_| http("204 No Content", "", ""));
    let (ours, theirs) = (server(&company).await, server(&another).await);
    let of_system = |server: &Server| open(&server.url(), vec![]).expect("the system has roots");
    assert_eq!(of_system(&ours).health().await, Ok(()), "without an extra root of ours");
    assert_eq!(login_by_token(&of_system(&ours)).await, Ok(()));
    let said = of_system(&theirs).health().await;
    assert_eq!(said, Err(PortalError::Replaced("Another company".into())), "what the system does not trust is not");
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn a_network_that_wants_a_login_first_is_recognised() {
    let root = Root::new();
    let network = |said: &Result<(), PortalError>| matches!(said, Err(PortalError::NetworkLogin(_)));
    for (status, headers) in
        [("200 OK", "content-type: text/html; charset=utf-8\r\n"), ("511 Network Authentication Required", "")]
    {
        let server = Server::https(root.local(), move |_| http(status, headers, "<html>酒店上网请登录</html>")).await;
        let portal = portal(&server.url(), &root);
        let said = portal.health().await;
        assert!(network(&said), "{status}: {said:?}");
        assert!(matches!(portal.applications().await, Err(PortalError::NetworkLogin(_))), "a page in place of a list");
    }
    // Its own certificate, for its own name, issued by nobody.
    let server = Server::https(Root::new().acceptor(&["login.hotel.example"], |_| ()), |_| None).await;
    let said = portal(&server.url(), &root).health().await;
    assert!(network(&said), "another's certificate: {said:?}");
    // Plain HTTP where TLS was meant: sent on to its page.
    for (answer, is_network) in [
        ("HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", true),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", false),
        ("220 mail.example ESMTP\r\n", false),
    ] {
        let server = Server::tcp(move |mut tcp: TcpStream| async move {
            let _ = tcp.read(&mut [0; 4096]).await;
            let _ = tcp.write_all(answer.as_bytes()).await;
        })
        .await;
        let said = portal(&server.url(), &root).health().await;
        assert_eq!(network(&said), is_network, "{answer:?}: {said:?}");
        let said = login_by_token_or_garbled(&portal(&server.url(), &root)).await;
        assert_eq!(matches!(said, PortalError::NetworkLogin(_)), is_network, "{answer:?} at a login: {said:?}");
    }
}

async fn login_by_token_or_garbled(portal: &Portal) -> PortalError {
    match portal.log_in_with_token(None, async |_| Err(())).await {
        Err(SigningError::Portal(error)) => error,
        other => panic!("nothing here is a service: {other:?}"),
    }
}

#[tokio::test]
async fn a_service_that_moved_is_followed_within_its_origin_and_no_further() {
    let root = Root::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let elsewhere = {
        let asked = asked.clone();
        Server::https(root.local(), move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            http("204 No Content", "", "")
        })
        .await
    };
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let within = Server::https(root.local(), move |head| match head.starts_with("GET /v2/") {
            true => http("204 No Content", "", ""),
            false => http(status, "location: /v2/health\r\n", ""),
        })
        .await;
        assert_eq!(portal(&within.url(), &root).health().await, Ok(()), "{status} within the origin");
        let location = format!("location: {}/v1/health\r\n", elsewhere.url());
        let away = Server::https(root.local(), move |_| http(status, &location, "")).await;
        let portal = portal(&away.url(), &root);
        let named = PortalError::Moved(format!("localhost:{}", elsewhere.address.port()));
        assert_eq!(portal.health().await, Err(named.clone()), "{status} to another port");
        assert_eq!(login_by_token(&portal).await, Err(named), "{status} at a login");
    }
    let circle = Server::https(root.local(), |_| http("302 Found", "location: /v1/health\r\n", "")).await;
    let said = portal(&circle.url(), &root).health().await;
    assert!(matches!(&said, Err(PortalError::Garbled(cause)) if cause.contains("without end")), "{said:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nothing of ours goes to another origin");
}

#[tokio::test]
async fn a_network_of_ipv6_alone() {
    let root = Root::new();
    let Ok(server) = Server::on("[::1]:0", root.acceptor(&["::1"], |_| ()), |head| {
        let right = head.to_ascii_lowercase().contains("\r\nhost: [::1]:");
        http(if right { "204 No Content" } else { "400 Bad Request" }, "", "")
    })
    .await
    else {
        eprintln!("this machine has no IPv6: not tested");
        return;
    };
    let portal = portal(&format!("https://[::1]:{}", server.address.port()), &root);
    assert_eq!(portal.origin(), format!("https://[::1]:{}", server.address.port()));
    assert_eq!(portal.health().await, Ok(()));
    assert_eq!(login_by_token(&portal).await, Ok(()));
    let line = portal.examine_line().await;
    assert!(line.answer.is_ok(), "the doctor goes the same way: {line:?}");
}

/// `localhost` has two addresses: behind one of them nobody answers, not even with a refusal.
#[tokio::test]
async fn a_name_with_a_dead_address_is_reached_by_its_other_one() {
    let both = tokio::net::lookup_host("localhost:0").await.unwrap().map(|at| at.is_ipv6()).collect::<Vec<_>>();
    if !(both.contains(&true) && both.contains(&false)) {
        eprintln!("localhost has one address here: not tested");
        return;
    }
    let root = Root::new();
    let server = Server::https(root.local(), |_| http("204 No Content", "", "")).await;
    let dead = TcpSocket::new_v6().unwrap();
    dead.bind(format!("[::1]:{}", server.address.port()).parse().unwrap()).unwrap();
    let dead = dead.listen(1).unwrap();
    // Its queue is full, so that further connections get no answer at all.
    let mut queue = Vec::new();
    while let Ok(Ok(taken)) =
        tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(dead.local_addr().unwrap())).await
    {
        queue.push(taken);
    }
    let portal = portal(&server.url(), &root);
    let begun = std::time::Instant::now();
    assert_eq!(portal.health().await, Ok(()));
    assert_eq!(login_by_token(&portal).await, Ok(()));
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for the dead one: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_clock_that_is_years_off_is_told_with_the_difference() {
    let root = Root::new();
    let year = 365;
    for (from, to, day) in [(-3 * year, -year, -2 * year), (year, 3 * year, 2 * year)] {
        let now = time::OffsetDateTime::now_utc();
        let at = |days: i64| now + time::Duration::days(days);
        let date = scripted::date(at(day));
        let acceptor =
            root.acceptor(&["localhost"], |params| (params.not_before, params.not_after) = (at(from), at(to)));
        let server = Server::https(acceptor, move |_| http("204 No Content", &date, "")).await;
        let portal = portal(&server.url(), &root);
        let said = portal.health().await;
        let Err(PortalError::ClockWrong(skew)) = said else { panic!("the clock is to blame: {said:?}") };
        assert!((skew - time::Duration::days(-day)).abs() < time::Duration::minutes(1), "by {skew}");
        assert!(matches!(login_by_token(&portal).await, Err(PortalError::ClockWrong(_))));
        // A certificate that is over by the service's own time is over.
        let acceptor =
            root.acceptor(&["localhost"], |params| (params.not_before, params.not_after) = (at(from), at(to)));
        let date = scripted::date(now);
        let server = Server::https(acceptor, move |_| http("204 No Content", &date, "")).await;
        let said = scripted::portal(&server.url(), &root).health().await;
        assert!(matches!(said, Err(PortalError::TlsUntrusted(_))), "not the clock: {said:?}");
    }
}
