//! `certdesk-service`: runs the reference portal service, and is its review desk.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use certdesk_contract::application::{Application, Remark, RemarkTarget, Review};
use certdesk_service::{
    Config, DemoSecret, NOT_LICENSED, Running, Service, Tls, openapi_json,
    review::{Desk, Dossier, parse_remark},
};
use clap::{Args, Parser, Subcommand};
use url::Url;

/// The reference portal service of Certdesk. It is NOT a licensed certificate authority.
#[derive(Parser)]
#[command(version, after_help = NOT_LICENSED)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the service until it is told to stop (SIGTERM, Ctrl-C).
    Serve(Serve),
    /// The review desk: works on the data directory, beside a running service or without one.
    Review {
        #[command(flatten)]
        desk: DeskArgs,
        #[command(subcommand)]
        command: ReviewCommand,
    },
    /// The SMS outbox.
    Sms {
        #[command(flatten)]
        desk: DeskArgs,
        #[command(subcommand)]
        command: SmsCommand,
    },
    /// Prints the OpenAPI description of the service.
    Openapi,
}

#[derive(Args)]
struct Serve {
    /// Directory of everything the service keeps; made where it is missing.
    #[arg(long, env = "CERTDESK_DATA")]
    data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The address as clients have it, https://…; token logins are bound to it.
    #[arg(long)]
    public_url: Option<Url>,
    /// TLS certificate chain, PEM. Without it the demo CA issues one.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// TLS private key, PEM.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Catalogue in place of the embedded one, JSON.
    #[arg(long)]
    catalogue: Option<PathBuf>,
    /// Opens the demo desk (SMS outbox, review over HTTPS) to whoever sends this secret.
    #[arg(long, env = "CERTDESK_DEMO_SECRET", hide_env_values = true)]
    demo: Option<String>,
    /// Written when the service listens: base_url, root certificate, demo secret, pid (JSON).
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

#[derive(Args)]
struct DeskArgs {
    /// The service's data directory.
    #[arg(long, env = "CERTDESK_DATA", global = true, default_value = ".")]
    data: PathBuf,
    /// JSON for programs.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum ReviewCommand {
    /// Everything handed in; what waits for a decision comes first.
    List,
    /// Opens a case, by id or application number.
    Show {
        /// Id or application number.
        id: String,
    },
    /// Accepts a case.
    Approve {
        /// Id or application number.
        id: String,
    },
    /// Sends a case back with remarks.
    Return {
        /// Id or application number.
        id: String,
        /// field:NAME=TEXT, files:REQUIREMENT=TEXT or case=TEXT; may be repeated.
        #[arg(long = "remark", required = true, value_parser = parse_remark)]
        remarks: Vec<Remark>,
    },
    /// Refuses a case.
    Reject {
        /// Id or application number.
        id: String,
        /// Why; the applicant reads it.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Subcommand)]
enum SmsCommand {
    /// The latest messages, newest first.
    List,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(arguments) => serve(arguments),
        Command::Review { desk, command } => review(&desk, command),
        Command::Sms { desk, command: SmsCommand::List } => sms(&desk),
        Command::Openapi => print(&openapi_json()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("certdesk-service: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(arguments: Serve) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(io::stderr).init();
    eprintln!("{NOT_LICENSED}");

    let mut config = Config::new(&arguments.data, arguments.listen);
    config.public_url = arguments.public_url;
    config.catalogue = arguments.catalogue;
    config.demo = arguments.demo.map(DemoSecret::new);
    if let (Some(certificate), Some(key)) = (arguments.tls_cert, arguments.tls_key) {
        config.tls = Tls::Files { certificate, key };
    }
    let demo = config.demo.clone();
    let running = Service::start(config).await?;
    let root = arguments.data.join("tls-root.pem");
    write_whole(&root, pem(&running.root_der).as_bytes())?;
    eprintln!("listening on {}, trusted by {}", without_slash(&running.base_url), root.display());
    if let Some(file) = &arguments.ready_file {
        write_whole(file, ready(&running, &root, demo.as_ref())?.as_bytes())?;
    }
    stop_signal().await?;
    running.stop().await;
    Ok(())
}

async fn stop_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            done = tokio::signal::ctrl_c() => done,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn ready(running: &Running, root: &Path, demo: Option<&DemoSecret>) -> anyhow::Result<String> {
    let root = std::path::absolute(root)?;
    Ok(serde_json::to_string_pretty(&serde_json::json!({
        "base_url": without_slash(&running.base_url),
        "root_certificate": root,
        "demo_secret": demo.map(DemoSecret::reveal),
        "pid": std::process::id(),
    }))?)
}

fn without_slash(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Who reads the file sees all of it or nothing.
fn write_whole(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let draft = file.with_extension("part");
    std::fs::write(&draft, bytes)
        .and_then(|()| std::fs::rename(&draft, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

fn review(arguments: &DeskArgs, command: ReviewCommand) -> anyhow::Result<()> {
    let desk = Desk::open(&arguments.data)?;
    let case = match command {
        ReviewCommand::List => {
            let cases = desk.list()?;
            return if arguments.json {
                print_json(&cases)
            } else {
                print(&cases.iter().map(line).collect::<String>())
            };
        }
        ReviewCommand::Show { id } => {
            let dossier = desk.show(&id)?;
            return if arguments.json { print_json(&dossier) } else { print(&tell(&dossier)) };
        }
        ReviewCommand::Approve { id } => desk.decide(&id, Review::Approve)?,
        ReviewCommand::Return { id, remarks } => desk.decide(&id, Review::Return { remarks })?,
        ReviewCommand::Reject { id, reason } => desk.decide(&id, Review::Reject { reason })?,
    };
    if arguments.json { print_json(&case) } else { print(&line(&case)) }
}

fn sms(arguments: &DeskArgs) -> anyhow::Result<()> {
    let messages = Desk::open(&arguments.data)?.sms()?;
    if arguments.json {
        return print_json(&messages);
    }
    print(&messages.iter().map(|m| format!("{}  {}  {}\n", m.sent_at, m.phone, m.text)).collect::<String>())
}

fn line(case: &Application) -> String {
    let number = case.number.as_deref().unwrap_or("-");
    let handler = case.handler.as_ref().map_or("-", |h| h.person.name.as_str());
    format!("{number}  {}  {:?} {:?}  {handler}\n", case.id, case.business, case.state)
}

fn tell(dossier: &Dossier) -> String {
    let case = &dossier.application;
    let mut text = line(case);
    let registration = &dossier.registration;
    text += &format!("account      {} ({:?})\n", dossier.account, registration.kind);
    if let Some(unit) = &registration.organisation {
        text += &format!("unit         {}  {}\n", unit.name, unit.credit_code);
        text += &format!("represented  {}  {}\n", unit.legal_representative.name, unit.legal_representative.id_number);
    }
    text += &format!(
        "contact      {}  {}  {}\n",
        registration.contact.name, registration.contact.id_number, registration.phone
    );
    if let Some(handler) = &case.handler {
        text += &format!(
            "handler      {}  {}  {}  {}\n",
            handler.person.name, handler.person.id_number, handler.phone, handler.email
        );
        let differs = registration.organisation.as_ref().is_some_and(|unit| unit.credit_code != handler.credit_code);
        text += &format!(
            "credit code  {}{}\n",
            handler.credit_code,
            if differs { "  DIFFERS FROM THE ACCOUNT'S" } else { "" }
        );
    }
    for (file, path) in case.attachments.iter().zip(&dossier.files) {
        text += &format!(
            "file         {}  {}  {} bytes  {}\n",
            file.requirement.0,
            file.file_name,
            file.bytes,
            path.display()
        );
    }
    for remark in &case.remarks {
        let target = match &remark.target {
            RemarkTarget::Field(name) => format!("field:{name}"),
            RemarkTarget::Files(id) => format!("files:{}", id.0),
            RemarkTarget::Case => "case".to_owned(),
        };
        text += &format!("remark       {target}  {}\n", remark.text);
    }
    for entry in &case.history {
        text += &format!("history      {}  {:?}  {}\n", entry.at, entry.state, entry.note.as_deref().unwrap_or(""));
    }
    text
}

fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Unlike `println!`, a reader that went away is no reason to panic.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
