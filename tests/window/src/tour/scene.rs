//! What the journey stands on: service, key, desktop, window; the phone and the reviewer.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stage::{Desktop, Service, SoftKey, program};

use super::{Locale, Options};
use crate::{
    FileDialog, Start, Window,
    within::{PATIENCE, until},
};

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
    /// 申办编号, once given.
    pub number: Option<String>,
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
        let service = serve(&folder, "127.0.0.1:0")?;
        let key = SoftKey::blank(&folder.join("key"), KEY_LABEL, PIN)?;
        install(&folder)?;
        let (width, height) = options.size;
        let desktop = Desktop::start(width + 80, height + 80)?;
        let window = start(&desktop, &folder, &service, &key, options.size).await?;
        Ok(Self {
            window,
            locale: options.locale,
            key,
            account: None,
            number: None,
            folder,
            service,
            desktop,
            size: options.size,
        })
    }

    /// Puts other files in the place of the installed programs, as a package manager does: those that run keep theirs.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn update(&self) -> Result<()> {
        install(&self.folder)
    }

    /// Ends the window as a power cut would and starts it again on the same data.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&mut self) -> Result<()> {
        self.window.kill()?;
        self.window = start(&self.desktop, &self.folder, &self.service, &self.key, self.size).await?;
        Ok(())
    }

    /// Ends the service as a power cut would.
    pub fn service_goes(&mut self) {
        self.service.kill();
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// When it does not start.
    pub fn service_returns(&mut self) -> Result<()> {
        let address = self.service.ready.text("base_url")?.trim_start_matches("https://").to_owned();
        self.service = serve(&self.folder, &address)?;
        Ok(())
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

    /// Waits until the list of recent files, which the dialog writes to, names none.
    ///
    /// # Errors
    /// When it is not written, or goes on naming one.
    pub async fn nothing_is_recent(&self) -> Result<()> {
        let list = self.desktop.home().join(".local/share/recently-used.xbel");
        until("a list of recent files with none in it", PATIENCE, async || {
            let text = std::fs::read_to_string(&list).ok()?;
            (!text.contains("<bookmark ")).then_some(())
        })
        .await
    }

    /// Drags a file from another program onto the element marked so.
    ///
    /// # Errors
    /// When the element does not come, or the file is not taken.
    pub async fn drag(&self, file: &Path, id: &str) -> Result<()> {
        let to = self.window.middle_on_screen(id).await?;
        crate::hands::drag(&self.desktop, file, to).await
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

    /// Judges a saved receipt as anybody can, away from the service: by the authority's certificate alone.
    ///
    /// # Errors
    /// When it does not hold.
    pub fn judge_receipt(&self, file: &Path) -> Result<()> {
        let judged = Command::new(program("certdesk-cli")?)
            .args(["receipt", "verify"])
            .arg(file)
            .arg("--ca")
            .arg(self.folder.join("service/data/ca/root.pem"))
            .stdin(Stdio::null())
            .output()?;
        let (said, why) = (String::from_utf8_lossy(&judged.stdout), String::from_utf8_lossy(&judged.stderr));
        ensure!(judged.status.success(), "the receipt does not hold: {said}{why}");
        Ok(())
    }

    /// A specimen file.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn specimen(&self, name: &str) -> Result<PathBuf> {
        let file = stage::project_root()?.join("tests/fixtures/files").join(name);
        ensure!(file.is_file(), "there is no specimen file {name}");
        Ok(file)
    }

    /// A path in the applicant's home folder.
    pub fn home(&self, name: &str) -> PathBuf {
        self.desktop.home().join(name)
    }

    /// `zh` or `en`, whichever the window speaks.
    pub fn said(&self, zh: &'static str, en: &'static str) -> &'static str {
        if self.locale == Locale::Zh { zh } else { en }
    }

    /// What driver and program said beside.
    pub fn words(&self) -> String {
        self.desktop.words()
    }
}

fn serve(folder: &Path, listen: &str) -> Result<Service> {
    let catalogue = stage::catalogue_with_open_renewals(folder)?;
    Service::start_with(&folder.join("service"), listen, &["--catalogue".as_ref(), catalogue.as_os_str()])
}

/// What is installed on an applicant's computer: window and helper, beside each other.
const INSTALLED: [&str; 2] = ["certdesk", "certdesk-token-host"];

fn install(folder: &Path) -> Result<()> {
    let installed = folder.join("installed");
    std::fs::create_dir_all(&installed)?;
    for name in INSTALLED {
        let (place, new) = (installed.join(name), installed.join(format!("{name}.new")));
        std::fs::copy(program(name)?, &new)?;
        std::fs::rename(new, place)?;
    }
    Ok(())
}

async fn start(desktop: &Desktop, folder: &Path, service: &Service, key: &SoftKey, size: (u32, u32)) -> Result<Window> {
    let start = Start {
        binary: folder.join("installed/certdesk"),
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
