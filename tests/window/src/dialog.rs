//! The system's file dialogs: outside the page, so no driver reaches them; answered by keys, as a person could.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};
use stage::Desktop;

use crate::within::{PATIENCE, until};

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
        .await?;
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
        self.type_path(file)?;
        self.close_with("Return").await
    }

    /// Names the file to save to.
    ///
    /// # Errors
    /// When the dialog does not close on it.
    pub async fn save_as(self, file: &Path) -> Result<()> {
        self.keys(&["ctrl+a"])?;
        self.type_path(file)?;
        self.close_with("Return").await
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

    fn type_path(&self, file: &Path) -> Result<()> {
        // The delay lets the X server remap a key for each Chinese character; GTK drops faster ones.
        xdotool(self.desktop, &["type", "--delay", "40", &file.display().to_string()]).map(drop)
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

fn xdotool(desktop: &Desktop, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new("xdotool").args(arguments).env("DISPLAY", desktop.display()).stdin(Stdio::null()).output()?;
    ensure!(
        output.status.success(),
        "xdotool {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
