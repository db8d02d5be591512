//! `check`: the program compiles for the other systems; for Windows its pieces also run, under Wine.

use std::{process::Command, time::Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    node::Node,
    report::Report,
    setup::{self, Purpose},
    terminal::Terminal,
    test,
};

/// What ships.
const SHIPPED: [&str; 4] = ["certdesk", "certdesk-token-host", "certdesk-service", "certdesk-cli"];
/// What has tests that need nothing but Rust: no window, no driver of a key, no program of another system.
const PORTABLE: [&str; 6] =
    ["certdesk-domain", "certdesk-contract", "certdesk-forms", "certdesk-cache", "pkcs11-profiles", "certdesk-token"];

/// Another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    #[value(name = "x86_64-pc-windows-gnu", alias = "windows")]
    Windows,
    #[value(name = "aarch64-apple-darwin", alias = "macos")]
    MacOs,
    #[value(name = "aarch64-unknown-linux-gnu", alias = "linux-arm64")]
    LinuxArm64,
}

#[derive(Args)]
pub(crate) struct Arguments {
    /// For which system; all three when none is named. Short names: windows, macos, linux-arm64.
    #[arg(long = "target", value_enum)]
    targets: Vec<Target>,
    /// Only these crates, instead of all that ship.
    #[arg(short, long = "package")]
    packages: Vec<String>,
    /// Also run the tests of the crates without a window under Wine.
    #[arg(long)]
    wine_test: bool,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    // The window's crate takes its page in while it compiles.
    let node: Node = setup::prepare(terminal, Purpose::Build)?;
    test::build_ui(terminal, &node)?;
    let targets = if arguments.targets.is_empty() { Target::value_variants().to_vec() } else { arguments.targets };
    let chosen: Vec<_> = arguments.packages.iter().map(String::as_str).collect();
    let mut report = Report::new(&["target", "what", "seconds", "result"]);
    for target in targets {
        cross(terminal, &mut report, target, "toolchain", &["setup", target.name()]);
        let packages: &[&str] = if chosen.is_empty() { &SHIPPED } else { &chosen };
        cross(terminal, &mut report, target, "check", &cargo_line("check", target, packages));
        if arguments.wine_test && target == Target::Windows {
            cross(terminal, &mut report, target, "Wine", &["wine"]);
            let packages: &[&str] = if chosen.is_empty() { &PORTABLE } else { &chosen };
            cross(terminal, &mut report, target, "tests under Wine", &cargo_line("test", target, packages));
        }
    }
    Ok(report)
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Windows => "x86_64-pc-windows-gnu",
            Self::MacOs => "aarch64-apple-darwin",
            Self::LinuxArm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

fn cargo_line<'a>(verb: &'a str, target: Target, packages: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec![verb, target.name()];
    line.extend(packages.iter().flat_map(|name| ["-p", name]));
    line
}

/// A failing step is told by its name and does not keep the other targets from being checked.
fn cross(terminal: &Terminal, report: &mut Report, target: Target, what: &str, line: &[&str]) {
    let start = Instant::now();
    let answer = terminal.run(Command::new("bash").arg("packaging/cross/cross.sh").args(line));
    let result = if answer.is_ok() { "holds" } else { "fails" };
    report.row([json!(target.name()), json!(what), json!(start.elapsed().as_secs_f64()), json!(result)]);
    if let Err(error) = answer {
        report.falls_short(format!("{}, {what}: {error:#}", target.name()));
    }
}
