//! `certdesk-service`: runs the reference portal service, and is its review desk.

use std::{
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use certdesk_contract::application::{Application, Remark, RemarkTarget, Review, Verdict};
use certdesk_domain::{
    State,
    check::is_invisible,
    form::{Address, Handler, Person},
};
use certdesk_service::{
    Config, DemoSecret, NOT_LICENSED, Running, Service, Tls,
    audit::{AuditLog, Head},
    drivers, openapi_json, profiles,
    review::{Desk, Dossier, parse_remark},
    staff::{Role, StaffBook, StaffMember},
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
    Serve(Box<Serve>),
    /// The review desk: works on the data directory, beside a running service or without one.
    Review {
        #[command(flatten)]
        desk: DeskArgs,
        /// Name of the member of staff who acts; without it the administrator does.
        #[arg(long = "as", value_name = "NAME", global = true)]
        actor: Option<String>,
        #[command(subcommand)]
        command: ReviewCommand,
    },
    /// Who may work at the desk, here and on its pages (/desk of the service's address).
    Staff {
        #[command(flatten)]
        desk: DeskArgs,
        #[command(subcommand)]
        command: StaffCommand,
    },
    /// The audit log: who did what to which case.
    Audit {
        #[command(flatten)]
        desk: DeskArgs,
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// The SMS outbox.
    Sms {
        #[command(flatten)]
        desk: DeskArgs,
        #[command(subcommand)]
        command: SmsCommand,
    },
    /// Revokes an active certificate, at once and for good: a new revocation list and an announcement say so, and its
    /// account logs in by password again.
    Revoke {
        #[command(flatten)]
        desk: DeskArgs,
        /// Serial number, hex.
        #[arg(long)]
        serial: String,
        /// Why, by its name in RFC 5280: key_compromise, affiliation_changed, superseded, cessation_of_operation, …
        #[arg(long, value_parser = reason)]
        reason: certdesk_domain::RevocationReason,
        /// Name of the member of staff who acts; without it the administrator does.
        #[arg(long = "as", value_name = "NAME")]
        actor: Option<String>,
    },
    /// 注销公告.
    Announcements {
        #[command(flatten)]
        desk: DeskArgs,
        #[command(subcommand)]
        command: AnnouncementsCommand,
    },
    /// Profiles of tokens that are newer than those in the program: makes the key, signs them.
    Profiles {
        #[command(subcommand)]
        command: ProfilesCommand,
    },
    /// Signs drivers.json of a folder of drivers (drivers.signed.json), so that the folder is believed by programs that have
    /// never seen the service.
    SignDrivers {
        /// Key made by `profiles key`.
        #[arg(long)]
        key: PathBuf,
        /// Folder of the drivers: drivers.json and the packages it names.
        #[arg(long, value_name = "FOLDER")]
        drivers: PathBuf,
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
    /// Address of a reverse proxy whose X-Forwarded-For tells who asks; may be repeated. Without it the limits per
    /// address would take all that come through the proxy for one.
    #[arg(long = "trusted-proxy", value_name = "IP")]
    trusted_proxies: Vec<IpAddr>,
    /// A certificate is approved or refused by two members of staff only; sending back and revoking take one.
    #[arg(long)]
    two_persons: bool,
    /// Catalogue in place of the embedded one, JSON.
    #[arg(long)]
    catalogue: Option<PathBuf>,
    /// Lets logins by password do without a session key, and their requests without signatures: for tools that sign
    /// nothing, such as a foreign tus client or a fuzzer. Never for applicants: their acts would leave no evidence.
    #[arg(long)]
    unsigned_sessions: bool,
    /// Signed profiles to publish, made by `profiles sign`; a newer file is noticed without a new start.
    #[arg(long, value_name = "FILE")]
    profiles: Option<PathBuf>,
    /// Folder of the drivers that are offered: drivers.json and the packages it names.
    #[arg(long, value_name = "FOLDER")]
    drivers: Option<PathBuf>,
    /// Opens the demo desk (SMS outbox, review over HTTPS) to whoever sends this secret.
    #[arg(long, env = "CERTDESK_DEMO_SECRET", hide_env_values = true)]
    demo: Option<String>,
    /// Written when the service listens: base_url, address, root certificate, desk_url, pid; of a demo its secret and its desk's
    /// staff with their passwords (JSON).
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum ProfilesCommand {
    /// Makes a key to sign profiles with and prints its public key, for CERTDESK_PROFILES_KEY of the program's build.
    Key {
        /// New file for the key; only its owner reads it. Keep it where the service is not.
        #[arg(long)]
        out: PathBuf,
    },
    /// Signs the profiles (*.toml) of a folder. Nothing is signed that a program would refuse.
    Sign {
        /// Key made by `profiles key`.
        #[arg(long)]
        key: PathBuf,
        /// Folder of the profiles.
        #[arg(long)]
        profiles: PathBuf,
        /// File to serve with `serve --profiles`; written as a whole, so a running service may be serving it.
        #[arg(long)]
        out: PathBuf,
    },
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
    /// Shows all of a case, and where its files lie. One that was just handed in is in review from then on: its
    /// applicant cannot take it back any more.
    Show {
        /// Id or application number.
        id: String,
    },
    /// Copies the files of a case into a new folder, under names that viewers open. Remove the folder when you are done:
    /// it holds identity documents.
    Files {
        /// Id or application number.
        id: String,
        /// The folder to make.
        #[arg(long)]
        to: PathBuf,
    },
    /// Accepts a case: the applicant may now make the key and fetch the certificate.
    Approve {
        /// Id or application number.
        id: String,
        #[command(flatten)]
        seen: Seen,
    },
    /// Sends a case back with remarks: the applicant may change just what they name.
    Return {
        /// Id or application number.
        id: String,
        /// field:NAME=TEXT, files:REQUIREMENT=TEXT or case=TEXT (opens all of it); may be repeated. `show` tells the names.
        #[arg(long = "remark", required = true, value_parser = parse_remark)]
        remarks: Vec<Remark>,
        #[command(flatten)]
        seen: Seen,
    },
    /// Refuses a case for good.
    Reject {
        /// Id or application number.
        id: String,
        /// Why; the applicant reads it.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        seen: Seen,
    },
}

#[derive(Args)]
struct Seen {
    /// Which submission was looked at, as `show` tells it: where another came meanwhile, nothing is decided.
    #[arg(long)]
    submission: Option<u32>,
}

impl Seen {
    fn decide(self, review: Review) -> Verdict {
        Verdict { review, submissions: self.submission }
    }
}

#[derive(Subcommand)]
enum StaffCommand {
    /// Adds a member and prints their first password, which they replace at their first login.
    Add {
        /// What they log in with: a-z 0-9 . _ -
        name: String,
        /// What others see.
        #[arg(long)]
        display_name: String,
        /// reviewer (looks and decides) or auditor (looks at cases and at the audit log, decides nothing).
        #[arg(long, default_value = "reviewer", value_parser = role)]
        role: Role,
        /// Takes the password from the first line of the standard input, and prints none.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Everybody.
    List,
    /// Shuts a member out, at once.
    Disable {
        /// Name.
        name: String,
    },
    /// Lets a member in again.
    Enable {
        /// Name.
        name: String,
    },
    /// Gives a member a new password, prints it, and ends their sessions.
    Password {
        /// Name.
        name: String,
        /// Takes the password from the first line of the standard input, and prints none.
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// All rows, oldest first; with --json one object a line.
    List,
    /// Reads the whole log, tells the first row that is not as it was written, and prints the head. Keep the head
    /// elsewhere: without it nobody sees that the newest rows were cut off, or that all was written anew.
    Verify {
        /// A head that was kept elsewhere, NUMBER:HASH.
        #[arg(long)]
        head: Option<Head>,
    },
}

#[derive(Subcommand)]
enum AnnouncementsCommand {
    /// Takes over what an earlier portal announced, from standard input: one JSON object a line with serial, subject,
    /// revoked_at, reason and crl_number, oldest first. People look them up; the revocation list is not touched.
    Import,
}

#[derive(Subcommand)]
enum SmsCommand {
    /// The latest messages, newest first.
    List,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(arguments) => serve(*arguments),
        Command::Review { desk, actor, command } => review(&desk, actor.as_deref(), command),
        Command::Staff { desk, command } => staff(&desk, command),
        Command::Audit { desk, command } => audit(&desk, command),
        Command::Sms { desk, command: SmsCommand::List } => sms(&desk),
        Command::Revoke { desk, serial, reason, actor } => revoke(&desk, &serial, reason, actor.as_deref()),
        Command::Announcements { desk, command: AnnouncementsCommand::Import } => import(&desk),
        Command::Profiles { command } => profiles(command),
        Command::SignDrivers { key, drivers } => sign_drivers(&key, &drivers),
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

fn profiles(command: ProfilesCommand) -> anyhow::Result<()> {
    match command {
        ProfilesCommand::Key { out } => print(&format!("{}\n", profiles::make_key(&out)?)),
        ProfilesCommand::Sign { key, profiles, out } => {
            let now = certdesk_domain::Timestamp::now_utc().unix_timestamp();
            write_whole(&out, profiles::sign(&key, &profiles, now)?.as_bytes())
        }
    }
}

fn sign_drivers(key: &Path, folder: &Path) -> anyhow::Result<()> {
    let now = certdesk_domain::Timestamp::now_utc().unix_timestamp();
    let signed = drivers::sign(key, folder, now)?;
    write_whole(&folder.join(certdesk_contract::driver::SignedDrivers::FILE), signed.as_bytes())
}

#[tokio::main]
async fn serve(arguments: Serve) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(io::stderr).init();
    eprintln!("{NOT_LICENSED}");

    let mut config = Config::new(&arguments.data, arguments.listen);
    config.public_url = arguments.public_url;
    config.catalogue = arguments.catalogue;
    config.unsigned_sessions = arguments.unsigned_sessions;
    config.profiles = arguments.profiles;
    config.drivers = arguments.drivers;
    config.two_persons = arguments.two_persons;
    config.trusted_proxies = arguments.trusted_proxies;
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
        let profiles_key = demo.as_ref().and_then(|_| profiles::demo_key(&arguments.data));
        write_whole(file, ready(&running, &root, demo.as_ref(), profiles_key)?.as_bytes())?;
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

fn ready(
    running: &Running,
    root: &Path,
    demo: Option<&DemoSecret>,
    profiles_key: Option<String>,
) -> anyhow::Result<String> {
    let root = std::path::absolute(root)?;
    Ok(serde_json::to_string_pretty(&serde_json::json!({
        "base_url": without_slash(&running.base_url),
        "address": running.address,
        "root_certificate": root,
        "desk_url": running.desk_url,
        "profiles_key": profiles_key,
        "demo_secret": demo.map(DemoSecret::reveal),
        "desk_staff": running.desk_staff,
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

/// Who reads the file sees all of it or nothing; nobody but the owner reads it, for it may hold the demo secret.
fn write_whole(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let draft = file.with_extension("part");
    let _ = std::fs::remove_file(&draft);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&draft)
        .and_then(|mut new| new.write_all(bytes))
        .and_then(|()| std::fs::rename(&draft, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

fn desk_as(arguments: &DeskArgs, actor: Option<&str>) -> anyhow::Result<Desk> {
    let desk = Desk::open(&arguments.data)?;
    Ok(match actor {
        Some(name) => desk.acting_as(name)?,
        None => desk,
    })
}

fn review(arguments: &DeskArgs, actor: Option<&str>, command: ReviewCommand) -> anyhow::Result<()> {
    let desk = desk_as(arguments, actor)?;
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
        ReviewCommand::Files { id, to } => {
            let copies = desk.copy_files(&id, &to)?;
            return if arguments.json {
                print_json(&copies)
            } else {
                print(&copies.iter().map(|copy| format!("{}\n", copy.display())).collect::<String>())
            };
        }
        ReviewCommand::Approve { id, seen } => desk.decide(&id, seen.decide(Review::Approve))?,
        ReviewCommand::Return { id, remarks, seen } => desk.decide(&id, seen.decide(Review::Return { remarks }))?,
        ReviewCommand::Reject { id, reason, seen } => desk.decide(&id, seen.decide(Review::Reject { reason }))?,
    };
    if arguments.json {
        return print_json(&case);
    }
    print(&line(&case))?;
    if case.state == State::InReview {
        print("Noted as the first of two decisions: another member of staff must decide the same.\n")?;
    }
    Ok(())
}

fn staff(arguments: &DeskArgs, command: StaffCommand) -> anyhow::Result<()> {
    let book = StaffBook::open(&arguments.data)?;
    let given = |stdin: bool| if stdin { first_line().map(Some) } else { Ok(None) };
    let tell = |password: String, stdin: bool| match (stdin, arguments.json) {
        (true, _) => Ok(()),
        (false, true) => print_json(&serde_json::json!({ "password": password })),
        (false, false) => print(&format!("password  {password}\n")),
    };
    match command {
        StaffCommand::Add { name, display_name, role, password_stdin } => {
            tell(book.add(&name, &display_name, role, given(password_stdin)?)?, password_stdin)
        }
        StaffCommand::Password { name, password_stdin } => {
            tell(book.set_password(&name, given(password_stdin)?)?, password_stdin)
        }
        StaffCommand::Disable { name } => book.set_disabled(&name, true),
        StaffCommand::Enable { name } => book.set_disabled(&name, false),
        StaffCommand::List => {
            let members = book.list()?;
            if arguments.json {
                return print_json(&members);
            }
            let line = |member: &StaffMember| {
                let disabled = member.disabled_at.map(|at| format!("  disabled {}", minute(at))).unwrap_or_default();
                format!("{:<32}  {:<8}  {}{disabled}\n", member.name, word(&member.role), member.display_name)
            };
            print(&members.iter().map(line).collect::<String>())
        }
    }
}

fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("cannot read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn audit(arguments: &DeskArgs, command: AuditCommand) -> anyhow::Result<()> {
    let log = AuditLog::open(&arguments.data)?;
    let head = match command {
        AuditCommand::List => {
            return log.each(|entry| {
                if arguments.json {
                    return print(&(serde_json::to_string(&entry)? + "\n"));
                }
                let case = entry.application.map(|id| format!("  {id}")).unwrap_or_default();
                let submission = entry.submission.map(|number| format!("/{number}")).unwrap_or_default();
                let (number, at) = (entry.number, minute(entry.at));
                print(&format!(
                    "{number:>6}  {at}  {}  {}{case}{submission}  {}\n",
                    entry.actor, entry.act, entry.details
                ))
            });
        }
        AuditCommand::Verify { head } => head,
    };
    let verified = log.verify(head.as_ref())?;
    if arguments.json {
        print_json(&verified)?;
    } else {
        let end = verified.head.as_ref().map(Head::to_string).unwrap_or_else(|| "none, the log is empty".to_owned());
        print(&format!("rows  {}\nhead  {end}\n", verified.rows))?;
        if head.is_none() {
            print("Keep the head elsewhere; `audit verify --head` compares with it.\n")?;
        }
    }
    let Some(broken) = verified.broken else { return Ok(()) };
    anyhow::bail!("row {} of the audit log is not as it was written: {}", broken.number, word(&broken.fault))
}

fn role(name: &str) -> Result<Role, String> {
    serde_json::from_value(name.into()).map_err(|_| "expected reviewer or auditor".into())
}

fn revoke(
    arguments: &DeskArgs,
    serial: &str,
    reason: certdesk_domain::RevocationReason,
    actor: Option<&str>,
) -> anyhow::Result<()> {
    let announced = desk_as(arguments, actor)?.revoke(serial, reason)?;
    if arguments.json {
        return print_json(&announced);
    }
    print(&format!("revoked  {}  {}  list {}\n", announced.serial, announced.subject, announced.crl_number))
}

fn import(arguments: &DeskArgs) -> anyhow::Result<()> {
    let taken = certdesk_service::import_announcements(&arguments.data, io::stdin().lock())?;
    if arguments.json {
        print_json(&serde_json::json!({ "imported": taken }))
    } else {
        print(&format!("imported {taken}\n"))
    }
}

fn reason(name: &str) -> Result<certdesk_domain::RevocationReason, String> {
    serde_json::from_value(name.into()).map_err(|_| "expected a reason of RFC 5280, for example key_compromise".into())
}

fn sms(arguments: &DeskArgs) -> anyhow::Result<()> {
    let messages = Desk::open(&arguments.data)?.sms()?;
    if arguments.json {
        return print_json(&messages);
    }
    print(&messages.iter().map(|m| format!("{}  {}  {}\n", minute(m.sent_at), m.phone, m.text)).collect::<String>())
}

fn line(case: &Application) -> String {
    let number = case.number.as_deref().unwrap_or("-");
    let handler = case.handler.as_ref().map_or("-", |h| h.person.name.as_str());
    let since = case.history.last().map(|entry| minute(entry.at)).unwrap_or_default();
    format!(
        "{number}  {}  {}  {}  since {since}  {}\n",
        case.id,
        word(&case.business),
        word(&case.state),
        seen(handler)
    )
}

fn tell(dossier: &Dossier) -> String {
    let case = &dossier.application;
    let registration = &dossier.registration;
    let mut rows = vec![
        ("account", format!("{} ({})", dossier.account, word(&registration.kind))),
        ("submission", format!("{}  (decide with --submission {0})", case.submissions)),
    ];
    if case.business.issues() {
        rows.push(("certificate", format!("will be for {}", dossier.subject)));
    }
    rows.extend(particulars(dossier));
    if let Some(first) = &dossier.first_decision {
        rows.push((
            "decided",
            format!(
                "{} by {}, {}: a second must decide the same",
                decision(&first.review),
                first.actor,
                minute(first.at)
            ),
        ));
    }
    if let Some(unit) = &registration.organisation {
        rows.push(("unit", format!("{}  {}", unit.name, unit.credit_code)));
        rows.push(("represented", person(&unit.legal_representative)));
    }
    rows.push(("contact", person(&registration.contact)));
    rows.push(("", format!("{}  {}", registration.phone, registration.email)));
    rows.push(("", address(&registration.address)));
    if let Some(handler) = &case.handler {
        let differs = registration.organisation.as_ref().is_some_and(|unit| unit.credit_code != handler.credit_code);
        let note = if differs { "  DIFFERS FROM THE ACCOUNT'S" } else { "" };
        rows.push(("handler", "fields as `--remark field:NAME=…` names them".into()));
        for name in Handler::FIELDS {
            let value = handler.get(name).unwrap_or_default();
            rows.push(match *name {
                "credit_code" => (name, format!("{value}{note}")),
                "address.region" => (name, region(&value)),
                _ => (name, value),
            });
        }
    }
    for (file, path) in case.attachments.iter().zip(&dossier.files) {
        let missing = if path.exists() { "" } else { "  IS MISSING" };
        rows.push(("files", format!("{}  {}  {} bytes", file.requirement.0, file.file_name, file.bytes)));
        rows.push(("", format!("{}{missing}", path.display())));
        rows.push(("", format!("sha256 {}", file.sha256)));
        if let Some(signer) = &file.signed_by {
            rows.push(("", format!("signed by the key of {}, certificate {}", signer.holder, signer.serial)));
        }
    }
    for remark in &case.remarks {
        let target = match &remark.target {
            RemarkTarget::Field(name) => format!("field:{name}"),
            RemarkTarget::Files(id) => format!("files:{}", id.0),
            RemarkTarget::Case => "case".to_owned(),
        };
        rows.push(("remark", format!("{target}  {}", remark.text)));
    }
    for entry in &case.history {
        let note = entry.note.as_deref().unwrap_or_default();
        rows.push(("history", format!("{}  {}  {note}", minute(entry.at), word(&entry.state))));
    }
    if !case.attachments.is_empty() {
        rows.push(("to see", format!("certdesk-service review files {} --to NEW_FOLDER", case.id)));
    }
    rows.into_iter().fold(line(case), |text, (name, value)| text + &format!("{name:<17}{}\n", seen(&value)))
}

fn decision(review: &Review) -> &'static str {
    match review {
        Review::Approve => "approved",
        Review::Return { .. } => "returned",
        Review::Reject { .. } => "rejected",
    }
}

/// What the case is about: the certificate, each field that changes with its old and new value, why it is revoked.
fn particulars(dossier: &Dossier) -> Vec<(&'static str, String)> {
    let particulars = &dossier.application.particulars;
    let mut rows = Vec::new();
    if let Some(serial) = &particulars.certificate {
        rows.push(("about", format!("certificate {serial}")));
    }
    for (field, new) in &particulars.changes {
        let old = dossier.registration.get(field).unwrap_or_default();
        rows.push(("change", format!("change.{field}: {old} -> {new}")));
    }
    if let Some(reason) = &particulars.reason {
        let reported = dossier.circumstance.map(|what| format!("  REPORTED: the key is {}", word(&what)));
        rows.push(("reason", format!("{}{}", word(reason), reported.unwrap_or_default())));
    }
    rows
}

fn person(person: &Person) -> String {
    format!("{}  {} {}", person.name, person.id_kind.name(), person.id_number)
}

fn address(address: &Address) -> String {
    format!("{}  {}", region(&address.region), address.detail)
}

fn region(code: &str) -> String {
    let names = certdesk_domain::region::names(code).map(|names| names.concat()).unwrap_or_default();
    format!("{code} {names}")
}

/// A word of the contract.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default().trim_matches('"').to_owned()
}

fn minute(at: certdesk_domain::Timestamp) -> String {
    let (hour, minute, _) = at.to_hms();
    format!("{} {hour:02}:{minute:02} UTC", at.date())
}

/// What an applicant wrote, for a terminal: nothing in it moves the cursor or turns the line around.
fn seen(text: &str) -> String {
    let shown = |c: char| if is_invisible(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
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
