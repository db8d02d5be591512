//! `bench`: the figures of the design, each beside what it is measured against, in one run.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::{
    report::Report,
    setup::{self, Purpose},
    terminal::{Terminal, cargo},
    test,
};

/// Headings, as the measuring program names its members.
const COLUMNS: &[&str] = &["figure", "ours", "peer", "unit", "compared", "limit", "holds"];

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only figures whose name holds this text.
    #[arg(long, default_value = "")]
    only: String,
    /// Runs of each start, interleaved with its peer's.
    #[arg(long, default_value_t = 9)]
    runs: u32,
    /// Length of the scripted day, seconds; 3600 for the long run.
    #[arg(long, default_value_t = 60)]
    day: u64,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    let node = setup::prepare(terminal, Purpose::Test)?;
    test::build_ui(terminal, &node)?;
    let packages = ["certdesk", "certdesk-token-host", "certdesk-service", "empty-window", "bench"];
    terminal.run(
        cargo()
            .args(["build", "--profile", "bench", "--features", "certdesk/e2e"])
            .args(packages.iter().flat_map(|name| ["-p", name])),
    )?;
    let folder = Path::new("target/bench");
    fs::create_dir_all(folder)?;
    let answer = folder.join("figures.json");
    let (runs, day) = (arguments.runs.to_string(), arguments.day.to_string());
    terminal.run(Command::new("target/release/bench").args([Path::new("--out"), &answer]).args([
        "--only",
        &arguments.only,
        "--runs",
        &runs,
        "--day",
        &day,
    ]))?;

    let answer: Value = serde_json::from_slice(&fs::read(&answer)?).context("the measuring program wrote no JSON")?;
    let mut report = Report::new(COLUMNS);
    for figure in answer["figures"].as_array().into_iter().flatten() {
        report.row(COLUMNS.iter().map(|name| figure[*name].clone()));
        if figure["holds"] == false {
            let name = figure["figure"].as_str().unwrap_or_default();
            report.falls_short(format!("{name}: the limit is {}", figure["limit"].as_str().unwrap_or_default()));
        }
    }
    report.fact("load before", answer["load"].clone());
    Ok(report)
}
