//! `certdesk-cli`: Certdesk without a window.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use certdesk_cli::{
    doctor, drivers,
    journey::{self, Journey},
    profiles, receipt,
};
use certdesk_controller::{Controller, Demo, installed};
use certdesk_domain::{AccountKind, token::KeyAlgorithm};
use clap::{Parser, Subcommand, ValueEnum};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

/// Certdesk without a window.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Works on signed receipts; needs no service.
    Receipt {
        #[command(subcommand)]
        act: ReceiptAct,
    },
    /// Looks at everything that a key needs on this computer, and says what to do. Ends with 0 where a key can be used, 1
    /// where none can.
    Doctor(doctor::Arguments),
    /// Works on profiles of tokens; needs no service.
    Profiles {
        #[command(subcommand)]
        act: ProfilesAct,
    },
    /// Lists, fetches, checks and installs drivers for keys.
    Drivers(drivers::Arguments),
    /// Goes the whole journey: register, apply, correct, make the certificate on the key, log in with it.
    Journey(JourneyArguments),
}

#[derive(Subcommand)]
enum ReceiptAct {
    /// Verifies a receipt: the service's signature, and inside it the applicant's. Ends with 0 where all of it holds, 1
    /// where something is wrong, 3 where nothing is wrong but no CA was given that could vouch.
    Verify {
        /// The receipt as it was saved.
        file: PathBuf,
        /// Certificate of a CA that you trust, PEM or DER; may be repeated. Take it from the authority, not from whoever
        /// gave you the receipt.
        #[arg(long)]
        ca: Vec<PathBuf>,
        /// JSON for programs.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum ProfilesAct {
    /// Says what is wrong with a profile (vendor-model.toml), and which of its modules can be used here. Ends with 0 where
    /// nothing is wrong.
    Check {
        /// The profile.
        file: PathBuf,
    },
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
    Rsa3072,
    Rsa4096,
    EcP256,
    EcP384,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    certdesk_controller::crash::leave_nothing_personal();
    match Arguments::parse().act {
        Act::Receipt { act: ReceiptAct::Verify { file, ca, json } } => verify(&file, &ca, json),
        Act::Profiles { act: ProfilesAct::Check { file } } => profiles::run(&file, &installed::token_host()),
        Act::Doctor(arguments) => doctor::run(arguments).await,
        Act::Drivers(arguments) => drivers::run(arguments).await,
        Act::Journey(arguments) => go(arguments).await.map(|()| ExitCode::SUCCESS),
    }
}

fn verify(file: &Path, authorities: &[PathBuf], json: bool) -> Result<ExitCode> {
    let read = |file: &Path| std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()));
    let mut roots = Vec::new();
    for authority in authorities {
        let found = certificates_in(read(authority)?);
        anyhow::ensure!(!found.is_empty(), "{} holds no certificate", authority.display());
        roots.extend(found);
    }
    let report = receipt::verify(&read(file)?, &roots)?;
    if json {
        println!("{:#}", serde_json::to_value(&report)?);
    } else {
        print!("{report}");
    }
    Ok(match (report.verified, report.nobody_vouches) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => ExitCode::from(3),
        (false, false) => ExitCode::FAILURE,
    })
}

/// The certificates of a file, PEM or DER.
fn certificates_in(bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let pem: Vec<_> = CertificateDer::pem_slice_iter(&bytes).flatten().map(|der| der.to_vec()).collect();
    if pem.is_empty() && certdesk_pki::Certificate::parse(&bytes).is_ok() { vec![bytes] } else { pem }
}

async fn go(arguments: JourneyArguments) -> Result<()> {
    let (address, demo) = Demo::read(&arguments.demo).map_err(anyhow::Error::msg)?;
    let service = arguments.service.unwrap_or(address);
    let mut options = journey::options(arguments.data, service, arguments.module, installed::token_host());
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
            Algorithm::Rsa3072 => KeyAlgorithm::Rsa3072,
            Algorithm::Rsa4096 => KeyAlgorithm::Rsa4096,
            Algorithm::EcP256 => KeyAlgorithm::EcP256,
            Algorithm::EcP384 => KeyAlgorithm::EcP384,
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
