//! Private SoftHSM token stores for tests, and modules that stand before them: the faulty one and `pkcs11-spy`. Each store
//! has its own directory, so that tests do not meet (SoftHSM processes that share one lose sight of tokens). Missing
//! programs fail the test with the name of the package; nothing is skipped.

mod faulty;
mod spy;

pub use faulty::FaultyModule;
pub use spy::Spy;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// Security officer's PIN of every token made here.
pub const SO_PIN: &str = "12345678";

/// One token store. Its directory goes with it.
#[derive(Debug)]
pub struct SoftHsm {
    /// The store's directory.
    pub dir: tempfile::TempDir,
    /// `libsofthsm2`, absolute.
    pub module: PathBuf,
    /// What a process must find in its environment to see this store.
    pub environment: Vec<(OsString, OsString)>,
}

impl SoftHsm {
    /// An empty store.
    ///
    /// # Panics
    /// Where SoftHSM is not installed, naming the package.
    #[expect(clippy::new_without_default, reason = "making a directory is nothing one expects of a default")]
    pub fn new() -> Self {
        let module = MODULES.iter().map(PathBuf::from).find(|path| path.is_file() && cfg!(unix));
        let module = module.or_else(|| on_windows("softhsm2.dll")).unwrap_or_else(|| {
            panic!("SoftHSM is missing: install the package softhsm2 (looked for {})", MODULES.join(", "))
        });
        let dir = tempfile::Builder::new().prefix("certdesk-softhsm-").tempdir().expect("a directory can be made");
        let tokens = dir.path().join("tokens");
        std::fs::create_dir(&tokens).expect("the token directory can be made");
        let conf = dir.path().join("softhsm2.conf");
        let text =
            format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        std::fs::write(&conf, text).expect("the configuration can be written");
        Self { module, environment: vec![("SOFTHSM2_CONF".into(), conf.into())], dir }
    }

    /// Adds an initialised token with a user PIN and nothing on it.
    ///
    /// # Panics
    /// Where `softhsm2-util` is missing or fails.
    pub fn add_token(&self, label: &str, pin: &str) {
        self.run("softhsm2-util", ["--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", pin]);
    }

    /// The directory in which the tokens are, for tests that take them away.
    pub fn tokens(&self) -> PathBuf {
        self.dir.path().join("tokens")
    }

    /// Runs `pkcs11-tool` (package opensc) on this store and returns what it prints.
    ///
    /// # Panics
    /// Where it is missing or fails.
    pub fn pkcs11_tool<'a>(&'a self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        let module = self.module.to_str().expect("the module's path is plain");
        let output = self.run("pkcs11-tool", ["--module", module].into_iter().chain(arguments));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn run<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        let output = Command::new(program)
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap_or_else(|error| panic!("{program} cannot be started ({error}): install softhsm2 and opensc"));
        assert!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

/// Path of `certdesk-token-host`, built once if need be; `CERTDESK_TOKEN_HOST` names one that is built already.
///
/// # Panics
/// Where it does not build.
pub fn host_program() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("CERTDESK_TOKEN_HOST") {
        Some(path) => path.into(),
        None => build_host(),
    })
}

/// A library on Windows: beside the programs that `PATH` finds, where its installer puts it.
fn on_windows(library: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").filter(|_| cfg!(windows))?;
    std::env::split_paths(&folders).map(|folder| folder.join(library)).find(|path| path.is_file())
}

fn build_host() -> PathBuf {
    let mut files = built("certdesk-token-host", "certdesk-token-host").into_iter();
    files.next().expect("cargo names the program it built")
}

/// Builds a package and returns the files of its target of that name.
fn built(package: &str, target: &str) -> Vec<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", package, "--message-format", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{package} does not build: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let artifacts = messages.filter(|message| message["target"]["name"] == target);
    let files = artifacts.filter_map(|artifact| artifact["filenames"].as_array().cloned()).flatten();
    files.filter_map(|file| file.as_str().map(PathBuf::from)).collect()
}

const MODULES: [&str; 6] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_do_not_see_each_other() {
        let (mine, other) = (SoftHsm::new(), SoftHsm::new());
        mine.add_token("福州云帆", "1234");
        assert!(mine.pkcs11_tool(["--list-token-slots"]).contains("福州云帆"), "the token is in its store");
        assert!(!other.pkcs11_tool(["--list-slots"]).contains("福州云帆"), "and in no other");
    }

    #[test]
    fn the_helper_program_can_be_had_by_every_crate() {
        assert!(host_program().is_file(), "{} was built", host_program().display());
    }
}
