//! OpenSC's `pkcs11-spy`: forwards to a module and writes down every call that reaches it.

use crate::{SoftHsm, on_windows};
use std::path::{Path, PathBuf};

/// Where distributions put it.
const FOLDERS: [&str; 4] = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];

/// The spy before a store's module.
#[derive(Debug)]
pub struct Spy {
    /// The spy's own file, absolute: the module to load.
    pub module: PathBuf,
    log: PathBuf,
}

impl Spy {
    /// Puts it before the module of `store`, whose environment then says so.
    ///
    /// # Panics
    /// Where it is not installed, naming the package.
    pub fn on(store: &mut SoftHsm) -> Self {
        let places = FOLDERS
            .iter()
            .flat_map(|folder| ["pkcs11", "."].map(|sub| Path::new(folder).join(sub).join("pkcs11-spy.so")));
        let module =
            places.into_iter().find(|path| path.is_file() && cfg!(unix)).or_else(|| on_windows("pkcs11-spy.dll"));
        let module = module.expect("install opensc-pkcs11: pkcs11-spy.so is missing");
        let log = store.dir.path().join("calls.log");
        store.environment.push(("PKCS11SPY".into(), store.module.clone().into()));
        store.environment.push(("PKCS11SPY_OUTPUT".into(), log.clone().into()));
        Self { module, log }
    }

    /// How often a function was called.
    ///
    /// # Panics
    /// Before the spy was loaded.
    pub fn calls(&self, function: &str) -> usize {
        let text = std::fs::read_to_string(&self.log).expect("the spy writes what it sees");
        text.lines().filter(|line| line.ends_with(&format!(": {function}"))).count()
    }
}
