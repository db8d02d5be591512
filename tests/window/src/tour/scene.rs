//! What the journey stands on: service, key, desktop, window; the phone and the reviewer.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stage::{Desktop, Service, SoftKey, program};

use super::{Locale, Options};
use crate::{FileDialog, Start, Window};

/// Label of the demo's software key.
pub(super) const KEY_LABEL: &str = "证办通演示锁";
/// Its PIN.
pub(super) const PIN: &str = "123456";

/// The stage with its props.
#[derive(Debug)]
pub struct Scene {
    /// The window.
    pub window: Window,
    /// Language.
    pub locale: Locale,
    /// The key.
    pub key: SoftKey,
    /// Who logs in, once known.
    pub account: Option<Account>,
    folder: PathBuf,
    service: Service,
    desktop: Desktop,
    size: (u32, u32),
}

/// What the SMS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Account name.
    pub name: String,
    /// Initial password, later the chosen one.
    pub password: String,
}

impl Scene {
    /// Sets it: an empty service, a blank key, the window at its home.
    ///
    /// # Errors
    /// When a program is not built or not installed.
    pub async fn set(options: &Options) -> Result<Self> {
        let folder = std::path::absolute(&options.out)?.join("stage");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let service = Service::start(&folder.join("service"), "127.0.0.1:0")?;
        let key = SoftKey::blank(&folder.join("key"), KEY_LABEL, PIN)?;
        let (width, height) = options.size;
        let desktop = Desktop::start(width + 80, height + 80)?;
        let window = start(&desktop, &folder, &service, &key, options.size).await?;
        Ok(Self { window, locale: options.locale, key, account: None, folder, service, desktop, size: options.size })
    }

    /// Ends the window as a power cut would and starts it again on the same data.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(self) -> Result<Self> {
        let Self { window, folder, service, key, desktop, size, .. } = self;
        window.kill()?;
        let window = start(&desktop, &folder, &service, &key, size).await?;
        Ok(Self { window, locale: self.locale, key, account: self.account, folder, service, desktop, size })
    }

    /// Ends everything.
    ///
    /// # Errors
    /// When the window does not end.
    pub async fn close(self) -> Result<()> {
        self.window.close().await
    }

    /// The open file dialog of this title.
    ///
    /// # Errors
    /// When none opens.
    pub async fn file_dialog(&self, title: &str) -> Result<FileDialog<'_>> {
        FileDialog::open(&self.desktop, title).await
    }

    /// The phone: the newest message to this number.
    ///
    /// # Errors
    /// When there is none.
    pub fn sms(&self, phone: &str) -> Result<String> {
        let messages = self.service_says(&["sms", "list", "--json"])?;
        let messages: Value = serde_json::from_str(&messages)?;
        let newest = messages.as_array().into_iter().flatten().find(|message| message["phone"] == phone);
        newest.and_then(|message| message["text"].as_str().map(str::to_owned)).context("no message arrived")
    }

    /// The reviewer's desk: `certdesk-service review …`.
    ///
    /// # Errors
    /// What it says.
    pub fn review(&self, arguments: &[&str]) -> Result<String> {
        self.service_says(&[&["review"], arguments].concat())
    }

    fn service_says(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(program("certdesk-service")?)
            .args(arguments)
            .arg("--data")
            .arg(self.folder.join("service/data"))
            .stdin(Stdio::null())
            .output()?;
        let failure = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "certdesk-service {}: {}", arguments.join(" "), failure.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A specimen file of this ending.
    ///
    /// # Errors
    /// When there is none.
    pub fn specimen(&self, part_of_name: &str) -> Result<PathBuf> {
        let folder = stage::project_root()?.join("tests/fixtures/files");
        let files = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
        let fits = |file: &PathBuf| file.to_string_lossy().contains(part_of_name);
        files.into_iter().find(fits).with_context(|| format!("no specimen file is named {part_of_name}"))
    }

    /// What driver and program said beside.
    pub fn words(&self) -> String {
        self.desktop.words()
    }
}

async fn start(desktop: &Desktop, folder: &Path, service: &Service, key: &SoftKey, size: (u32, u32)) -> Result<Window> {
    let start = Start {
        binary: program("certdesk")?,
        arguments: vec![
            "--demo".into(),
            service.ready.file.clone().into(),
            "--data".into(),
            folder.join("data").into(),
            "--module".into(),
            key.module.clone().into(),
        ],
        environment: key.environment().to_vec(),
    };
    let window = Window::start(desktop, &start).await;
    let window = window.with_context(|| desktop.words())?;
    window.resize(size.0, size.1).await?;
    Ok(window)
}
