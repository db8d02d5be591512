//! `tour`: the whole journey in the real window, with pictures; `cargo xtask demo --headless` builds everything for it.
//! One JSON object on standard output; the exit status tells.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;
use window::tour::{self, Locale, Options};

/// Goes the whole journey in the real window.
#[derive(Parser)]
struct Arguments {
    /// Folder for `tour.md` and its pictures.
    #[arg(long, default_value = "target/demo")]
    out: PathBuf,
    /// Language.
    #[arg(long, default_value = "zh-CN", value_parser = ["zh-CN", "en"])]
    locale: String,
    /// Size of the window, pixels.
    #[arg(long, default_value = "1280x800", value_parser = size)]
    size: (u32, u32),
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Arguments { out, locale, size } = Arguments::parse();
    let locale = if locale == "en" { Locale::En } else { Locale::Zh };
    let album = tour::run(&Options { out, locale, size }).await?;
    println!("{}", album.json());
    Ok(if album.failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn size(text: &str) -> Result<(u32, u32)> {
    let (width, height) = text.split_once('x').context("as 1280x800")?;
    Ok((width.parse()?, height.parse()?))
}
