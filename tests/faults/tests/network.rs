//! The campaign of the network in short. `cargo xtask faults --network` plays each journey with each fault, and more.

use anyhow::Result;
use faults::{
    kills::campaign::{Ground, Plan},
    network::play,
};

#[test]
fn whatever_the_line_does_nothing_acknowledged_is_lost_doubled_or_left_over() -> Result<()> {
    for run in play(&Ground::prepare()?, Plan { runs: 4, seed: 20_261_123, parallel: 4, only: None }, |_| ())? {
        assert!(run.is_clean(), "{run:?}");
    }
    Ok(())
}
