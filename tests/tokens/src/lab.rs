//! Sets modules up: each alone in a folder, without root, without a system service, and gone when dropped.

mod card;
mod kit;
mod opencryptoki;
mod soft;
mod tpm;
mod unloadable;

use crate::visit::{Hands, Subject};
use anyhow::{Context, Result, ensure};
use stage::Running;
use std::{
    env,
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The folders a lab works in, and the helper it asks through.
#[derive(Clone, Debug)]
pub struct Lab {
    /// What takes long to make and is kept: programs, and cards with keys on them.
    builds: PathBuf,
    /// What is made anew for each visit.
    runs: PathBuf,
    host: PathBuf,
    sources: PathBuf,
    journeys: bool,
}

/// A module that stands ready; what was started for it ends when this is dropped.
pub struct Standing {
    /// What is visited.
    pub subject: Subject,
    /// Command line that the visit is to run inside, where the module needs surroundings of its own.
    pub inside: Vec<OsString>,
    /// Takes the token out and puts it in.
    pub hands: Hands,
    /// Programs it needs, in the order they are ended.
    keep: Vec<Kept>,
}

/// What ends with the visit.
enum Kept {
    Program(#[expect(dead_code, reason = "held to be dropped")] Running),
    /// A program that cleans up after one that was not started by us.
    Farewell(Command),
}

/// This machine lacks something: no failure, the row is skipped.
#[derive(Debug)]
pub struct Missing(pub String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

impl Lab {
    /// A lab in `folder`, asking through the helper program `host`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: &Path, host: PathBuf) -> Result<Self> {
        let folder = std::path::absolute(folder)?;
        let (builds, runs) = (folder.join("build"), folder.join("run"));
        for made in [&builds, &runs] {
            fs::create_dir_all(made).with_context(|| format!("cannot make {}", made.display()))?;
        }
        Ok(Self { builds, runs, host, sources: stage::project_root()?.join("tests/tokens"), journeys: false })
    }

    /// The same with a whole journey on each token that can bear one.
    pub fn with_journeys(self) -> Self {
        Self { journeys: true, ..self }
    }

    /// A reader of a PC/SC daemon of our own, with two slots and no card in them; nothing of the module is used.
    ///
    /// # Errors
    /// [`Missing`] where this machine cannot have it; anything else is a failure.
    pub fn empty_reader(&self) -> Result<Standing> {
        card::empty(&self.place("empty-reader")?)
    }

    /// Sets up the module of the row `name`, from scratch.
    ///
    /// # Errors
    /// [`Missing`] where this machine cannot have it; anything else is a failure.
    pub fn set_up(&self, name: &str) -> Result<Standing> {
        let place = self.place(name)?;
        match name {
            "softhsm2" => soft::softhsm(&place),
            "kryoptic" => soft::kryoptic(&place),
            "nss" => kit::nss(&place),
            "spy" => kit::spy(&place),
            "proxy" => kit::proxy(&place),
            "remote" => kit::remote(&place),
            "trust" => kit::trust(&place),
            "tpm2" | "tpm2-journey" => tpm::tpm2(&place),
            "opencryptoki" => opencryptoki::soft_token(&place),
            "opensc-piv" => card::piv(&place, "opensc-pkcs11.so"),
            "opensc-puk" => card::puk(&place),
            "opensc-both" => card::both(&place),
            "opensc-alone" => card::no_daemon(&place),
            "ykcs11" => card::piv(&place, "libykcs11.so"),
            "opensc-openpgp" => card::openpgp(&place),
            "scute" => card::scute(&place),
            _ => unloadable::set_up(&place),
        }
    }
}

impl Lab {
    fn place(&self, name: &str) -> Result<Place<'_>> {
        let folder = self.runs.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir(&folder)?;
        Ok(Place { lab: self, name: name.into(), folder })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Self::Farewell(command) = self {
            let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// Where one module is set up.
struct Place<'a> {
    lab: &'a Lab,
    name: String,
    folder: PathBuf,
}

impl Place<'_> {
    fn standing(&self, module: PathBuf, token: Option<(&str, &str)>, environment: Vec<(&str, OsString)>) -> Standing {
        let subject = Subject {
            name: self.name.clone(),
            module,
            label: token.map(|(label, _)| label.into()),
            pin: token.map(|(_, pin)| pin.into()),
            so_pin: token.map(|_| SO_PIN.into()),
            host: self.lab.host.clone(),
            environment: environment.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            folder: self.folder.clone(),
            journey: self.lab.journeys,
        };
        Standing { subject, inside: Vec::new(), hands: None, keep: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A path for a socket, which the system wants to be short.
    fn socket(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        if path.as_os_str().len() > 100 {
            return Err(missing("a shorter path to the project: a socket's name holds 108 bytes"));
        }
        Ok(path)
    }

    /// A child that reads nothing, and whose words go to a file of its own. It ends with us even where we are killed.
    fn start(&self, command: &Command) -> Result<Running> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_owned();
        let log = fs::File::create(self.path(&format!("{}.log", name.to_string_lossy())))?;
        let mut child = Command::new(program("setpriv", "util-linux")?);
        child.args(["--pdeathsig", "TERM"]).arg(command.get_program()).args(command.get_args());
        child.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Running::start(child.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log))
    }

    /// Initialises a token through its own module, with `pkcs11-tool`.
    fn initialise(
        &self,
        module: &Path,
        slot: u32,
        label: &str,
        pin: &str,
        environment: &[(&str, OsString)],
    ) -> Result<()> {
        let tool = || {
            let mut tool = Command::new("pkcs11-tool");
            tool.arg("--module").arg(module).envs(environment.iter().map(|(name, value)| (name, value)));
            tool
        };
        program("pkcs11-tool", "opensc")?;
        run(tool().args(["--init-token", "--slot", &slot.to_string(), "--label", label, "--so-pin", SO_PIN]))?;
        run(tool().args(["--login", "--login-type", "so", "--so-pin", SO_PIN, "--token-label", label]).args([
            "--init-pin",
            "--pin",
            pin,
        ]))?;
        Ok(())
    }

    /// Builds one of the crates that stand outside the workspace, once, and returns the folder of what it makes.
    fn build(&self, name: &str) -> Result<PathBuf> {
        let target = self.lab.builds.join(name);
        let manifest = self.lab.sources.join(name).join("Cargo.toml");
        eprintln!("building {name} (minutes the first time)");
        run(Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--release", "--locked", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target)
            // What cargo sets for the program it runs is not meant for the crate built here.
            .env_remove("CARGO_TARGET_DIR"))?;
        Ok(target.join("release"))
    }
}

/// Security officer's PIN of every token made here.
const SO_PIN: &str = "12345678";

fn missing(what: impl Into<String>) -> anyhow::Error {
    Missing(what.into()).into()
}

/// Looks for a program, also where only root's path leads.
fn program(name: &str, package: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| missing(format!("{name} (package {package})")))
}

/// Looks for a library below the folders that distributions put them in.
fn library(name: &str, package: &str) -> Result<PathBuf> {
    let below = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = below.chain(["/usr/lib64", "/usr/lib"].map(PathBuf::from));
    let mut paths = folders.flat_map(|folder| ["", "pkcs11", "scute"].map(|sub| folder.join(sub).join(name)));
    paths.find(|path| path.is_file()).ok_or_else(|| missing(format!("{name} (package {package})")))
}

/// A file that a build or a driver needs.
fn file(path: &str, package: &str) -> Result<PathBuf> {
    let found = Path::new(path);
    ensure!(found.exists(), missing(format!("{path} (package {package})")));
    Ok(found.into())
}

/// Runs a program to its end and returns what it printed.
fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {name}"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.trim().lines().last().unwrap_or("no words").to_owned();
    ensure!(output.status.success(), "{name} failed: {last}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether we are root, for whom some things are different.
fn is_root() -> bool {
    run(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
