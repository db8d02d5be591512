//! A whole journey through a proxy that wants a login, and changes its mind about it; and a proxy that a script of the
//! desktop names.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use certdesk_controller::{
    Controller, LocalCode,
    doctor::finding::FindingCode,
    view::{NetworkSettings, ProxySetting},
};
use certdesk_domain::{AccountKind, State, token::KeyAlgorithm};
use journeys::{Stage, failed, told};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_what_waits_goes_as_soon_as_somebody_logs_in_to_it() -> Result<()> {
    // A name that nobody but the proxy knows.
    let stage = Stage::set_at("https://portal.example")?;
    let proxy = Proxy::start(stage.service.ready.text("address")?.to_owned(), "wang:first").await?;
    let certdesk = Controller::start(stage.options()?);
    let manual = ProxySetting::Manual { host: "127.0.0.1".into(), port: proxy.port };
    let settings = NetworkSettings { proxy: manual, kib_a_second: Some(4096) };
    let tried = certdesk.save_network(settings.clone()).await.map_err(failed)?;
    ensure!(tried.failure.is_some_and(|failure| failure.is(LocalCode::ProxyLoginNeeded)), "it asks for a login");
    let home = certdesk.home().await.map_err(failed)?;
    ensure!(
        home.service.failure.is_some_and(|failure| failure.is(LocalCode::ProxyLoginNeeded)),
        "all of the window knows"
    );
    let view = certdesk.log_in_to_proxy("wang".into(), "first".into(), true).await.map_err(failed)?;
    assert_eq!((view.failure, view.has_login, view.login_kept), (None, true, true), "with it the service answers");

    let journey = stage.journey_of(&certdesk, AccountKind::Individual, KeyAlgorithm::EcP256)?;
    journey.register().await?;
    let id = journey.fill_in().await?.id;

    // The office changes its password over lunch.
    proxy.change("wang:second");
    certdesk.queue_submission(id, true).await.map_err(failed)?;
    let waiting = async || {
        let home = certdesk.home().await.map_err(failed)?;
        let queued = home.drafts.into_iter().find_map(|draft| draft.queued).context("it waits in sight")?;
        Ok(queued.tries > 0 && home.service.failure.is_some_and(|failure| failure.is(LocalCode::ProxyLoginNeeded)))
    };
    until(&certdesk, "it waits for the login", waiting).await?;
    assert_eq!(proxy.wrong(), 1, "the password of before was tried once, and no more");
    let guessed = certdesk.log_in_to_proxy("wang".into(), "guessed".into(), true).await;
    assert_eq!(told(guessed)?, LocalCode::ProxyLoginNeeded);
    assert_eq!(proxy.wrong(), 2, "and so was the guess");
    certdesk.log_in_to_proxy("wang".into(), "second".into(), true).await.map_err(failed)?;
    until(&certdesk, "it is handed in", async || {
        let draft = certdesk.draft(id).await.map_err(failed)?;
        Ok(draft.queued.is_none() && draft.state != State::Draft)
    })
    .await?;
    assert_eq!(certdesk.applications().await.map_err(failed)?.len(), 1, "once");

    // What was kept is there at the next start, and what was forgotten is not.
    drop(journey);
    drop(certdesk);
    let next = Controller::start(stage.options()?);
    let view = next.network().await.map_err(failed)?;
    assert_eq!((view.settings, view.has_login, view.login_kept), (settings, true, true));
    next.catalogue().await.map_err(failed)?;
    let view = next.forget_proxy_login().await.map_err(failed)?;
    assert_eq!((view.has_login, view.login_kept), (false, false));
    assert_eq!(proxy.wrong(), 2, "no wrong password went out besides");
    Ok(())
}

