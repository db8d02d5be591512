//! Smart cards in software, in a reader of a PC/SC daemon of our own: they can be taken out.

use super::{Kept, Place, Standing, file, library, program, run};
use crate::{certificate::Authority, visit::Hand};
use anyhow::{Context, Result};
use stage::{Running, until};
use std::{
    ffi::OsString,
    fs,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The PIV card through one of the two modules that know it.
pub(super) fn piv(place: &Place<'_>, module: &str) -> Result<Standing> {
    let ours = module.starts_with("opensc");
    let module = library(module, if ours { "opensc-pkcs11" } else { "ykcs11" })?;
    let mut standing = with_cards(place, &[Kind::Piv], module)?;
    standing.subject.label = ours.then(|| LABEL.into());
    if !ours {
        standing.subject.so_pin = Some(MANAGEMENT_KEY.into());
    }
    Ok(standing)
}

/// The PIV card through OpenSC as an administrator may have set it up: a blocked PIN is set anew with the card's PUK.
pub(super) fn puk(place: &Place<'_>) -> Result<Standing> {
    let configuration = place.path("opensc.conf");
    let style = "user_pin_unblock_style = set_pin_in_unlogged_session;";
    fs::write(&configuration, format!("app opensc-pkcs11 {{\n pkcs11 {{\n  {style}\n }}\n}}\n"))?;
    let mut standing = piv(place, "opensc-pkcs11.so")?;
    standing.subject.environment.push(("OPENSC_CONF".into(), configuration.into()));
    standing.subject.so_pin = Some(PUK.into());
    Ok(standing)
}

/// Both cards in one reader with two slots; the PIV card is the one that is taken out.
pub(super) fn both(place: &Place<'_>) -> Result<Standing> {
    let mut standing = with_cards(place, &[Kind::Piv, Kind::OpenPgp], library("opensc-pkcs11.so", "opensc-pkcs11")?)?;
    standing.subject.label = Some(LABEL.into());
    Ok(standing)
}

/// The OpenPGP card, which shows itself as two slots.
pub(super) fn openpgp(place: &Place<'_>) -> Result<Standing> {
    let mut standing = with_cards(place, &[Kind::OpenPgp], library("opensc-pkcs11.so", "opensc-pkcs11")?)?;
    standing.subject.label = Some("OpenPGP card (User PIN)".into());
    Ok(standing)
}

/// The OpenPGP card through GnuPG's daemons, the PIN typed elsewhere.
pub(super) fn scute(place: &Place<'_>) -> Result<Standing> {
    let module = library("scute.so", "scute")?;
    program("gpg-agent", "gpg-agent")?;
    file("/usr/lib/gnupg/scdaemon", "scdaemon")?;
    let gpgconf = program("gpgconf", "gpgconf")?;
    let mut standing = with_cards(place, &[Kind::OpenPgp], module)?;
    let home = place.path("gnupg");
    place.socket("gnupg/S.gpg-agent.extra")?;
    fs::create_dir(&home)?;
    fs::write(home.join("scdaemon.conf"), "disable-ccid\n")?;
    standing.subject.environment.push(("GNUPGHOME".into(), home.clone().into()));
    standing.subject.pin = None;
    standing.subject.so_pin = None;
    let mut farewell = Command::new(gpgconf);
    farewell.args(["--kill", "all"]).env("GNUPGHOME", home);
    standing.keep.insert(0, Kept::Farewell(farewell));
    Ok(standing)
}

/// A reader with nothing in it.
pub(super) fn empty(place: &Place<'_>) -> Result<Standing> {
    let reader = Reader::start(place, Path::new(""), &[])?;
    let mut standing = place.standing(PathBuf::new(), None, reader.environment());
    standing.keep.push(Kept::Program(reader.daemon));
    Ok(standing)
}

/// OpenSC where no PC/SC daemon runs.
pub(super) fn no_daemon(place: &Place<'_>) -> Result<Standing> {
    let nobody = place.path("nobody-listens-here");
    let module = library("opensc-pkcs11.so", "opensc-pkcs11")?;
    Ok(place.standing(module, None, vec![("PCSCLITE_CSOCK_NAME", nobody.into())]))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Piv,
    OpenPgp,
}

/// OpenSC's name of a PIV card: that of its first certificate.
const LABEL: &str = "Lab PIV 9a";
/// PIV management key: triple DES, three times the same.
const MANAGEMENT_KEY: &str = "010203040506070801020304050607080102030405060708";
/// The cards' PIN as they leave the factory.
const PIN: &str = "123456";
/// The PIV card's, which unblocks its PIN.
const PUK: &str = "12345678";

/// A reader with cards that have keys on them. The keys are made once and kept: RSA takes seconds. The hands are on the
/// first card.
fn with_cards(place: &Place<'_>, kinds: &[Kind], module: PathBuf) -> Result<Standing> {
    let program = place.build("labcard")?.join("labcard");
    let mut cards = Vec::new();
    for &kind in kinds {
        let template = place.lab.builds.join(format!("{kind:?}"));
        let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
        if time(&template) <= time(&program) {
            make(place, kind, &program, &template)?;
        }
        let state = place.path(&format!("{kind:?}"));
        copy(&template, &state)?;
        cards.push((kind, state));
    }
    let reader = Reader::start(place, &program, &cards)?;
    let mut standing = place.standing(module, None, reader.environment());
    standing.subject.pin = Some(PIN.into());
    standing.subject.so_pin = Some(super::SO_PIN.into());
    let (environment, others) = (reader.environment(), kinds.len() - 1);
    let words = place.path(&format!("{:?}.log", kinds[0]));
    let Reader { daemon, cards, .. } = reader;
    let mut inputs = Vec::new();
    for card in cards {
        inputs.push(card.input);
        // The cards first: their reader's end would be a removal.
        standing.keep.push(Kept::Program(card.program));
    }
    standing.keep.push(Kept::Program(daemon));
    standing.hands = Some(Box::new(move |hand| {
        if hand == Hand::In {
            // The daemon looks every 400 ms, and takes a card that was out for less for one that never left. No person is as
            // quick as that.
            until("an empty reader", Duration::from_secs(10), || (inserted(&environment)? <= others).then_some(()))?;
        }
        let orders: &[&str] = match hand {
            Hand::Out => &["out"],
            Hand::In => &["delay 0", "in"],
            // As slow as a USB key: the module is in the middle of it when the card goes.
            Hand::OutAtSignature => &["delay 50", "out at signature"],
        };
        for order in orders {
            let said = || fs::read_to_string(&words).unwrap_or_default().matches("obeyed").count();
            let before = said();
            // All inputs are held: a card ends with its own.
            writeln!(&inputs[0], "{order}").context("the card does not listen")?;
            until("the card to obey", Duration::from_secs(10), || (said() > before).then_some(()))?;
        }
        Ok(())
    }));
    Ok(standing)
}

/// Makes keys and certificates on a fresh card, with its maker's tool, and keeps the card in `template`.
fn make(place: &Place<'_>, kind: Kind, program_of_card: &Path, template: &Path) -> Result<()> {
    let state = place.path("fresh");
    fs::create_dir(&state)?;
    let reader = Reader::start(place, program_of_card, &[(kind, state.clone())])?;
    match kind {
        Kind::Piv => {
            let tool = program("yubico-piv-tool", "yubico-piv-tool")?;
            let tool = |arguments: &[&str]| {
                let mut tool = Command::new(&tool);
                tool.args(["-r", "Lab 00 00", &format!("--key={MANAGEMENT_KEY}")])
                    .args(arguments)
                    .envs(reader.environment());
                run(&mut tool)
            };
            tool(&["-a", "set-chuid", "-a", "set-ccc"])?;
            let authority = Authority::new()?;
            for (slot, algorithm) in [("9a", "ECCP256"), ("9c", "RSA2048"), ("9d", "RSA2048"), ("9e", "ECCP256")] {
                let key = tool(&["-s", slot, "-A", algorithm, "-a", "generate"])?;
                let certificate = place.path(&format!("{slot}.pem"));
                fs::write(&certificate, authority.certify_pem(&key, &format!("Lab PIV {slot}"))?)?;
                let certificate = certificate.to_string_lossy();
                tool(&["-s", slot, "-a", "import-certificate", "-i", &certificate])?;
            }
        }
        Kind::OpenPgp => {
            let module = library("opensc-pkcs11.so", "opensc-pkcs11")?;
            for id in ["01", "03"] {
                run(Command::new(program("pkcs11-tool", "opensc")?)
                    .arg("--module")
                    .arg(&module)
                    .args(["--slot", if id == "01" { "1" } else { "0" }])
                    .args(["--login", "--login-type", "so", "--so-pin", super::SO_PIN])
                    .args(["--keypairgen", "--key-type", "EC:prime256v1", "--id", id])
                    .envs(reader.environment()))?;
            }
        }
    }
    drop(reader);
    if template.exists() {
        fs::remove_dir_all(template)?;
    }
    fs::rename(state, template)?;
    Ok(())
}

/// A daemon with one reader, and the cards in its slots.
struct Reader {
    /// End before the daemon.
    cards: Vec<Card>,
    daemon: Running,
    socket: PathBuf,
}

struct Card {
    program: Running,
    input: std::process::ChildStdin,
}

impl Reader {
    fn start(place: &Place<'_>, card: &Path, kinds: &[(Kind, PathBuf)]) -> Result<Self> {
        let pcscd = program("pcscd", "pcscd")?;
        let perl = program("perl", "perl-base")?;
        program("opensc-tool", "opensc")?;
        let driver = file("/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "vsmartcard-vpcd")?;
        let (socket, readers, port) = (place.socket("pcscd")?, place.path("readers"), free_ports()?);
        fs::create_dir_all(&readers)?;
        // The name is free; ykcs11 takes only readers whose name begins so.
        fs::write(
            readers.join("vpcd"),
            format!(
                "FRIENDLYNAME \"Yubico YubiKey Lab\"\nDEVICENAME /dev/null:0x{port:X}\nLIBPATH {}\nCHANNELID 0x{port:X}\n",
                driver.display()
            ),
        )?;
        let _ = fs::remove_file(&socket);
        let script = place.lab.sources.join("src/lab/pcscd.pl");
        let daemon = place.start(Command::new(perl).arg(script).arg(&socket).arg(&readers).arg(pcscd))?;
        until("the reader's port", Duration::from_secs(10), || listens(port).then_some(()))?;

        let mut cards = Vec::new();
        for ((kind, state), port) in kinds.iter().zip(port..) {
            let log = fs::File::create(place.path(&format!("{kind:?}.log")))?;
            let kind = if *kind == Kind::Piv { "piv" } else { "openpgp" };
            let mut program = Running::start(
                Command::new(card)
                    .args([kind, &port.to_string()])
                    .arg(state.join("state"))
                    .stdin(Stdio::piped())
                    .stdout(log.try_clone()?)
                    .stderr(log),
            )?;
            let input = program.child().stdin.take().context("a piped child has an input")?;
            cards.push(Card { program, input });
        }
        let reader = Self { cards, daemon, socket };
        until("the cards in their reader", Duration::from_secs(10), || {
            (inserted(&reader.environment())? == kinds.len()).then_some(())
        })?;
        Ok(reader)
    }

    fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![("PCSCLITE_CSOCK_NAME", self.socket.clone().into())]
    }
}

/// How many cards the daemon sees; `None` where it does not say.
fn inserted(environment: &[(&str, OsString)]) -> Option<usize> {
    let mut list = Command::new("opensc-tool");
    list.arg("-l").envs(environment.iter().map(|(name, value)| (name, value)));
    Some(run(&mut list).ok()?.matches(" Yes ").count())
}

/// The driver takes the port it is told and the one after it, for two slots of its reader.
fn free_ports() -> Result<u16> {
    let two = || {
        let first = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let next = first.checked_add(1)?;
        TcpListener::bind(("127.0.0.1", next)).ok().map(|_| first)
    };
    until("two free ports", Duration::from_secs(5), two)
}

/// Whether somebody listens, without connecting: to the reader a connection is a card.
fn listens(port: u16) -> bool {
    let ending = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().any(|table| {
        fs::read_to_string(table).unwrap_or_default().lines().any(|line| {
            let mut columns = line.split_whitespace().skip(1);
            columns.next().is_some_and(|local| local.ends_with(&ending)) && columns.nth(1) == Some("0A")
        })
    })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
