//! Measures the figures of the design, each beside what it is compared with, alternately and in one run: the machine's
//! mood then falls on both. `cargo xtask bench` builds everything for it and shows the answer.
//!
//! What cannot be measured is not in the answer; nothing is estimated.

mod announcements;
mod crl;
mod day;
mod direct;
mod figure;
mod form;
mod hotplug;
mod key;
mod login;
mod rows;
mod signed;
mod size;
mod upload;
mod window;

use std::{fs, path::PathBuf};

use anyhow::Result;
use clap::Parser;
use serde_json::json;

use crate::figure::Figure;

/// The measuring program behind `cargo xtask bench`.
#[derive(Parser)]
struct Arguments {
    /// Where the answer goes, JSON.
    #[arg(long, default_value = "target/bench/figures.json")]
    out: PathBuf,
    /// Only the measurements whose name holds this text: window, key, hotplug, login, signed, form, crl, announcements,
    /// rows, full, size, day, upload.
    #[arg(long, default_value = "")]
    only: String,
    /// Starts of each window.
    #[arg(long, default_value_t = 9)]
    runs: u32,
    /// Applications in the cache.
    #[arg(long, default_value_t = rows::ROWS)]
    rows: u32,
    /// Length of the scripted day, seconds; an hour for the long run.
    #[arg(long, default_value_t = 60)]
    day: u64,
    /// Calls a PKCS#11 module directly, as this JSON says, and prints the times: the peer of the helper process.
    #[arg(long, hide = true)]
    direct: Option<String>,
    /// Checks and stores the revocation list of that folder, and prints how long that took.
    #[arg(long, hide = true)]
    crl: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(task) = arguments.direct {
        return direct::run(&task);
    }
    if let Some(folder) = arguments.crl {
        return crl::run(&folder);
    }
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let asked = |name: &str| name.contains(&arguments.only);
    let mut figures: Vec<Figure> = Vec::new();
    if asked("window") {
        eprintln!("start and memory of the window …");
        figures.extend(window::measure(arguments.runs)?);
    }
    if asked("key") {
        eprintln!("signatures …");
        figures.extend(key::measure().await?);
    }
    if asked("hotplug") {
        eprintln!("keys that come and go …");
        figures.extend(hotplug::measure().await?);
    }
    if asked("login") {
        eprintln!("log-in with the key …");
        figures.extend(login::measure().await?);
    }
    if asked("signed") {
        eprintln!("signed requests …");
        figures.extend(signed::measure().await?);
    }
    if asked("form") {
        eprintln!("the form …");
        figures.extend(form::measure()?);
    }
    if asked("crl") {
        eprintln!("a million revocations …");
        figures.extend(crl::measure()?);
    }
    if asked("announcements") {
        eprintln!("a million announcements …");
        figures.extend(announcements::measure().await?);
    }
    if asked("rows") {
        eprintln!("a hundred thousand applications …");
        figures.extend(rows::measure(arguments.rows)?);
    }
    if asked("full") {
        eprintln!("start with a full cache …");
        figures.extend(window::measure_full(arguments.runs, arguments.rows)?);
    }
    if asked("size") {
        eprintln!("installed size …");
        figures.extend(size::measure()?);
    }
    if asked("day") {
        eprintln!("a day of {} s …", arguments.day);
        figures.extend(day::measure(std::time::Duration::from_secs(arguments.day)).await?);
    }
    if asked("upload") {
        eprintln!("1 GiB up …");
        figures.extend(upload::measure().await?);
    }
    let rows: Vec<_> = figures.iter().map(Figure::json).collect();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    fs::write(&arguments.out, serde_json::to_vec_pretty(&json!({ "load": load, "figures": rows }))?)?;
    Ok(())
}
