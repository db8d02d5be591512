//! `fuzz`: damaged specimens over every parser of bytes from outside, for as long as one likes.

use std::{fs, path::Path, process::Command, time::SystemTime};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    report::Report,
    terminal::{Terminal, cargo},
};

const OUT: &str = "target/fuzz/storm.json";

#[derive(Args)]
pub(crate) struct Arguments {
    /// How long, in all; each target gets its share.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only this target; may be given several times.
    #[arg(long)]
    only: Vec<String>,
    /// The seed of an earlier storm, to have it again.
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    terminal.run(cargo().args(["build", "-p", "fuzz"]))?;
    fs::create_dir_all("target/fuzz")?;
    if Path::new(OUT).exists() {
        fs::remove_file(OUT)?;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let seed = arguments.seed.unwrap_or(now);
    let mut storm = Command::new(Path::new("target/debug/fuzz"));
    storm.args(["storm", "--out", OUT, "--seconds", &arguments.seconds.to_string(), "--seed", &seed.to_string()]);
    storm.args(arguments.only.iter().flat_map(|name| ["--only", name]));
    let ended = terminal.run(&mut storm);
    let rows = fs::read(OUT).with_context(|| format!("the storm wrote no {OUT}"))?;
    let mut report = table(&serde_json::from_slice(&rows)?, seed);
    if let Err(error) = ended {
        report.falls_short(format!("the target after the last row ended the program: {error:#}"));
    }
    Ok(report)
}

fn table(rows: &Value, seed: u64) -> Report {
    let mut report = Report::new(&["target", "bytes from", "cases", "places", "hours", "findings"]);
    let mut cases = 0;
    for row in rows.as_array().into_iter().flatten() {
        let findings: Vec<_> = row["findings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let hours = row["seconds"].as_f64().unwrap_or_default() / 3600.0;
        cases += row["cases"].as_u64().unwrap_or_default();
        let cells = [&row["target"], &row["from"], &row["cases"], &row["places"]].map(Clone::clone);
        report.row(cells.into_iter().chain([json!(hours), json!(findings.len())]));
        findings.into_iter().for_each(|finding| report.falls_short(finding));
    }
    if cases == 0 {
        report.falls_short("nothing was tried");
    }
    report.fact("seed", seed);
    report.fact("inputs that did harm", "target/fuzz/findings");
    report.closing(format!("{cases} cases"));
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_fails_the_verb_and_so_does_a_storm_of_nothing() {
        let row = |findings: Value| json!([{ "target": "lock", "from": "the disk", "cases": 7, "places": 2, "seconds": 36.0, "findings": findings }]);
        let calm = table(&row(json!([])), 1);
        assert!(calm.holds(), "nothing was found: {calm}");
        assert_eq!(calm.json()["rows"][0]["hours"], 0.01);
        assert!(!table(&row(json!(["lock ab: panics"])), 1).holds(), "a finding falls short");
        assert!(!table(&json!([]), 1).holds(), "and so does having tried nothing");
    }
}
