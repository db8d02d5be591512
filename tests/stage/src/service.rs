//! A portal service of one's own: a real process on a free loopback port.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::{Running, program, until};

/// What the service wrote when it began to answer.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The file itself; the window's `--demo` takes it.
    pub file: PathBuf,
    /// Its content.
    pub content: Value,
}

impl Ready {
    /// A text member of the ready file.
    ///
    /// # Errors
    /// When the service wrote none of that name.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.content[name].as_str().with_context(|| format!("the service's ready file holds no `{name}`"))
    }
}

/// The service's own catalogue in `folder`, with renewals open from the first day on: nobody waits nine months for a demo.
///
/// # Errors
/// When the catalogue is not what it was.
pub fn catalogue_with_open_renewals(folder: &Path) -> Result<PathBuf> {
    let own = crate::project_root()?.join("src-tauri/crates/service/data/catalogue.json");
    let mut catalogue: Value = serde_json::from_slice(&fs::read(own)?)?;
    let version = catalogue["version"].as_str().context("the catalogue has no version")?;
    catalogue["version"] = format!("{version}-demo").into();
    *catalogue.pointer_mut("/renewal/opens_days").context("the catalogue has no renewal rule")? = 400.into();
    // A renewed certificate is good for longer, so that it is not due for renewal again at once.
    let offers = catalogue["offers"].as_array_mut().context("the catalogue has no offers")?;
    for offer in offers.iter_mut().filter(|offer| offer["business"] == "renew") {
        offer["validity_years"] = 2.into();
    }
    fs::create_dir_all(folder)?;
    let file = folder.join("catalogue.json");
    fs::write(&file, catalogue.to_string())?;
    Ok(file)
}

/// `certdesk-service serve --demo`. Ended on drop.
#[derive(Debug)]
pub struct Service {
    process: Running,
    /// How to reach it.
    pub ready: Ready,
}

impl Service {
    /// Starts the service beside the running program on `listen` (`127.0.0.1:0` for any free port), with its data and
    /// log in `folder`, and waits until it answers.
    ///
    /// # Errors
    /// When it ends before it is ready: the message holds the end of its log.
    pub fn start(folder: &Path, listen: &str) -> Result<Self> {
        Self::start_with(folder, listen, &[])
    }

    /// The same with more arguments for `serve`.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub fn start_with(folder: &Path, listen: &str, more: &[&OsStr]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join("ready.json");
        // Started again on the same data it keeps its secret: clients of before go on.
        let before = fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let secret = match before.as_ref().and_then(|ready| ready["demo_secret"].as_str()) {
            Some(secret) => secret.to_owned(),
            None => demo_secret()?,
        };
        if file.exists() {
            fs::remove_file(&file)?;
        }
        let log_path = folder.join("service.log");
        let log = fs::File::create(&log_path)?;
        let mut process = Running::start(
            Command::new(program("certdesk-service")?)
                .arg("serve")
                .args([Path::new("--data"), &folder.join("data"), Path::new("--ready-file"), &file])
                .args(["--listen", listen, "--demo", &secret])
                .args(more)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log),
        )?;
        let mut gone = None;
        let content = until("the service's ready file", Duration::from_secs(30), || {
            gone = process.ended();
            // Written in one go and renamed, or read half: then it is no JSON yet.
            let content = fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
            content.map(Some).or_else(|| gone.map(|_| None))
        })?;
        let Some(content) = content else {
            let log = fs::read_to_string(&log_path).unwrap_or_default();
            let end: Vec<_> = log.lines().rev().take(5).collect();
            bail!("the service did not start: {}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
        };
        Ok(Self { process, ready: Ready { file, content } })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// What guards the demo's own doors: known to this service and its ready file alone.
fn demo_secret() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
