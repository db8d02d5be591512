//! `tidy`: rewrites what is generated, and formats.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;

use crate::{
    report::Report,
    terminal::{Terminal, cargo},
};

/// What is generated: the file, and what prints it.
const GENERATED: [(&str, &[&str]); 2] = [
    ("ui/src/bindings.ts", &["run", "--quiet", "-p", "certdesk-controller", "--example", "print-bindings"]),
    ("docs/openapi.json", &["run", "--quiet", "-p", "certdesk-service", "--", "openapi"]),
];

#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(terminal: &Terminal, _: Arguments) -> Result<Report> {
    let mut report = Report::new(&["file", "state"]);
    for (file, command) in GENERATED {
        let mut cargo = cargo();
        let state = if write_if_new(Path::new(file), &printed(cargo.args(command))?)? { "rewritten" } else { "fresh" };
        report.row([json!(file), json!(state)]);
    }
    terminal.run(cargo().args(["fmt", "--all"]))?;
    Ok(report)
}

fn printed(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success() && !output.stdout.is_empty(), "{command:?} printed nothing");
    Ok(output.stdout)
}

fn write_if_new(file: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(true)
}
