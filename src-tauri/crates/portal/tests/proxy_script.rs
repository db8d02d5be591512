//! Proxy scripts: the system names one, the helper runs it, and what it says is the way to a service that nothing else leads
//! to. On Linux, where the desktop's settings can be told by a program of our own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fall over")]

mod desktop;
mod proxy;
mod scripted;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use certdesk_portal::{LineStep, Portal, PortalError, ProxyChoice, ProxyLogin, ScriptRunner, ScriptTrouble};
use certdesk_token::{
    HostProgram,
    proxy_script::{Question, ScriptError, find_proxy},
};
use desktop::Desktop;
use futures_util::future::BoxFuture;
use proxy::{Mood, Proxy, login_by_token};
use scripted::{Root, Server, http, portal};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use zeroize::Zeroizing;

const NAME: &str = "portal.example";

/// The real helper, as the program runs it.
struct Helper {
    patience: Duration,
    asked: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Default for Helper {
    fn default() -> Self {
        Self { patience: Duration::from_secs(20), asked: Arc::default(), seen: Arc::default() }
    }
}

impl ScriptRunner for Helper {
    fn run(&self, script: String, url: String, host: String) -> BoxFuture<'static, Result<String, ScriptTrouble>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push((url.clone(), host.clone()));
        let patience = self.patience;
        Box::pin(async move {
            let program = HostProgram { path: softhsm_lab::host_program().into(), environment: Vec::new() };
            let answer = find_proxy(&program, Question { script, url, host }, patience).await;
            answer.map_err(|error| match error {
                ScriptError::NoScript { reason } => ScriptTrouble::NoScript(reason),
                ScriptError::Threw { reason } => ScriptTrouble::Threw(reason),
                ScriptError::Endless => ScriptTrouble::Endless,
                ScriptError::NoText { what } => ScriptTrouble::Nonsense(what),
                other => ScriptTrouble::NotRun(other.to_string()),
            })
        })
    }
}

/// A service that only a proxy knows, and a client that asks the desktop.
struct Scene {
    root: Root,
    service: Server,
    desktop: Desktop,
}

impl Scene {
    async fn of_test(test: &str) -> Option<Self> {
        let desktop = Desktop::of_test(test)?;
        let root = Root::new();
        let service = Server::https(root.acceptor(&[NAME], |_| ()), |_| http("204 No Content", "", "")).await;
        Some(Self { root, service, desktop })
    }

    async fn proxy(&self, mood: Mood) -> Proxy {
        Proxy::start(self.service.address, mood).await
    }

    /// A client whose desktop names the script at this address.
    fn client(&self, script: &str) -> Portal {
        self.desktop.says("auto", script, 0);
        let portal = portal(&format!("https://{NAME}"), &self.root);
        portal.run_scripts_by(Arc::new(Helper::default()));
        portal
    }
}

/// Serves a script by plain HTTP, and keeps what it was asked.
async fn page(status: &'static str, body: String) -> (Server, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let kept = heads.clone();
    let server = Server::tcp(move |mut tcp: TcpStream| {
        let (kept, answer) = (kept.clone(), http(status, "", &body).unwrap());
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match tcp.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            kept.lock().unwrap().push(String::from_utf8(head).unwrap());
            let _ = tcp.write_all(&answer).await;
            let _ = tcp.shutdown().await;
        }
    })
    .await;
    (server, heads)
}

fn at(server: &Server) -> String {
    format!("http://127.0.0.1:{}/proxy.pac", server.address.port())
}

/// A script that sends the service's name through these and everything else nowhere.
fn naming(answer: &str) -> String {
    format!(
        "function FindProxyForURL(url, host) {{ if (url === 'https://{NAME}/' && dnsDomainIs(host, '.example')) \
         return '{answer}'; return 'PROXY 127.0.0.1:9'; }}"
    )
}

