//! The real window, driven as a person drives it. Needs the program built with its feature `e2e`: `cargo xtask test`
//! does that, and runs these last.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Result, ensure};
use stage::{Desktop, Running, Service, SoftKey, program, until};
use window::{
    Start, Window,
    keys::{self, State},
    tour::{self, Locale, Options},
};

async fn journey(locale: Locale, size: (u32, u32)) -> Result<()> {
    // Kept after the test: the pictures tell what went wrong.
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tour-{locale:?}"));
    let album = tour::run(&Options { out: out.clone(), locale, size }).await?;
    let findings: Vec<_> = album.findings().collect();
    assert!(album.failure.is_none(), "the journey stopped: {}", album.failure.unwrap_or_default());
    assert!(findings.is_empty(), "not everybody can use these pages: {}", findings.join("\n"));
    assert!(out.join("tour.md").exists() || locale == Locale::En, "the journey wrote no tour.md");
    Ok(())
}

#[tokio::test]
async fn the_whole_journey_in_chinese() -> Result<()> {
    journey(Locale::Zh, (1280, 800)).await
}

#[tokio::test]
async fn the_whole_journey_in_english_in_the_smallest_window() -> Result<()> {
    journey(Locale::En, (900, 640)).await
}

/// Each picture is kept after the test, beside those of the journey.
#[tokio::test]
async fn the_strip_and_the_doctor_say_why_a_key_cannot_be_used() -> Result<()> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys");
    let findings = keys::show(&out, &State::ALL).await?;
    assert!(findings.is_empty(), "not everybody can use these pages: {}", findings.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_second_start_brings_up_the_first_window() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let service = Service::start(&folder.path().join("service"), "127.0.0.1:0")?;
    let key = SoftKey::blank(&folder.path().join("key"), "证办通测试锁", "135790")?;
    let desktop = Desktop::start(1360, 880)?;
    // No `--data`: the store is the person's own, and there is one window to it.
    let arguments = vec!["--demo".into(), service.ready.file.clone().into()];
    let start = Start { binary: program("certdesk")?, arguments, environment: key.environment().to_vec() };
    let window = Window::start(&desktop, &start).await?;
    window.by_testid("menu-apply").await?;

    let mut second = desktop.command(&start.binary)?;
    let mut second = Running::start(second.args(&start.arguments).envs(key.environment()))?;
    let status = until("the second start's end", Duration::from_secs(20), || second.ended())?;
    ensure!(status.success(), "the second start ended with {status}: {}", desktop.words());
    ensure!(window.shows("menu-apply").await, "the first window is gone");
    window.close().await
}

/// The other windows here are driven, and WebKit draws those in its other way.
#[test]
fn a_window_that_nobody_drives_shows_its_first_page() -> Result<()> {
    use x11rb::{
        connection::Connection as _,
        protocol::xproto::{ConnectionExt as _, ImageFormat},
    };

    let folder = tempfile::tempdir()?;
    let service = Service::start(&folder.path().join("service"), "127.0.0.1:0")?;
    let key = SoftKey::blank(&folder.path().join("key"), "证办通测试锁", "135790")?;
    let desktop = Desktop::start(1280, 800)?;
    let mut window = desktop.command(program("certdesk")?)?;
    let _window = Running::start(window.arg("--demo").arg(&service.ready.file).envs(key.environment()))?;

    let (screen, number) = x11rb::connect(Some(desktop.display()))?;
    let root = screen.setup().roots[number].root;
    // The seal of 申办, on a white that what is painted before the page has nowhere.
    let white = [0xff; 3];
    let shown = until("the first page on the screen", Duration::from_secs(30), || {
        let picture = screen.get_image(ImageFormat::Z_PIXMAP, root, 0, 0, 1280, 800, !0).ok()?.reply().ok()?;
        let seal = picture.data.chunks_exact(4).filter(|pixel| pixel[..3] == white).count();
        (seal > 2000).then_some(())
    });
    ensure!(shown.is_ok(), "the page was not drawn: {}", desktop.words());
    Ok(())
}

#[tokio::test]
async fn nothing_leads_the_window_away_or_opens_another() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let service = Service::start(&folder.path().join("service"), "127.0.0.1:0")?;
    let key = SoftKey::blank(&folder.path().join("key"), "证办通测试锁", "135790")?;
    let desktop = Desktop::start(1360, 880)?;
    let data = folder.path().join("data");
    let arguments = vec!["--data".into(), data.into(), "--demo".into(), service.ready.file.clone().into()];
    let start = Start { binary: program("certdesk")?, arguments, environment: key.environment().to_vec() };
    let window = Window::start(&desktop, &start).await?;
    window.by_testid("menu-apply").await?;
    let home = window.script("window.stayed = true; return location.href").await?;

    let elsewhere = ["https://elsewhere.example/", "http://127.0.0.1:9/", "data:text/html,x", "file:///etc/hostname"];
    for address in elsewhere {
        let link = |target: &str| {
            format!(
                "const a = document.createElement('a'); a.href = '{address}'; a.target = '{target}'; \
                 document.body.append(a); a.click(); a.remove()"
            )
        };
        let form = format!(
            "const f = document.createElement('form'); f.action = '{address}'; document.body.append(f); f.submit(); \
             f.remove()"
        );
        let ways = [
            format!("location.href = '{address}'"),
            format!("window.open('{address}')"),
            format!("const i = document.createElement('iframe'); i.src = '{address}'; document.body.append(i)"),
            link("_self"),
            link("_blank"),
            form,
        ];
        for way in ways {
            // What it throws is as good a refusal as any.
            window.script(&format!("try {{ {way} }} catch {{}} return null")).await?;
            // By then a navigation would have begun.
            window.script_async("const done = arguments[0]; setTimeout(() => done(null), 50)").await?;
            let stayed = window.script("return [location.href, window.stayed === true]").await?;
            ensure!(stayed == serde_json::json!([home, true]), "{way} leads to {stayed}");
        }
    }
    let titles = desktop
        .command("xdotool")?
        .args(["search", "--onlyvisible", "--name", "."])
        .stdout(Stdio::piped())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).lines().count());
    ensure!(titles.is_ok_and(|count| count <= 1), "another window is open");

    let refused = "const done = arguments[0]; const said = []; \
        try { eval('1'); said.push('eval') } catch {} \
        try { new Function('return 1')(); said.push('Function') } catch {} \
        if (window.__TAURI__) said.push('__TAURI__'); \
        try { Object.prototype.certdesk = 1; if ({}.certdesk) said.push('prototype') } catch {} \
        const call = window.__TAURI_INTERNALS__.invoke; \
        const closed = ['plugin:window|create', 'plugin:webview|create_webview_window', 'plugin:path|resolve_directory', \
            'plugin:app|version', 'desk_call']; \
        Promise.all([ \
            fetch('https://elsewhere.example/').then(() => said.push('fetch'), () => {}), \
            ...closed.map(name => call(name, { name: 'demo_sms', args: null }).then(() => said.push(name), () => {})) \
        ]).then(() => done(said))";
    let opened = window.script_async(refused).await?;
    ensure!(opened == serde_json::json!([]), "the page can do what it should not: {opened}");
    window.close().await
}
