//! A session message bus (D-Bus) of one's own: without it GTK starts one that outlives the program.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::Running;

/// A session bus. Ended on drop.
#[derive(Debug)]
pub struct Bus {
    address: String,
    _daemon: Running,
}

impl Bus {
    /// Starts it; what it activates shows on `display`.
    ///
    /// # Errors
    /// When there is no `dbus-daemon`.
    pub fn start(display: &str) -> Result<Self> {
        let mut daemon = Running::start(
            Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
                .env("DISPLAY", display)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let pipe = daemon.child().stdout.take().context("dbus-daemon has no output")?;
        let mut address = String::new();
        BufReader::new(pipe).read_line(&mut address)?;
        ensure!(!address.trim().is_empty(), "dbus-daemon named no address");
        Ok(Self { address: address.trim().to_owned(), _daemon: daemon })
    }

    /// Value for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }
}
