//! A virtual display (Xvfb) of one's own.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::Running;

/// Xvfb on a display number that it found free itself. Ended on drop.
#[derive(Debug)]
pub struct Display {
    name: String,
    _server: Running,
}

impl Display {
    /// Starts it with one screen of this size, pixels.
    ///
    /// # Errors
    /// When Xvfb is not there or finds no free display.
    pub fn start(width: u32, height: u32) -> Result<Self> {
        let screen = format!("{width}x{height}x24");
        let mut server = Running::start(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let pipe = server.child().stdout.take().context("Xvfb has no output")?;
        let mut number = String::new();
        BufReader::new(pipe).read_line(&mut number)?;
        let number: u32 = number.trim().parse().context("Xvfb found no free display")?;
        Ok(Self { name: format!(":{number}"), _server: server })
    }

    /// Value for `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }
}
