//! `disk OUT POINTS CUTS SEED PARALLEL [JOURNEY]`: plays the campaign of disks and writes it to a file, as JSON. Exits 0 also
//! where something falls short: the caller judges.

use anyhow::{Context, Result};
use faults::{
    disk::{cuts, refusals},
    kills::{
        Journey,
        campaign::{Ground, Plan},
    },
};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: disk OUT POINTS CUTS SEED PARALLEL [JOURNEY]");
    let (out, runs, more, seed) = (next()?, next()?.parse()?, next()?.parse()?, next()?.parse()?);
    let parallel = next()?.parse()?;
    let only: Option<Journey> = next().ok().map(|name| serde_json::from_value(name.into())).transpose()?;
    let plan = Plan { runs, seed, parallel, only };
    let journeys = [Journey::Register, Journey::Apply, Journey::Renew];
    let journeys: Vec<_> = journeys.into_iter().filter(|journey| only.is_none_or(|only| only == *journey)).collect();
    let ground = Ground::prepare()?;
    let (mut refused, mut cut) = (Vec::new(), Vec::new());
    for &journey in &journeys {
        let power = cuts(&ground, journey, more, seed)?;
        eprintln!("{journey:?}: {} power cuts, {} losses", power.cuts, power.losses.len());
        cut.push(power);
    }
    for journey in journeys {
        refused.extend(refusals(&ground, journey, plan, |refusal| {
            if refusal.is_clean() {
                eprintln!("{:?}, {} from change {} on: {:?}", refusal.journey, refusal.error, refusal.at, refusal.told);
            } else {
                eprintln!("FALLS SHORT {refusal:?}");
            }
        })?);
    }
    Ok(std::fs::write(out, serde_json::to_vec_pretty(&serde_json::json!({ "refusals": refused, "cuts": cut }))?)?)
}
