//! `person SEAT`: a person at the program, as a process that `kills` kills.

use std::process::ExitCode;

use anyhow::{Context, Result};

#[tokio::main]
async fn main() -> ExitCode {
    match sit_down().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn sit_down() -> Result<()> {
    let seat = std::env::args().nth(1).context("a seat is to be given")?;
    faults::kills::person::go(serde_json::from_str(&seat)?).await
}
