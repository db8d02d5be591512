//! Where words go, and commands run with theirs going to the same place.

use std::{
    io::{self, BufRead, BufReader, IsTerminal, Write},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::report::Report;

/// Standard output for people; with `--json` people read standard error and the one object goes to standard output.
pub(crate) struct Terminal {
    json: bool,
}

impl Terminal {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        // A closed pipe is no reason to stop half-way.
        let _ = if self.json { writeln!(io::stderr(), "{line}") } else { writeln!(io::stdout(), "{line}") };
    }

    /// The verb's answer.
    pub(crate) fn report(&self, report: &Report) {
        let text = if self.json { format!("{}\n", report.json()) } else { report.to_string() };
        let _ = io::stdout().write_all(text.as_bytes());
    }

    /// Why the verb has no answer.
    pub(crate) fn failure(&self, error: &anyhow::Error) {
        eprintln!("xtask: {error:#}");
        if self.json {
            println!("{}", json!({ "ok": false, "error": format!("{error:#}") }));
        }
    }

    /// Runs `command` to its end, its words passed on.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let line = self.announce(command);
        if self.json {
            command.stdout(io::stderr());
        }
        let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{line}`"))?;
        ensure!(status.success(), "`{line}` failed ({status})");
        Ok(())
    }

    /// As [`Terminal::run`], and shows each line of its output to `reader`.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub(crate) fn run_reading(&self, command: &mut Command, mut reader: impl FnMut(&str)) -> Result<()> {
        let line = self.announce(command);
        if io::stdout().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{line}`"))?;
        let output = child.stdout.take().context("a piped child has an output")?;
        for said in BufReader::new(output).split(b'\n') {
            let said = String::from_utf8_lossy(&said?).into_owned();
            self.say(&said);
            reader(&plain(&said));
        }
        let status = child.wait()?;
        ensure!(status.success(), "`{line}` failed ({status})");
        Ok(())
    }

    fn announce(&self, command: &Command) -> String {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        self.say(&format!("$ {line}"));
        line
    }
}

/// What `command` prints, trimmed; `None` when it is not there or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A line without its colours.
fn plain(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

/// Cargo, the one that runs us.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn colours_are_taken_off() {
        assert_eq!(super::plain("\x1b[2m  Tests \x1b[22m \x1b[1m\x1b[32m220 passed\x1b[39m"), "  Tests  220 passed");
        assert_eq!(super::plain("plain"), "plain");
    }
}
