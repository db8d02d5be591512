//! The storm as a program, for `cargo xtask fuzz`.

use std::{fs, panic, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use fuzz::{TARGETS, storm, write_specimens};
use serde_json::json;

#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Lets the storm rage and writes what came of it.
    Storm {
        /// In all; each target gets its share.
        #[arg(long)]
        seconds: u64,
        /// Only these targets.
        #[arg(long)]
        only: Vec<String>,
        /// Another seed, another storm.
        #[arg(long)]
        seed: u64,
        /// Where to write what came of it.
        #[arg(long)]
        out: PathBuf,
    },
    /// Hands one file to a target, for a look at a finding.
    Try {
        /// Its name.
        target: String,
        /// The file.
        file: PathBuf,
    },
    /// Writes specimens that the program itself makes into the corpus.
    Specimens,
}

fn main() -> Result<()> {
    bound_memory()?;
    match Command::parse().verb {
        Verb::Storm { seconds, only, seed, out } => {
            // A finding is told in its row; the trace of each would drown it.
            panic::set_hook(Box::new(|_| {}));
            let targets: Vec<_> = TARGETS
                .iter()
                .filter(|target| only.is_empty() || only.iter().any(|name| name == target.name))
                .collect();
            ensure!(!targets.is_empty(), "no target has this name");
            let share = Duration::from_secs(seconds) / u32::try_from(targets.len())?;
            let mut rows = Vec::new();
            for target in targets {
                let outcome = storm::rage(target, share, seed)?;
                eprintln!("{}: {} cases, {} places", outcome.target, outcome.cases, outcome.places);
                rows.push(json!({
                    "target": outcome.target, "from": target.from, "cases": outcome.cases, "places": outcome.places,
                    "seconds": outcome.took.as_secs_f64(), "findings": outcome.findings,
                }));
                fs::write(&out, serde_json::to_vec(&rows)?)?;
            }
            Ok(())
        }
        Verb::Try { target, file } => {
            let target = TARGETS.iter().find(|known| known.name == target).context("no target has this name")?;
            println!("{:?}", storm::tried(target, &fs::read(file)?));
            Ok(())
        }
        Verb::Specimens => {
            println!("{} specimens", write_specimens()?);
            Ok(())
        }
    }
}

/// An input that asks for more than this ends the program rather than the machine.
#[cfg(unix)]
fn bound_memory() -> Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = Some(8 << 30);
    Ok(setrlimit(Resource::As, Rlimit { current: most, maximum: most })?)
}

#[cfg(not(unix))]
fn bound_memory() -> Result<()> {
    Ok(())
}
