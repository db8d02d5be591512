//! The campaigns of kills and of disks in short. `cargo xtask faults --runs 500` plays all cells many times.

use anyhow::Result;
use faults::{
    disk::{cuts, refusals},
    kills::{
        Journey,
        campaign::{Ground, Plan},
    },
};

#[test]
fn whatever_is_killed_nothing_acknowledged_is_lost_doubled_or_left_over() -> Result<()> {
    for run in Ground::prepare()?.play(Plan { runs: 12, seed: 20_261_123, parallel: 2, only: None }, |_| ())? {
        assert!(run.is_clean(), "{run:?}");
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_refuses_or_loses_power_costs_nothing_that_was_acknowledged() -> Result<()> {
    let ground = Ground::prepare()?;
    for journey in [Journey::Register, Journey::Apply, Journey::Renew] {
        let cut = cuts(&ground, journey, 5, 20_261_123)?;
        assert!(cut.cuts > 40 && cut.losses.is_empty(), "{cut:?}");
    }
    let plan = Plan { runs: 1, seed: 20_261_123, parallel: 2, only: None };
    for refusal in refusals(&ground, Journey::Apply, plan, |_| ())? {
        assert!(refusal.is_clean(), "{refusal:?}");
    }
    Ok(())
}
