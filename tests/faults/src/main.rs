//! `faults OUT`: plays the whole campaign and writes its cases to a file, as JSON. Exits 0 also where cases fall short: the
//! caller judges.

use anyhow::{Context, Result};
use faults::{Act, Fault, Lab};

#[tokio::main]
async fn main() -> Result<()> {
    let out = std::env::args_os().nth(1).context("usage: faults OUT")?;
    let lab = Lab::new().await?;
    let mut cases = Vec::new();
    for act in Act::ALL {
        let rehearsal = lab.rehearse(act).await?;
        for call in &rehearsal.calls {
            for fault in Fault::ALL {
                let case = lab.play(act, call, fault, &rehearsal).await?;
                if let Some(complaint) = &case.complaint {
                    eprintln!("{act:?}, {call}, {fault:?}: {complaint}");
                }
                cases.push(case);
            }
        }
        eprintln!("{act:?} played");
    }
    std::fs::write(out, serde_json::to_vec_pretty(&cases)?)?;
    Ok(())
}
