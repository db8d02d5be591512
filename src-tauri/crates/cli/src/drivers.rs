//! `certdesk-cli drivers`: the window's 服务支持 for whoever sets up many computers.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use certdesk_controller::{
    Controller, Failure,
    view::{DriverState, DriverView, Event},
};
use clap::Subcommand;

use crate::doctor::{Language, Place};

/// What is done with drivers.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    act: Act,
    #[command(flatten)]
    place: Place,
    /// Language; that of the system where it is not given.
    #[arg(long, value_enum, global = true)]
    lang: Option<Language>,
}

#[derive(Subcommand)]
enum Act {
    /// Lists the drivers that the service has for this computer.
    List {
        /// JSON for programs.
        #[arg(long)]
        json: bool,
        /// Believes the signed list in this folder where the service was never seen.
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
    },
    /// Downloads one and checks it; goes on where an earlier try ended.
    Fetch {
        /// Its id.
        id: String,
        /// Copies it there too, for computers without a network.
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
    },
    /// Checks one that was fetched, content and maker. Ends with 1 where it is not what the service lists.
    Verify {
        /// Its id.
        id: String,
    },
    /// Checks it, installs it, the system asking for an administrator, and looks for the key. Ends with 0 where a key is
    /// seen afterwards, 3 where it is installed but no key is seen.
    Install {
        /// Its id.
        id: String,
        /// Takes the package from this folder in place of the network. It must be what the service lists, or, where that
        /// was never seen, what the folder's signed list says.
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
    },
}

/// Does it.
///
/// # Errors
/// What the program says, by its code and exact cause.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let language = arguments.lang.unwrap_or_else(Language::of_system);
    let certdesk = arguments.place.start()?;
    match arguments.act {
        Act::List { json, from } => {
            if let Some(folder) = from
                && !certdesk.take_driver_list(&folder).await.map_err(told)?
            {
                eprintln!("! {}: {}", folder.display(), language.words("summary", "unlisted"));
            }
            list(&certdesk, language, json).await
        }
        Act::Fetch { id, to } => fetch(&certdesk, &id, to).await,
        Act::Verify { id } => {
            certdesk.verify_driver(&id).await.map_err(told)?;
            println!("✓ {id}");
            Ok(ExitCode::SUCCESS)
        }
        Act::Install { id, from } => install(&certdesk, &id, from, language).await,
    }
}

async fn list(certdesk: &Controller, language: Language, json: bool) -> Result<ExitCode> {
    let view = certdesk.drivers().await.map_err(told)?;
    if json {
        println!("{:#}", serde_json::to_value(&view)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", view.system);
    for DriverView { package, state, for_key } in &view.drivers {
        let here = match state {
            DriverState::Ready => "✓",
            DriverState::Installed { .. } => "✓✓",
            DriverState::Available { done: 0 } => " ",
            _ => "…",
        };
        let mark = if *for_key { " ←" } else { "" };
        let name = language.of(&package.name);
        let bytes = package.bytes;
        println!("{here:2} {}  {name} {}  {bytes} B  {}{mark}", package.id, package.version, package.publisher);
    }
    Ok(ExitCode::SUCCESS)
}

async fn fetch(certdesk: &Controller, id: &str, to: Option<PathBuf>) -> Result<ExitCode> {
    let mut events = certdesk.events();
    certdesk.download_driver(id.to_owned()).await.map_err(told)?;
    loop {
        // A reader that fell behind asks anew: the state says it all.
        let _ = events.recv().await;
        let view = certdesk.drivers().await.map_err(told)?;
        let driver =
            view.drivers.into_iter().find(|driver| driver.package.id == id).context("it is not listed any more")?;
        match driver.state {
            DriverState::Ready => {}
            DriverState::Failed { failure } => return Err(told(failure)),
            _ => continue,
        }
        certdesk.verify_driver(id).await.map_err(told)?;
        if let Some(folder) = to {
            let copy = certdesk.copy_driver(id, folder).await.map_err(told)?;
            println!("✓ {}", copy.display());
        } else {
            println!("✓ {}", driver.package.file_name);
        }
        return Ok(ExitCode::SUCCESS);
    }
}

async fn install(certdesk: &Controller, id: &str, from: Option<PathBuf>, language: Language) -> Result<ExitCode> {
    if let Some(folder) = from {
        certdesk.take_driver(id, folder).await.map_err(told)?;
    }
    // Said before it is done: the system asks for an administrator, and this is what for.
    if let Some(command) = certdesk.driver_command(id).await.map_err(told)? {
        println!("$ {command}");
    }
    let mut events = certdesk.events();
    let progress = tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            if let Event::Driver { state: DriverState::Installing, .. } = event {
                eprintln!("…");
            }
        }
    });
    let installed = certdesk.install_driver_now(id).await;
    progress.abort();
    match installed.map_err(told)? {
        None => {
            println!("✓ {}", language.words("summary", "usable"));
            Ok(ExitCode::SUCCESS)
        }
        Some(missing) => {
            println!("! {}", language.title(missing));
            Ok(ExitCode::from(3))
        }
    }
}

fn told(failure: Failure) -> anyhow::Error {
    let code = serde_json::to_value(failure.code).ok().and_then(|code| code.as_str().map(ToOwned::to_owned));
    let code = code.unwrap_or_else(|| "internal".to_owned());
    match failure.detail {
        Some(detail) => anyhow::anyhow!("{code}: {detail}"),
        None => anyhow::anyhow!(code),
    }
}
