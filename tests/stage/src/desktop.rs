//! A small desktop for one window: display, message bus, home folder.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Result;
use tempfile::TempDir;

use crate::{Bus, Display};

/// Variables that must not reach a program here. Either of WebKit's makes the driver's screenshots hang for good.
const UNWANTED: [&str; 5] =
    ["WEBKIT_DISABLE_DMABUF_RENDERER", "WEBKIT_DISABLE_COMPOSITING_MODE", "WAYLAND_DISPLAY", "LC_ALL", "LANGUAGE"];

/// Outlives the windows on it, so that a second start and a start after `kill -9` find the same place.
#[derive(Debug)]
pub struct Desktop {
    display: Display,
    bus: Bus,
    home: TempDir,
}

impl Desktop {
    /// A new one with a screen of this size, pixels.
    ///
    /// # Errors
    /// When Xvfb or dbus-daemon is missing.
    pub fn start(width: u32, height: u32) -> Result<Self> {
        let display = Display::start(width, height)?;
        let bus = Bus::start(display.name())?;
        let home = tempfile::Builder::new().prefix("certdesk-window-").tempdir()?;
        let run = home.path().join("run");
        fs::create_dir(&run)?;
        fs::set_permissions(run, fs::Permissions::from_mode(0o700))?;
        Ok(Self { display, bus, home })
    }

    /// The home folder: picked files may be put there.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Value for `DISPLAY`.
    pub fn display(&self) -> &str {
        self.display.name()
    }

    /// Runs a program here and nowhere else; what it says goes to the [words](Self::words).
    ///
    /// # Errors
    /// When the folder is gone.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        let mut command = Command::new(program);
        let log = File::options().create(true).append(true).open(self.home.path().join("log"))?;
        command.envs(self.environment()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        for name in UNWANTED {
            command.env_remove(name);
        }
        Ok(command)
    }

    /// What a program needs to live here.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let home = |below: &str| OsString::from(self.home.path().join(below));
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("HOME".into(), self.home.path().into()),
            ("XDG_RUNTIME_DIR".into(), home("run")),
            ("XDG_CONFIG_HOME".into(), home(".config")),
            ("XDG_CACHE_HOME".into(), home(".cache")),
            ("XDG_DATA_HOME".into(), home(".local/share")),
            ("DISPLAY".into(), self.display.name().into()),
            ("DBUS_SESSION_BUS_ADDRESS".into(), self.bus.address().into()),
        ];
        // The same pictures on every machine.
        for (name, value) in
            [("GDK_BACKEND", "x11"), ("GTK_THEME", "Adwaita"), ("LANG", "C.UTF-8"), ("TZ", "Asia/Shanghai")]
        {
            environment.push((name.into(), value.into()));
        }
        environment
    }

    /// What the programs said on their standard errors.
    pub fn words(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}
