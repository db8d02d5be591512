//! `test`: every proof, cheapest first, the real window last.

use std::{path::Path, process::Command, time::Instant};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::{
    node::Node,
    report::Report,
    setup::{self, Purpose},
    terminal::{Terminal, cargo},
};

/// One selection for building and testing alike: another would unify features anew and compile twice. `e2e` lets a
/// driver steer the window.
const WHOLE: [&str; 5] = ["--workspace", "--exclude", "empty-window", "--features", "certdesk/e2e"];

#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave the window out: for a machine that is busy with something else.
    #[arg(long)]
    without_window: bool,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    let mut stages = Stages { terminal, report: Report::new(&["stage", "seconds", "result"]), count: Count::default() };
    let node = stages.must("setup", |_| setup::prepare(terminal, Purpose::Test))?;
    stages.may("format", |_| terminal.run(cargo().args(["fmt", "--all", "--check"])));
    stages.must("window's scripts", |_| build_ui(terminal, &node))?;
    stages.may("window's units", |count| {
        terminal.run_reading(ui(&node).args(["run", "test"]), |line| count.read_vitest(line))
    });
    stages.may("lints", |_| {
        // The window's test is no part of a plain `cargo test`, and so not of all targets.
        for targets in [&["--all-targets"][..], &["--test", "window"]] {
            let mut clippy = cargo();
            terminal.run(clippy.arg("clippy").args(WHOLE).args(targets).args(["--", "-D", "warnings"]))?;
        }
        Ok(())
    });
    stages.must("build", |_| terminal.run(cargo().arg("build").args(WHOLE).arg("--all-targets")))?;
    stages.may("units and journeys", |count| {
        let mut tests = cargo();
        tests.arg("test").args(WHOLE).arg("--no-fail-fast");
        terminal.run_reading(&mut tests, |line| count.read_cargo(line))
    });
    if !arguments.without_window {
        stages.may("window", |count| {
            // One at a time: a window that lost the race for the processor is no finding.
            let mut tests = cargo();
            tests.arg("test").args(WHOLE).args(["--no-fail-fast", "--test", "window", "--", "--test-threads=1"]);
            terminal.run_reading(&mut tests, |line| count.read_cargo(line))
        });
    }
    Ok(stages.finish())
}

/// Type-checks and bundles the window's scripts into `ui/dist`.
///
/// # Errors
/// What its tools say.
pub(crate) fn build_ui(terminal: &Terminal, node: &Node) -> Result<()> {
    terminal.run(ui(node).args(["run", "build"]))
}

fn ui(node: &Node) -> Command {
    let mut npm = node.command("npm");
    npm.current_dir(Path::new("ui"));
    npm
}

struct Stages<'a> {
    terminal: &'a Terminal,
    report: Report,
    count: Count,
}

impl Stages<'_> {
    /// A stage without which the rest makes no sense.
    fn must<T>(&mut self, name: &str, act: impl FnOnce(&mut Count) -> Result<T>) -> Result<T> {
        match self.stage(name, act) {
            Ok(value) => Ok(value),
            Err(error) => {
                self.terminal.say(&self.report.to_string());
                bail!("{name}: {error:#}")
            }
        }
    }

    /// A stage after whose failure the rest is still worth knowing.
    fn may(&mut self, name: &str, act: impl FnOnce(&mut Count) -> Result<()>) {
        if let Err(error) = self.stage(name, act) {
            self.report.falls_short(format!("{name}: {error:#}"));
        }
    }

    fn stage<T>(&mut self, name: &str, act: impl FnOnce(&mut Count) -> Result<T>) -> Result<T> {
        self.terminal.say(&format!("\n── {name}"));
        let start = Instant::now();
        let answer = act(&mut self.count);
        let result = if answer.is_ok() { "holds" } else { "fails" };
        self.report.row([json!(name), json!(start.elapsed().as_secs_f64()), json!(result)]);
        answer
    }

    fn finish(mut self) -> Report {
        let Count { passed, failed, skipped } = self.count;
        if passed == 0 {
            self.report.falls_short("no test ran");
        }
        self.report.closing(format!("{passed} passed, {failed} failed, {skipped} skipped"));
        self.report
    }
}

/// Tests counted from the runners' own closing lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Count {
    /// `test result: ok. 12 passed; 0 failed; 1 ignored; …`
    fn read_cargo(&mut self, line: &str) {
        if let Some((_, numbers)) = line.split_once("test result: ") {
            self.read(numbers.rsplit(". ").next().unwrap_or_default(), ';');
        }
    }

    /// `      Tests  1 failed | 11 passed (12)`
    fn read_vitest(&mut self, line: &str) {
        if let Some(numbers) = line.trim_start().strip_prefix("Tests ") {
            self.read(numbers.split('(').next().unwrap_or_default(), '|');
        }
    }

    fn read(&mut self, numbers: &str, separator: char) {
        for part in numbers.split(separator) {
            let mut words = part.split_whitespace();
            let Some(number) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored" | "skipped" | "todo") => self.skipped += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn the_runners_closing_lines_are_counted() {
        let mut count = Count::default();
        count.read_cargo(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
        );
        count.read_cargo("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out");
        count.read_vitest("      Tests  1 failed | 11 passed (12)");
        count.read_vitest(" Test Files  2 passed (2)");
        assert_eq!(count, Count { passed: 26, failed: 3, skipped: 1 });
    }
}
