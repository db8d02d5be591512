//! The real window, driven as a person drives it. Needs the program built with its feature `e2e`: `cargo xtask test`
//! does that, and runs these last.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Result, ensure};
use stage::{Desktop, Running, Service, SoftKey, program, until};
use window::{
    Start, Window,
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

    let mut second = Running::start(
        Command::new(&start.binary)
            .args(&start.arguments)
            .envs(desktop.environment())
            .envs(key.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(desktop.log()?),
    )?;
    let status = until("the second start's end", Duration::from_secs(20), || second.ended())?;
    ensure!(status.success(), "the second start ended with {status}: {}", desktop.words());
    ensure!(window.shows("menu-apply").await, "the first window is gone");
    window.close().await
}
