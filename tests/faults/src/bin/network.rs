//! `network OUT RUNS SEED PARALLEL`: plays the campaign of the network and writes its runs to a file, as JSON. Exits 0 also
//! where runs fall short: the caller judges.

use anyhow::{Context, Result};
use faults::{
    kills::campaign::{Ground, Plan},
    network::play,
};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: network OUT RUNS SEED PARALLEL [JOURNEY]");
    let (out, runs, seed, parallel) = (next()?, next()?.parse()?, next()?.parse()?, next()?.parse()?);
    let only = next().ok().map(|name| serde_json::from_value(name.into())).transpose()?;
    let runs = play(&Ground::prepare()?, Plan { runs, seed, parallel, only }, |run| {
        let (number, journey, fault, strikes) = (run.number, run.journey, run.fault, run.strikes());
        if run.is_clean() {
            eprintln!(
                "{number:4} {journey:?}, {fault:?}: {strikes} of {} struck, holds, {} ms",
                run.requests, run.took
            );
        } else {
            eprintln!("{number:4} FALLS SHORT {run:?}");
        }
    })?;
    Ok(std::fs::write(out, serde_json::to_vec_pretty(&runs)?)?)
}
