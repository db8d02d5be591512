//! 服务支持: the drivers an operator offers, from a folder with `drivers.json` and the packages beside it.
//!
//! `drivers.json` is a list of [`DriverPackage`]s. What it says of a package is compared with the package at the start:
//! a file that is not what its publisher published is not offered at all.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use certdesk_contract::driver::{DriverList, DriverPackage, SignedDrivers};
use sha2::{Digest as _, Sha256};

use crate::{catalogue::Served, profiles};

/// Signs the list of a folder's drivers, as of `now` (seconds since 1970), with the key of who publishes profiles, and gives
/// the text to lie beside them.
///
/// # Errors
/// A package that is not what `drivers.json` says of it; a key file that does not read.
pub fn sign(key: &Path, folder: &Path, now: i64) -> anyhow::Result<String> {
    let drivers = Drivers::open(Some(folder), false, folder)?.packages;
    let list = serde_json::to_string(&DriverList { signed_at: now, drivers })?;
    let signature = profiles::signature(key, &list, "Certdesk drivers")?;
    Ok(serde_json::to_string(&SignedDrivers { list, signature })?)
}

/// A package without any driver in it, so that the demo has something to download, check and open.
const DEMO_LIST: &str = include_str!("../data/drivers/drivers.json");
const DEMO_PACKAGE: &[u8] = include_bytes!("../data/drivers/certdesk-demo-driver_1.0_all.deb");

/// What is offered.
pub(crate) struct Drivers {
    folder: PathBuf,
    packages: Vec<DriverPackage>,
    served: Served,
}

impl Drivers {
    /// Reads what the operator offers in `folder`; without one nothing, or in a demo the demo's own package, which is
    /// kept under `data`.
    pub(crate) fn open(folder: Option<&Path>, demo: bool, data: &Path) -> anyhow::Result<Self> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None if demo => demo_folder(data).context("the demo's driver cannot be kept")?,
            None => return Self::of(PathBuf::new(), Vec::new()),
        };
        let list = folder.join("drivers.json");
        let text = std::fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
        let packages: Vec<DriverPackage> =
            serde_json::from_str(&text).with_context(|| format!("{} is not a list of drivers", list.display()))?;
        let mut seen = HashSet::new();
        for package in &packages {
            ensure!(seen.insert(&package.id), "two drivers are called `{}`", package.id);
            check(package, &folder).with_context(|| format!("driver `{}`", package.id))?;
        }
        Self::of(folder, packages)
    }

    /// The list as it is served.
    pub(crate) fn served(&self) -> &Served {
        &self.served
    }

    /// A package and where it lies.
    pub(crate) fn find(&self, id: &str) -> Option<(&DriverPackage, PathBuf)> {
        let package = self.packages.iter().find(|package| package.id == id)?;
        Some((package, self.folder.join(&package.file_name)))
    }

    fn of(folder: PathBuf, packages: Vec<DriverPackage>) -> anyhow::Result<Self> {
        Ok(Self { served: Served::new(serde_json::to_vec(&packages)?), folder, packages })
    }
}

fn check(package: &DriverPackage, folder: &Path) -> anyhow::Result<()> {
    let id = &package.id;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    ensure!((1..=64).contains(&id.len()) && id.bytes().all(plain), "its id is not of a-z, 0-9 and -");
    ensure!(package.has_plain_file_name(), "`{}` is not the name of an installer", package.file_name);
    let mut file = File::open(folder.join(&package.file_name))
        .with_context(|| format!("cannot read {}", folder.join(&package.file_name).display()))?;
    ensure!(file.metadata()?.len() == package.bytes, "the file has another size than drivers.json says");
    ensure!(sha256(&mut file)? == package.sha256, "the file has another SHA-256 than drivers.json says");
    Ok(())
}

/// SHA-256, lower-case hex, a piece at a time: packages are large.
fn sha256(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(crate::ca::hex(&hash.finalize())),
            n => hash.update(&piece[..n]),
        }
    }
}

fn demo_folder(data: &Path) -> io::Result<PathBuf> {
    let folder = data.join("demo-drivers");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("drivers.json"), DEMO_LIST)?;
    std::fs::write(folder.join("certdesk-demo-driver_1.0_all.deb"), DEMO_PACKAGE)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(change: impl FnOnce(&mut Vec<DriverPackage>)) -> anyhow::Result<Drivers> {
        let data = tempfile::tempdir()?;
        let folder = demo_folder(data.path())?;
        let mut packages: Vec<DriverPackage> = serde_json::from_str(DEMO_LIST)?;
        change(&mut packages);
        std::fs::write(folder.join("drivers.json"), serde_json::to_vec(&packages)?)?;
        Drivers::open(Some(&folder), false, data.path())
    }

    #[test]
    fn a_demo_has_something_to_try_with_and_nobody_else() {
        let data = tempfile::tempdir().unwrap();
        let demo = Drivers::open(None, true, data.path()).unwrap();
        assert!(demo.find("certdesk-demo-driver").is_some(), "the demo's package is what its list says");
        let none = Drivers::open(None, false, data.path()).unwrap();
        assert!(none.find("certdesk-demo-driver").is_none() && none.served().body == b"[]", "no driver is made up");
    }

    #[test]
    fn a_package_that_is_not_what_was_published_is_not_offered() {
        assert!(offered(|_| {}).is_ok());
        assert!(offered(|list| list[0].sha256 = "0".repeat(64)).is_err(), "another content");
        assert!(offered(|list| list[0].bytes += 1).is_err(), "another size");
        assert!(offered(|list| list.push(list[0].clone())).is_err(), "two of one name");
        assert!(offered(|list| list[0].id = "../x".into()).is_err(), "an id that is a path");
        assert!(offered(|list| list[0].file_name = "../ca/root.key.pem".into()).is_err(), "a file from elsewhere");
        assert!(offered(|list| list[0].file_name = "driver.sh".into()).is_err(), "no installer");
    }
}
