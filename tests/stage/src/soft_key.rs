//! A software key: SoftHSM with a store of its own.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// A SoftHSM store holding one blank key. The folder stays: its owner removes it.
#[derive(Clone, Debug)]
pub struct SoftKey {
    /// SoftHSM's configuration file.
    pub configuration: PathBuf,
    /// The PKCS#11 module.
    pub module: PathBuf,
    /// The key's label.
    pub label: String,
    /// The user PIN.
    pub pin: String,
}

impl SoftKey {
    /// Makes a new store in `folder` (whatever was there goes) with a blank key.
    ///
    /// # Errors
    /// When SoftHSM is not installed or the folder cannot be written.
    pub fn blank(folder: &Path, label: &str, pin: &str) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let key = Self::in_folder(folder, label, pin)?;
        key.add(label, pin)?;
        Ok(key)
    }

    /// The store of an earlier [`SoftKey::blank`], as it was left.
    ///
    /// # Errors
    /// When SoftHSM is not installed or the folder cannot be written.
    pub fn in_folder(folder: &Path, label: &str, pin: &str) -> Result<Self> {
        let tokens = folder.join("tokens");
        fs::create_dir_all(&tokens).with_context(|| format!("cannot write {}", folder.display()))?;
        let configuration = folder.join("softhsm2.conf");
        let text =
            format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        fs::write(&configuration, text)?;
        Ok(Self { configuration, module: softhsm_module()?, label: label.to_owned(), pin: pin.to_owned() })
    }

    /// Puts one more blank key into the store.
    ///
    /// # Errors
    /// What `softhsm2-util` says.
    pub fn add(&self, label: &str, pin: &str) -> Result<()> {
        let output = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "12345678"])
            .envs(self.environment())
            .stdin(Stdio::null())
            .output()
            .context("softhsm2-util is not installed: `cargo xtask setup --for test` installs it")?;
        ensure!(output.status.success(), "softhsm2-util: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(())
    }

    /// What a process needs to see this key.
    pub fn environment(&self) -> [(OsString, OsString); 1] {
        [("SOFTHSM2_CONF".into(), self.configuration.clone().into())]
    }
}

/// SoftHSM's module, wherever the distribution puts it.
///
/// # Errors
/// When it is at none of the known places.
pub fn softhsm_module() -> Result<PathBuf> {
    let known = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib/pkcs11/libsofthsm2.so",
        "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    ];
    let found = known.iter().map(PathBuf::from).find(|path| path.is_file());
    found.context("SoftHSM is not installed: `cargo xtask setup --for test` installs it")
}
