//! `dist`: the packages that people install, and beside them what they are made of.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;

use crate::{
    report::Report,
    sbom,
    setup::{self, Purpose},
    terminal::{Terminal, cargo, output},
    test,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Kinds of package.
    #[arg(long, value_delimiter = ',', default_value = "deb,rpm", value_parser = ["deb", "rpm"])]
    bundles: Vec<String>,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    let node = setup::prepare(terminal, Purpose::Build)?;
    node.install(terminal, Path::new("packaging"))?;
    test::build_ui(terminal, &node)?;
    // What stands beside the window in the package; the window itself is built by Tauri's own tool below.
    terminal.run(cargo().args(["build", "--release", "-p", "certdesk-token-host", "-p", "certdesk-cli"]))?;

    let bundles = Path::new("target/release/bundle");
    if bundles.exists() {
        fs::remove_dir_all(bundles)?;
    }
    terminal.run(
        node.command("node")
            .args(["../packaging/node_modules/@tauri-apps/cli/tauri.js", "build", "--ci"])
            .args(["--config", "../packaging/linux/bundle.json", "--bundles", &arguments.bundles.join(",")])
            .current_dir("src-tauri"),
    )?;

    let mut report = Report::new(&["package", "KiB"]);
    for kind in &arguments.bundles {
        let entries = fs::read_dir(bundles.join(kind)).with_context(|| format!("no {kind} was made"))?;
        let made: Vec<_> =
            entries.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == kind.as_str())).collect();
        ensure!(!made.is_empty(), "no {kind} was made");
        for package in made {
            report.row([json!(package.path()), json!(package.metadata()?.len() / 1024)]);
        }
    }
    for (bill, parts) in sbom::write(&node, &bundles.join("sbom"), &here()?)? {
        report.fact(&format!("parts named in {}", bill.display()), parts);
    }
    Ok(report)
}

/// The system that is built for.
fn here() -> Result<String> {
    let told = output(Command::new("rustc").arg("-vV")).context("rustc tells nothing of itself")?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}
