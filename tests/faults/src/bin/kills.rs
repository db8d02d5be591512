//! `kills OUT RUNS SEED PARALLEL`: plays the campaign of kills and writes its runs to a file, as JSON. Exits 0 also where
//! runs fall short: the caller judges.

use anyhow::{Context, Result};
use faults::kills::campaign::{Ground, Plan};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: kills OUT RUNS SEED PARALLEL [JOURNEY]");
    let (out, runs, seed, parallel) = (next()?, next()?.parse()?, next()?.parse()?, next()?.parse()?);
    let only = next().ok().map(|name| serde_json::from_value(name.into())).transpose()?;
    let runs = Ground::prepare()?.play(Plan { runs, seed, parallel, only }, |run| {
        if run.is_clean() {
            eprintln!(
                "{:4} {:?}, {:?} killed in {:?}: holds, {} ms",
                run.number, run.journey, run.victim, run.phase, run.took
            );
        } else {
            eprintln!("{:4} FALLS SHORT {run:?}", run.number);
        }
    })?;
    Ok(std::fs::write(out, serde_json::to_vec_pretty(&runs)?)?)
}
