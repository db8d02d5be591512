//! The system's file dialogs: outside the page, so no driver reaches them; answered by keys, as a person could.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use stage::{Desktop, Running};

use crate::{
    hands::xdotool,
    within::{PATIENCE, until},
};

/// No more requests for so long: the paste is through.
const QUIET: Duration = Duration::from_millis(200);

/// An open GTK file dialog with the keyboard's focus.
#[derive(Debug)]
pub struct FileDialog<'a> {
    desktop: &'a Desktop,
    title: String,
    window: String,
}

impl<'a> FileDialog<'a> {
    /// Waits until the dialog with this title is there.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn open(desktop: &'a Desktop, title: &str) -> Result<Self> {
        let window = until(&format!("the dialog {title}"), PATIENCE, async || {
            let found = xdotool(desktop, &["search", "--onlyvisible", "--name", title]).ok()?;
            found.lines().last().map(str::to_owned).filter(|id| !id.is_empty())
        })
        .await
        .with_context(|| format!("there are the windows {}", titles(desktop)))?;
        let dialog = Self { desktop, title: title.to_owned(), window };
        // Without a window manager focus is given, not asked for.
        until("the dialog's focus", PATIENCE, async || {
            xdotool(desktop, &["windowfocus", "--sync", &dialog.window]).ok().filter(|_| dialog.has_focus())
        })
        .await?;
        Ok(dialog)
    }

    /// Picks an existing file.
    ///
    /// # Errors
    /// When the dialog does not close on it.
    pub async fn pick(self, file: &Path) -> Result<()> {
        self.keys(&["ctrl+l"])?;
        self.paste(file).await?;
        self.close_with("Return").await
    }

    /// Names the file to save to.
    ///
    /// # Errors
    /// When the dialog does not close on it.
    pub async fn save_as(self, file: &Path) -> Result<()> {
        self.keys(&["ctrl+a"])?;
        self.paste(file).await?;
        self.close_with("Return").await
    }

    /// Prints by the first printer: a file, where there is none.
    ///
    /// # Errors
    /// When the dialog does not close on it.
    pub async fn print(self) -> Result<()> {
        // From the tabs to the list of printers, and to its first.
        self.keys(&["Tab", "space"])?;
        self.close_with("alt+p").await
    }

    /// Cancels.
    ///
    /// # Errors
    /// When the dialog does not close.
    pub async fn cancel(self) -> Result<()> {
        self.close_with("Escape").await
    }

    fn has_focus(&self) -> bool {
        xdotool(self.desktop, &["getwindowfocus"]).is_ok_and(|focused| focused.trim() == self.window)
    }

    fn keys(&self, keys: &[&str]) -> Result<()> {
        xdotool(self.desktop, &[&["key", "--clearmodifiers"], keys].concat()).map(drop)
    }

    /// Pastes the path over what the field holds. Typing Chinese into X remaps the keyboard for each character, and a
    /// busy machine drops some.
    async fn paste(&self, file: &Path) -> Result<()> {
        let log = self.desktop.home().join("clipboard");
        let mut clipboard = Running::start(
            Command::new("xclip")
                .args(["-selection", "clipboard", "-quiet"])
                .env("DISPLAY", self.desktop.display())
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(File::create(&log)?),
        )
        .context("xclip is not installed: `cargo xtask setup --for test` installs it")?;
        let mut pipe = clipboard.child().stdin.take().context("xclip has no input")?;
        pipe.write_all(file.as_os_str().as_bytes())?;
        drop(pipe);
        // It tells of every request for the selection it owns: GTK asks for the text in several forms until it likes one.
        let requests = || fs::read_to_string(&log).unwrap_or_default().matches("request number").count();
        until("the clipboard", PATIENCE, async || (requests() > 0).then_some(())).await?;
        let before = requests();
        self.keys(&["ctrl+a", "ctrl+v"])?;
        let mut last = (requests(), Instant::now());
        until("the pasting", PATIENCE, async || {
            if requests() != last.0 {
                last = (requests(), Instant::now());
            }
            (last.0 > before && last.1.elapsed() > QUIET).then_some(())
        })
        .await
    }

    async fn close_with(self, key: &str) -> Result<()> {
        let gone = || !self.desktop_shows_it();
        self.keys(&[key])?;
        // GTK may take the first Return for its list of suggestions.
        let mut waited = 0;
        until(&format!("the end of the dialog {}", self.title), PATIENCE, async || {
            waited += 1;
            if waited % 25 == 0 && !gone() {
                let _ = self.keys(&[key]);
            }
            gone().then_some(())
        })
        .await
    }

    fn desktop_shows_it(&self) -> bool {
        let found = xdotool(self.desktop, &["search", "--onlyvisible", "--name", &self.title]);
        found.is_ok_and(|found| found.lines().any(|id| id == self.window))
    }
}

/// Titles of all that is shown.
fn titles(desktop: &Desktop) -> String {
    let found = xdotool(desktop, &["search", "--onlyvisible", "--name", ""]).unwrap_or_default();
    let title = |id| xdotool(desktop, &["getwindowname", id]).unwrap_or_default();
    found.lines().map(|id| format!("“{}”", title(id).trim())).collect::<Vec<_>>().join(", ")
}
