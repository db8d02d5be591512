//! The system's key store on Linux: a real one (GNOME Keyring), on a bus and in a home of its own.
#![cfg(target_os = "linux")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use certdesk_cache::CacheKey;
use certdesk_controller::{
    Uuid,
    storage::{KeyStore as _, SystemKeyStore},
};
use stage::{Running, until};

/// What the child below is to do: `keep` or `read`.
const ACT: &str = "CERTDESK_TEST_KEY_STORE_ACT";
const NAME: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);

#[test]
fn the_systems_key_store_keeps_a_key_beyond_its_own_end() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_bus, address) = start_bus(folder.path())?;
    let bus = address.as_str();
    assert_eq!(act("read", bus, folder.path())?, "away", "without a key store that is said, at once");

    let keyring = start_keyring(bus, folder.path())?;
    let answers = || act("read", bus, folder.path()).ok().filter(|answer| answer != "away");
    assert_eq!(until("the key store", Duration::from_secs(30), answers)?, "nothing", "it is asked, and has none");
    assert_eq!(act("keep", bus, folder.path())?, "kept");
    assert_eq!(act("read", bus, folder.path())?, "the key", "another process reads what was kept");
    drop(keyring);

    let keyring = start_keyring(bus, folder.path())?;
    assert_eq!(until("the key store", Duration::from_secs(30), answers)?, "the key", "it is there after a new login");
    drop(keyring);

    std::fs::remove_dir_all(folder.path().join("data/keyrings"))?;
    let _keyring = start_keyring(bus, folder.path())?;
    assert_eq!(until("the key store", Duration::from_secs(30), answers)?, "nothing", "an emptied one has none");
    Ok(())
}

/// Not a test by itself: what the test above runs with an environment of its own.
#[test]
fn asked() {
    let Some(act) = std::env::var_os(ACT) else { return };
    let Some(key) = CacheKey::from_bytes(&[7; 32]) else { return };
    let answer = if act == "keep" {
        SystemKeyStore.keep(NAME, &key).map(|()| "kept")
    } else {
        SystemKeyStore.key(NAME).map(|found| match found {
            Some(found) if found == key => "the key",
            Some(_) => "another key",
            None => "nothing",
        })
    };
    println!("answer: {}", answer.unwrap_or("away"));
}

fn act(act: &str, bus: &str, folder: &Path) -> Result<String> {
    let child = Command::new(std::env::current_exe()?)
        .args(["--exact", "asked", "--nocapture", "--test-threads=1"])
        .env(ACT, act)
        .env("DBUS_SESSION_BUS_ADDRESS", bus)
        .env("HOME", folder)
        .output()?;
    let text = String::from_utf8_lossy(&child.stdout).into_owned();
    let answer = text.lines().find_map(|line| line.split_once("answer: ")).map(|(_, answer)| answer.to_owned());
    answer.with_context(|| format!("no answer: {text}{}", String::from_utf8_lossy(&child.stderr)))
}

/// A bus that starts nothing by itself: the machine's own key store stays out of this.
fn start_bus(folder: &Path) -> Result<(Running, String)> {
    let configuration = folder.join("bus.conf");
    let allowed = r#"<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>"#;
    let policy = format!(r#"<policy context="default">{allowed}</policy>"#);
    let listen = format!("<listen>unix:path={}</listen>", folder.join("bus").display());
    std::fs::write(
        &configuration,
        format!("<busconfig><type>session</type><auth>EXTERNAL</auth>{listen}{policy}</busconfig>"),
    )?;
    let mut daemon = Running::start(
        Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    )?;
    let mut address = String::new();
    BufReader::new(daemon.child().stdout.take().context("it has an output")?).read_line(&mut address)?;
    Ok((daemon, address.trim().to_owned()))
}

/// As a login does: the person's password unlocks it.
fn start_keyring(bus: &str, folder: &Path) -> Result<Running> {
    let (runtime, data) = (folder.join("runtime"), folder.join("data"));
    for needed in [&runtime, &data] {
        std::fs::create_dir_all(needed)?;
    }
    let mut daemon = Running::start(
        Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .env("HOME", folder)
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("XDG_DATA_HOME", &data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    daemon.child().stdin.take().context("it has an input")?.write_all(b"the login's password")?;
    Ok(daemon)
}
