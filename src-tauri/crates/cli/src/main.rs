//! `certdesk-cli`: Certdesk without a window.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use certdesk_cli::journey::{self, Journey};
use certdesk_controller::{Controller, Demo};
use certdesk_domain::{AccountKind, token::KeyAlgorithm};
use clap::{Parser, Subcommand, ValueEnum};

/// Certdesk without a window.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Goes the whole journey: register, apply, correct, make the certificate on the key, log in with it.
    Journey(JourneyArguments),
}

#[derive(clap::Args)]
struct JourneyArguments {
    /// Address of the service; taken from the ready file where it is not given.
    #[arg(long)]
    service: Option<String>,
    /// File that a service started with `--demo` writes when it listens.
    #[arg(long)]
    demo: PathBuf,
    /// PKCS#11 module to use; else what the profiles find.
    #[arg(long)]
    module: Vec<PathBuf>,
    /// Label of the key to use.
    #[arg(long)]
    key: Option<String>,
    /// File that holds the PIN; asked for on no command line, where others could read it.
    #[arg(long)]
    pin_file: PathBuf,
    /// Folder with files to hand in: pictures, a PDF, a video.
    #[arg(long)]
    files: PathBuf,
    /// Folder for local state.
    #[arg(long)]
    data: PathBuf,
    /// Who applies.
    #[arg(long, value_enum, default_value = "enterprise")]
    account: Account,
    /// Algorithm of the key pair.
    #[arg(long, value_enum, default_value = "rsa2048")]
    algorithm: Algorithm,
    /// Prints the outcome as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Account {
    Enterprise,
    Individual,
    Authority,
}

#[derive(Clone, Copy, ValueEnum)]
enum Algorithm {
    Rsa2048,
    EcP256,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().act {
        Act::Journey(arguments) => go(arguments).await,
    }
}

async fn go(arguments: JourneyArguments) -> Result<()> {
    let (address, demo) = Demo::read(&arguments.demo).map_err(anyhow::Error::msg)?;
    let service = arguments.service.unwrap_or(address);
    let mut options = journey::options(arguments.data, service, arguments.module, token_host()?);
    options.demo = Some(demo);
    let pin = std::fs::read_to_string(&arguments.pin_file).context("the PIN file cannot be read")?;
    let journey = Journey {
        controller: Controller::start(options),
        files: arguments.files,
        registration: journey::sample_registration(match arguments.account {
            Account::Enterprise => AccountKind::Enterprise,
            Account::Individual => AccountKind::Individual,
            Account::Authority => AccountKind::Authority,
        }),
        key_label: arguments.key,
        pin: pin.trim_end().to_owned(),
        algorithm: match arguments.algorithm {
            Algorithm::Rsa2048 => KeyAlgorithm::Rsa2048,
            Algorithm::EcP256 => KeyAlgorithm::EcP256,
        },
        step: Box::new(|step| eprintln!("· {step}")),
    };
    let outcome = journey::run(&journey).await?;
    if arguments.json {
        let outcome = serde_json::json!({
            "account": outcome.account,
            "number": outcome.number,
            "certificate": outcome.certificate,
        });
        println!("{outcome:#}");
    } else {
        println!("{} · {} · {}", outcome.number, outcome.account, outcome.certificate.holder);
        println!("{} · {}", outcome.certificate.serial, outcome.certificate.key_algorithm);
    }
    Ok(())
}

fn token_host() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().unwrap_or(Path::new("."));
    Ok(folder.join(if cfg!(windows) { "certdesk-token-host.exe" } else { "certdesk-token-host" }))
}