/// On Linux, where the desktop's settings come from a program; here it is one of our own.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_the_desktop_names_the_proxy_and_where_it_breaks_that_is_told() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    const TEST: &str = "a_script_of_the_desktop_names_the_proxy_and_where_it_breaks_that_is_told";
    const FOLDER: &str = "CERTDESK_TEST_DESKTOP";
    let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) else {
        let folder = tempfile::tempdir()?;
        let before = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([folder.path().to_owned()].into_iter().chain(std::env::split_paths(&before)))?;
        let mut child = std::process::Command::new(std::env::current_exe()?);
        child.args(["--exact", TEST, "--nocapture"]).env(FOLDER, folder.path()).env("PATH", path);
        let proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let status = proxies.iter().fold(&mut child, |child, name| child.env_remove(name)).status()?;
        ensure!(status.success(), "in a process whose desktop is ours");
        return Ok(());
    };
    let stage = Stage::set_at("https://portal.example")?;
    let proxy = Proxy::start(stage.service.ready.text("address")?.to_owned(), "wang:first").await?;
    let script = folder.join("proxy.pac");
    let says =
        |answer: &str| std::fs::write(&script, format!("function FindProxyForURL(url, host) {{ return {answer}; }}"));
    says(&format!("dnsDomainIs(host, '.example') ? 'PROXY 127.0.0.1:{}' : 'DIRECT'", proxy.port))?;
    let desktop = folder.join("gsettings");
    let address = url::Url::from_file_path(&script).map_err(|()| anyhow::anyhow!("the folder has an address"))?;
    let lines = ["mode 'auto'".to_owned(), format!("autoconfig-url '{address}'")];
    let lines = lines.map(|line| format!("echo \"org.gnome.system.proxy {line}\"\n"));
    std::fs::write(&desktop, format!("#!/bin/sh\n{}", lines.concat()))?;
    std::fs::set_permissions(&desktop, std::fs::Permissions::from_mode(0o755))?;

    let certdesk = Controller::start(stage.options()?);
    let view = certdesk.network().await.map_err(failed)?;
    assert_eq!(view.in_use, Some(format!("127.0.0.1:{}", proxy.port)), "the script names the proxy");
    let shown = view.script.context("the script is shown")?;
    assert_eq!((shown.address.as_str(), shown.failure), (address.as_str(), None));
    let view = certdesk.log_in_to_proxy("wang".into(), "first".into(), false).await.map_err(failed)?;
    assert_eq!(view.failure, None, "through it the service answers");
    certdesk.catalogue().await.map_err(failed)?;

    says("7")?;
    let view = certdesk.save_network(NetworkSettings::default()).await.map_err(failed)?;
    let failure = view.failure.context("without the proxy there is no way")?;
    ensure!(failure.is(LocalCode::ProxyScriptNonsense), "the script is named as the reason: {failure:?}");
    let shown = view.script.and_then(|script| script.failure).context("and with the script it is shown")?;
    ensure!(shown.is(LocalCode::ProxyScriptNonsense), "{shown:?}");
    let found = certdesk.examine().await.map_err(failed)?.findings;
    ensure!(found.iter().any(|finding| finding.code == FindingCode::ServiceScript), "the doctor finds it: {found:?}");
    Ok(())
}

/// HTTP CONNECT to one place, for whoever has name and password.
struct Proxy {
    port: u16,
    /// Whoever is logged in by another is cut off when it changes.
    login: watch::Sender<String>,
    wrong: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start(target: String, login: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (login, now) = watch::channel(login.to_owned());
        let wrong = Arc::<AtomicUsize>::default();
        let counted = wrong.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, target.clone(), now.clone(), counted.clone()));
            }
        });
        Ok(Self { port, login, wrong })
    }

    fn change(&self, login: &str) {
        self.login.send_replace(login.to_owned());
    }

    fn wrong(&self) -> usize {
        self.wrong.load(Ordering::SeqCst)
    }
}

async fn tunnel(mut client: TcpStream, target: String, mut login: watch::Receiver<String>, wrong: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let right = BASE64_STANDARD.encode(login.borrow_and_update().as_bytes());
    let given = head.lines().find_map(|line| line.split_once(": Basic ").map(|(_, given)| given.to_owned()));
    if given.as_ref() != Some(&right) {
        wrong.fetch_add(usize::from(given.is_some()), Ordering::SeqCst);
        let _ = client.write_all(b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"office\"\r\n\r\n").await;
        return;
    }
    let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
    let Ok(mut service) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut service) => {}
        _ = login.changed() => {}
    }
}

async fn until(certdesk: &Controller, what: &str, so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    journeys::until(certdesk, Duration::from_secs(60), what, so).await
}
