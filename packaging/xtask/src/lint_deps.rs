//! `lint-deps`: licences, bans and sources of what we stand on, and what of it is not used. Apart from `test`, because
//! its tools take minutes to compile the first time.

use std::{env, path::Path, process::Command};

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::{
    report::Report,
    terminal::{Terminal, cargo},
};

/// Tools, their versions, and what they are run with.
const TOOLS: [(&str, &str, &[&str]); 2] =
    [("cargo-deny", "^0.20", &["check", "licenses", "bans", "sources"]), ("cargo-machete", "^0.9", &[])];
const FOLDER: &str = "target/tools";

#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(terminal: &Terminal, _: Arguments) -> Result<Report> {
    let mut report = Report::new(&["tool", "result"]);
    for (tool, version, arguments) in TOOLS {
        let program = Path::new(FOLDER).join("bin").join(format!("{tool}{}", env::consts::EXE_SUFFIX));
        if !program.is_file() {
            terminal.run(cargo().args(["install", "--locked", "--root", FOLDER, tool, "--version", version]))?;
        }
        let answer = terminal.run(Command::new(&program).args(arguments));
        report.row([json!(tool), json!(if answer.is_ok() { "holds" } else { "fails" })]);
        if let Err(error) = answer {
            report.falls_short(format!("{error:#}"));
        }
    }
    Ok(report)
}
