//! `cargo xtask <verb>`: everything one does to the project from outside, each verb with all its own set-up.
//!
//! Every verb answers with a [`report::Report`]: a table for people, with `--json` one object for machines, and an exit
//! status that says whether it holds.

mod bench;
mod check;
mod demo;
mod dist;
mod faults;
mod fuzz;
mod lint_deps;
mod node;
mod owner;
mod packages;
mod report;
mod sbom;
mod setup;
mod terminal;
mod test;
mod tidy;
mod tokens;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{report::Report, terminal::Terminal};

/// Builds, shows, tests, measures and packs Certdesk 证办通.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Command {
    /// One JSON object on standard output; everything for people goes to standard error.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Installs what is missing: system packages (named first), Node, the window's packages. Does nothing when all is there.
    Setup(setup::Arguments),
    /// Every test: format, lints, units, journeys, and the real window under a display of its own.
    Test(test::Arguments),
    /// The whole program with its own service and a software key; `--headless` needs no display and takes the pictures.
    Demo(demo::Arguments),
    /// The suite over real PKCS#11 modules: table of module × act. Installs what of them is missing (named first).
    Tokens(tokens::Arguments),
    /// The campaigns of faults: kills at any point of every journey; with `--token` each act on a key with each fault.
    Faults(faults::Arguments),
    /// Damaged bytes over every parser of what comes from outside.
    Fuzz(fuzz::Arguments),
    /// The figures to be known for, measured beside their peers.
    Bench(bench::Arguments),
    /// Rewrites what is generated, and formats.
    Tidy(tidy::Arguments),
    /// Compiles for Windows, macOS and Linux on arm64; runs tests under Wine.
    Check(check::Arguments),
    /// Makes the packages that people install (deb, rpm), and the bill of their materials (CycloneDX).
    Dist(dist::Arguments),
    /// Licences, bans, sources and unused dependencies.
    LintDeps(lint_deps::Arguments),
}

fn main() -> ExitCode {
    let command = Command::parse();
    let terminal = Terminal::new(command.json);
    let answer = stage::project_root().and_then(|root| {
        std::env::set_current_dir(&root)?;
        let answer = run(&terminal, command.verb);
        owner::give_back(&terminal, &root)?;
        answer
    });
    match answer {
        Ok(report) => {
            terminal.report(&report);
            if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            terminal.failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(terminal: &Terminal, verb: Verb) -> Result<Report> {
    match verb {
        Verb::Setup(arguments) => setup::run(terminal, arguments),
        Verb::Test(arguments) => test::run(terminal, arguments),
        Verb::Demo(arguments) => demo::run(terminal, arguments),
        Verb::Tokens(arguments) => tokens::run(terminal, arguments),
        Verb::Faults(arguments) => faults::run(terminal, arguments),
        Verb::Fuzz(arguments) => fuzz::run(terminal, arguments),
        Verb::Bench(arguments) => bench::run(terminal, arguments),
        Verb::Tidy(arguments) => tidy::run(terminal, arguments),
        Verb::Check(arguments) => check::run(terminal, arguments),
        Verb::Dist(arguments) => dist::run(terminal, arguments),
        Verb::LintDeps(arguments) => lint_deps::run(terminal, arguments),
    }
}
