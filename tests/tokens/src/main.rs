//! `tokens`: the suite over real modules; `cargo xtask tokens` runs it and prints the table.

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use std::{fs, path::PathBuf};
use tokens::{
    expected,
    lab::Lab,
    suite::{self, Row},
    visit::Subject,
};

/// Runs the suite over real PKCS#11 modules.
#[derive(Parser)]
struct Arguments {
    /// Only these modules.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where everything lies.
    #[arg(long, default_value = "target/tokens")]
    folder: PathBuf,
    /// The file that what came of it is written to, as JSON.
    #[arg(long, default_value = "target/tokens/findings.json")]
    out: PathBuf,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// One visit, inside surroundings that the suite made.
    #[command(hide = true)]
    Visit {
        /// The subject, as JSON.
        subject: PathBuf,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let modules = expected::modules();
    if let Some(Part::Visit { subject }) = arguments.part {
        let subject: Subject = serde_json::from_slice(&fs::read(subject)?)?;
        let expected = modules.iter().find(|module| module.name == subject.name).context("no such module")?;
        println!("{}", serde_json::to_string(&suite::visit_here(&subject, expected, None)?)?);
        return Ok(());
    }

    for name in &arguments.only {
        ensure!(modules.iter().any(|module| module.name == *name), "there is no module {name} in modules.toml");
    }
    let lab = Lab::new(&arguments.folder, stage::program("certdesk-token-host")?)?.with_journeys();
    let own = std::env::current_exe()?;
    let mut rows: Vec<Row> = Vec::new();
    for module in &modules {
        if arguments.only.is_empty() || arguments.only.contains(&module.name) {
            eprintln!("{}: {}", module.name, module.what);
            let row = suite::examine(&lab, module, &own);
            row.failures().iter().for_each(|failure| eprintln!("  FAILS: {failure}"));
            row.skipped.iter().for_each(|reason| eprintln!("  skipped: {reason}"));
            rows.push(row);
        }
    }
    fs::write(&arguments.out, serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}
