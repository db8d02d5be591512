//! Two people with accounts of their own on one computer: at the same time, and neither knows of the other.
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use certdesk_cli::journey::{self, Journey};
use certdesk_controller::{Controller, Demo};
use certdesk_domain::{Business, token::KeyAlgorithm};
use journeys::{Stage, failed, specimens};
use stage::until;

const TEST: &str = "two_users_of_one_computer_work_at_once_and_see_nothing_of_each_other";
const HOME: &str = "CERTDESK_TEST_HOME";
const READY: &str = "CERTDESK_TEST_READY";
/// The home of the other.
const OTHER: &str = "CERTDESK_TEST_OTHER";
/// Who it is, by the name of the kind of account.
const KIND: &str = "CERTDESK_TEST_KIND";
const USERS: [u32; 2] = [40_001, 40_002];
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn two_users_of_one_computer_work_at_once_and_see_nothing_of_each_other() -> Result<()> {
    if let Ok(home) = std::env::var(HOME) {
        return work(Path::new(&home)).await;
    }
    let computer = tempfile::tempdir()?;
    fs::set_permissions(computer.path(), fs::Permissions::from_mode(0o755))?;
    if chown(computer.path(), Some(0), Some(0)).is_err() {
        println!("left out: only root becomes two other users");
        return Ok(());
    }
    // Both reach one service, as they would reach the CA's.
    let stage = Stage::set()?;
    let ready = computer.path().join("ready.json");
    let root = computer.path().join("root.pem");
    let mut content = stage.service.ready.content.clone();
    fs::copy(content["root_certificate"].as_str().context("no root")?, &root)?;
    content["root_certificate"] = root.to_str().context("the folder's name is text")?.into();
    fs::write(&ready, content.to_string())?;
    for file in [&ready, &root] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o644))?;
    }
    let home = |user: u32| computer.path().join(user.to_string());
    for user in USERS {
        // As a careless administrator makes homes: others may look in.
        fs::create_dir(home(user))?;
        fs::set_permissions(home(user), fs::Permissions::from_mode(0o755))?;
        chown(home(user), Some(user), Some(user))?;
    }
    let mut at_work = Vec::new();
    for (user, other, kind) in [(USERS[0], USERS[1], "individual"), (USERS[1], USERS[0], "enterprise")] {
        let own = user.to_string();
        let started = Command::new("setpriv")
            .args(["--reuid", &own, "--regid", &own, "--clear-groups"])
            .arg(std::env::current_exe()?)
            .args(["--exact", TEST, "--nocapture"])
            .current_dir("/")
            .env(HOME, home(user))
            .env(OTHER, home(other))
            .env(READY, &ready)
            .env(KIND, kind)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        at_work.push(started.context("setpriv is not installed")?);
    }
    for person in at_work {
        let done = person.wait_with_output()?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if said.contains("Permission denied") && said.contains("setpriv") {
            println!("left out: another user may not start this test");
            return Ok(());
        }
        ensure!(done.status.success(), "{}{said}", String::from_utf8_lossy(&done.stdout));
    }
    for user in USERS {
        let folder = data(&home(user)).metadata()?;
        assert_eq!((folder.uid(), folder.mode() & 0o777), (user, 0o700), "the folder is its owner's alone");
    }
    Ok(())
}

/// What each of them does.
async fn work(home: &Path) -> Result<()> {
    let (service, demo) = Demo::read(Path::new(&std::env::var(READY)?)).map_err(anyhow::Error::msg)?;
    let mut options = journey::options(data(home), service, Vec::new(), PathBuf::from("/nonexistent"));
    options.demo = Some(demo);
    let journey = Journey {
        controller: Controller::start(options),
        files: specimens()?,
        registration: journey::sample_registration(serde_json::from_value(std::env::var(KIND)?.into())?),
        key_label: None,
        pin: String::new(),
        algorithm: KeyAlgorithm::EcP256,
        step: Box::new(|_| ()),
    };
    journey.register().await?;
    let certdesk = &journey.controller;
    let draft = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    certdesk.save_field(draft.id, "address.detail".into(), "测试路 1 号".into()).await.map_err(failed)?;
    let home = certdesk.home().await.map_err(failed)?;
    assert_eq!(home.drafts.len(), 1, "one's own draft, and nobody else's");
    let other = data(Path::new(&std::env::var(OTHER)?));
    // Whoever is faster waits until there is something to look at.
    let looked = until("the other's folder", PATIENCE, || match fs::read_dir(&other) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        looked => Some(looked.map(drop).map_err(|error| error.kind())),
    })?;
    assert_eq!(looked, Err(ErrorKind::PermissionDenied), "what the other keeps cannot be looked at");
    Ok(())
}

fn data(home: &Path) -> PathBuf {
    home.join(".local/share/certdesk")
}