#[tokio::test]
async fn a_script_of_the_system_leads_to_the_service() {
    let Some(scene) = Scene::of_test("a_script_of_the_system_leads_to_the_service").await else { return };
    let proxy = scene.proxy(Mood::Open).await;
    let place = format!("127.0.0.1:{}", proxy.port());
    let (server, heads) = page("200 OK", naming(&format!("SOCKS 127.0.0.1:9; PROXY {place}"))).await;
    let portal = scene.client(&at(&server));
    let helper = Helper::default();
    let (asked, seen) = (helper.asked.clone(), helper.seen.clone());
    portal.run_scripts_by(Arc::new(helper));
    let (one, another) = tokio::join!(portal.health(), portal.health());
    assert_eq!((one, another), (Ok(()), Ok(())), "through the proxy that the script names");
    assert_eq!(login_by_token(&portal).await, Ok(()), "on a login's own connection too");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "of many requests one asks the script, and the others wait");
    assert_eq!(seen.lock().unwrap()[0], (format!("https://{NAME}/"), NAME.into()), "it hears of the origin alone");
    let state = portal.proxy_state().await;
    assert_eq!(state.in_use, Some(place.clone()), "the proxy is shown");
    let script = state.script.unwrap();
    assert_eq!((script.address, script.trouble), (at(&server), None), "with the script that named it");
    let head = heads.lock().unwrap().first().unwrap().to_ascii_lowercase();
    for ours in ["user-agent", "authorization", "cookie", "signature", "certdesk"] {
        assert!(!head.contains(ours), "nothing of ours is told to whoever serves it: {head}");
    }
    let line = portal.examine_line().await;
    assert_eq!(line.proxy, Some(place), "the doctor goes the same way: {line:?}");
    assert!(line.answer.is_ok(), "{line:?}");

    assert_eq!(heads.lock().unwrap().len(), 1, "it was fetched once");
    portal.connect_anew();
    assert_eq!(portal.health().await, Ok(()));
    assert_eq!(
        (heads.lock().unwrap().len(), asked.load(Ordering::SeqCst)),
        (2, 2),
        "another network is another script"
    );
    portal.choose_proxy(ProxyChoice::Direct);
    assert!(matches!(portal.health().await, Err(PortalError::Unreachable(_))), "who chooses no proxy asks no script");
    assert_eq!(portal.proxy_state().await.script, None);
}

#[tokio::test]
async fn a_script_in_a_file_is_read_and_a_silent_proxy_passed_over() {
    let Some(scene) = Scene::of_test("a_script_in_a_file_is_read_and_a_silent_proxy_passed_over").await else { return };
    let proxy = scene.proxy(Mood::Open).await;
    let cuts = scene.proxy(Mood::Cut).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let answer = format!("PROXY 127.0.0.1:{free}; PROXY 127.0.0.1:{}; PROXY 127.0.0.1:{}", cuts.port(), proxy.port());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("公司 proxy.pac");
    std::fs::write(
        &file,
        b"\xef\xbb\xbf// \xb9\xab\xcb\xbe\n".iter().copied().chain(naming(&answer).bytes()).collect::<Vec<_>>(),
    )
    .unwrap();
    let address = url::Url::from_file_path(&file).unwrap();
    for first in ["a request", "a login", "the doctor"] {
        let portal = scene.client(address.as_str());
        match first {
            "a request" => assert_eq!(portal.health().await, Ok(()), "the third proxy answers"),
            "a login" => assert_eq!(login_by_token(&portal).await, Ok(()), "on a login's own connection too"),
            _ => assert!(portal.examine_line().await.answer.is_ok(), "and for the doctor"),
        }
        let in_use = portal.proxy_state().await.in_use;
        assert_eq!(in_use, Some(format!("127.0.0.1:{}", proxy.port())), "after {first} it is the one in use");
        let before = cuts.asked().len();
        assert_eq!(portal.health().await, Ok(()));
        assert_eq!(cuts.asked().len(), before, "a silent one is not asked again at once");
    }
    let portal = scene.client(address.as_str());
    std::fs::write(&file, naming(&format!("PROXY 127.0.0.1:{free}"))).unwrap();
    assert!(matches!(portal.health().await, Err(PortalError::ProxyAway(_))), "where there is no other, it is told");
}

