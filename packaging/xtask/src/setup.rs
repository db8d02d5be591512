//! `setup`: what the other verbs stand on. Quiet when there is nothing to do.

use std::{path::Path, process::Command};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{node::Node, packages, report::Report, terminal::Terminal};

/// What the machine is set up for; each includes those before it, `cross` only `build`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Purpose {
    /// Compiling the program.
    Build,
    /// Showing it on this machine's display.
    Demo,
    /// Testing it; showing it without a display.
    Test,
    /// Checking it for other systems.
    Cross,
}

#[derive(Args)]
pub(crate) struct Arguments {
    /// What for.
    #[arg(long = "for", value_enum, default_value = "test")]
    purpose: Purpose,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    if arguments.purpose == Purpose::Cross {
        terminal.run(Command::new("bash").args(["packaging/cross/cross.sh", "setup"]))?;
    }
    let node = prepare(terminal, arguments.purpose)?;
    let mut report = Report::new(&["what", "package", "state"]);
    for (need, _) in packages::look(packages_for(arguments.purpose)) {
        report.row([json!(need.what), json!(need.package), json!("there")]);
    }
    report.row([json!("Node"), json!(node.version), json!("there")]);
    Ok(report)
}

/// Installs what `purpose` lacks and answers with the Node to use.
///
/// # Errors
/// When something cannot be installed; the message names it.
pub(crate) fn prepare(terminal: &Terminal, purpose: Purpose) -> Result<Node> {
    let purpose = packages_for(purpose);
    let absent = || packages::look(purpose).into_iter().filter(|(_, there)| !there).map(|(need, _)| need);
    let missing: Vec<_> = absent().collect();
    if !missing.is_empty() {
        packages::install(terminal, &missing)?;
        let still: Vec<_> = absent().map(|need| format!("{} ({})", need.what, need.package)).collect();
        ensure!(still.is_empty(), "installed, but still not found: {}", still.join(", "));
    }
    let node = match Node::found() {
        Some(node) => node,
        None => Node::fetch(terminal)?,
    };
    node.install(terminal, Path::new("ui"))?;
    Ok(node)
}

fn packages_for(purpose: Purpose) -> Purpose {
    if purpose == Purpose::Cross { Purpose::Build } else { purpose }
}