#[tokio::test]
async fn a_proxy_that_a_script_names_may_want_a_login() {
    let Some(scene) = Scene::of_test("a_proxy_that_a_script_names_may_want_a_login").await else { return };
    let proxy = scene.proxy(Mood::Login { name: "wang", password: "right" }).await;
    let (server, heads) = page("200 OK", naming(&format!("PROXY 127.0.0.1:{}; DIRECT", proxy.port()))).await;
    let portal = scene.client(&at(&server));
    let unasked = Err(PortalError::ProxyLogin { refused: false });
    assert_eq!(portal.health().await, unasked, "a proxy that wants a login answers: nobody goes around it");
    let login = |password: &str| ProxyLogin::new("wang".into(), Zeroizing::new(password.to_owned()));
    portal.set_proxy_login(login("guessed"));
    assert_eq!(portal.health().await, Err(PortalError::ProxyLogin { refused: true }));
    assert_eq!((portal.health().await, proxy.wrong()), (unasked, 1), "a wrong password goes out once");
    portal.set_proxy_login(login("right"));
    assert_eq!(portal.health().await, Ok(()));
    assert_eq!(login_by_token(&portal).await, Ok(()));
    assert!(
        heads.lock().unwrap().iter().all(|head| !head.to_ascii_lowercase().contains("authorization")),
        "the proxy's password is not for whoever serves the script"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_script_is_told_where_there_is_no_way_without_it() {
    const TEST: &str = "what_is_wrong_with_a_script_is_told_where_there_is_no_way_without_it";
    let Some(scene) = Scene::of_test(TEST).await else { return };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let function = |body: &str| format!("function FindProxyForURL(url, host) {{ {body} }}");
    type Is = fn(&ScriptTrouble) -> bool;
    let cases: [(&str, &'static str, String, Is); 8] = [
        ("is gone", "404 Not Found", String::new(), |t| *t == ScriptTrouble::Unfetched("HTTP 404".into())),
        ("is a page", "200 OK", "<html>Log in</html>".into(), |t| matches!(t, ScriptTrouble::NoScript(_))),
        ("is too long", "200 OK", " ".repeat(1_000_001), |t| *t == ScriptTrouble::Unfetched("it is too long".into())),
        ("falls over", "200 OK", function("return nothing.here"), |t| matches!(t, ScriptTrouble::Threw(_))),
        ("never ends", "200 OK", function("while (true) {}"), |t| *t == ScriptTrouble::Endless),
        ("talks nonsense", "200 OK", function("return 'ask Wang'"), |t| matches!(t, ScriptTrouble::Nonsense(_))),
        ("answers no text", "200 OK", function("return 42"), |t| matches!(t, ScriptTrouble::Nonsense(_))),
        ("names SOCKS alone", "200 OK", function("return 'SOCKS5 a:1080'"), |t| {
            *t == ScriptTrouble::Unspoken("SOCKS5".into())
        }),
    ];
    for (what, status, script, is) in cases {
        let (server, _) = page(status, script).await;
        let portal = scene.client(&at(&server));
        for said in [portal.health().await, login_by_token(&portal).await] {
            assert!(matches!(&said, Err(PortalError::ProxyByScript(trouble)) if is(trouble)), "{what}: {said:?}");
        }
        let script = portal.proxy_state().await.script.unwrap();
        assert!(script.trouble.as_ref().is_some_and(is), "{what}: {script:?} is shown");
        let line = portal.examine_line().await;
        assert!(matches!(line.answer, Err((LineStep::Script, _))), "{what}: {line:?}");
    }
    for (address, is) in [
        ("", (|t| *t == ScriptTrouble::Unaddressed) as Is),
        (&format!("http://127.0.0.1:{free}/p.pac"), |t| matches!(t, ScriptTrouble::Unfetched(_))),
        ("file:///nonexistent/p.pac", |t| matches!(t, ScriptTrouble::Unfetched(_))),
        ("file://elsewhere.example/share/p.pac", |t| matches!(t, ScriptTrouble::Unfetched(_))),
        ("data:text/plain,x", |t| matches!(t, ScriptTrouble::Unfetched(_))),
    ] {
        let said = scene.client(address).health().await;
        assert!(matches!(&said, Err(PortalError::ProxyByScript(trouble)) if is(trouble)), "{address:?}: {said:?}");
    }
}

#[tokio::test]
async fn a_script_that_does_not_come_is_not_waited_for() {
    let Some(scene) = Scene::of_test("a_script_that_does_not_come_is_not_waited_for").await else { return };
    let (hear, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::tcp(move |tcp: TcpStream| {
        let hear = hear.clone();
        async move {
            let _kept = tcp;
            let _ = hear.send(());
            std::future::pending().await
        }
    })
    .await;
    let portal = scene.client(&at(&server));
    let asking = tokio::spawn(async move { portal.proxy_state().await });
    heard.recv().await.expect("it is asked for");
    // From here on only the clock can end it.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let state = asking.await.unwrap();
    assert!(begun.elapsed() <= Duration::from_secs(6), "five seconds are enough: {:?}", begun.elapsed());
    assert_eq!(state.in_use, None, "the way is direct, as with browsers");
    let trouble = state.script.and_then(|script| script.trouble);
    assert_eq!(trouble, Some(ScriptTrouble::Unfetched("no answer in time".into())), "and that is shown");
}

#[tokio::test]
async fn a_proxy_script_cannot_reach_into_the_program() {
    let Some(scene) = Scene::of_test("a_proxy_script_cannot_reach_into_the_program").await else { return };
    let function = |body: &str| format!("function FindProxyForURL(url, host) {{ {body} }}");
    let nested = format!("var x = {}1{};", "[".repeat(200_000), "]".repeat(200_000));
    for (what, script) in [
        ("eats memory", function("var a = ['x']; for (;;) a.push(a[a.length - 1] + a[a.length - 1]);")),
        ("nests without end", nested),
        ("calls itself by another", function("var f = function () { return [1].map(f) }; return f()")),
        ("is stuck within one call", function("return /^(a+)+$/.test(new Array(60).join('a') + 'b') ? 'DIRECT' : 'x'")),
        ("sorts in circles", function("return [3, 2, 1].sort(function () { for (;;) {} })")),
    ] {
        let (server, _) = page("200 OK", script).await;
        let portal = scene.client(&at(&server));
        portal.run_scripts_by(Arc::new(Helper { patience: Duration::from_secs(3), ..Helper::default() }));
        let begun = Instant::now();
        let said = portal.health().await;
        assert!(matches!(said, Err(PortalError::ProxyByScript(_))), "it {what}, and we live and say so: {said:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "it {what} for a bounded time: {:?}", begun.elapsed());
    }
    // Nothing of this program's surroundings is there to be read.
    let look = "var g = Object.getOwnPropertyNames(globalThis); var found = []; for (var i = 0; i < g.length; i++) \
                if (/env|file|require|process|fetch|socket|import|Deno|XMLHttp|Worker/i.test(g[i])) found.push(g[i]); \
                return found.length ? 'found ' + found : 'DIRECT';";
    let (server, _) = page("200 OK", function(look)).await;
    let portal = scene.client(&at(&server));
    let state = portal.proxy_state().await;
    assert_eq!(state.script.unwrap().trouble, None, "it finds nothing but its functions");
}
