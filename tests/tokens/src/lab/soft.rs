//! Tokens that are files.

use super::{Place, Standing, file, program};
use anyhow::{Context, Result};
use stage::SoftKey;
use std::{fs, path::PathBuf};

pub(super) const PIN: &str = "12345678";

/// A SoftHSM store with one token.
pub(super) fn softhsm(place: &Place<'_>) -> Result<Standing> {
    let (module, environment) = store(place)?;
    Ok(place.standing(module, Some((LABEL, PIN)), environment))
}

pub(super) const LABEL: &str = "福州云帆 lab";

/// A store for those that stand before SoftHSM: its module and its environment.
pub(super) fn store(place: &Place<'_>) -> Result<(PathBuf, Vec<(&'static str, std::ffi::OsString)>)> {
    program("softhsm2-util", "softhsm2")?;
    let key = SoftKey::blank(&place.path("store"), LABEL, PIN)?;
    Ok((key.module, vec![("SOFTHSM2_CONF", key.configuration.into())]))
}

/// Kryoptic, with an initialised token and one that is not.
pub(super) fn kryoptic(place: &Place<'_>) -> Result<Standing> {
    file("/usr/include/openssl/evp.h", "libssl-dev")?;
    file("/usr/include/sqlite3.h", "libsqlite3-dev")?;
    let module = place.build("kryoptic")?.join("libkryoptic_pkcs11.so");
    let slots: String = [(1, "one.sql"), (2, "two.sql")]
        .map(|(slot, store)| {
            let store = place.path(store);
            format!("[[slots]]\nslot = {slot}\ndbtype = \"sqlite\"\ndbargs = \"{}\"\n\n", store.display())
        })
        .concat();
    let configuration = place.path("token.conf");
    fs::write(&configuration, slots).context("the configuration cannot be written")?;
    let environment = vec![("KRYOPTIC_CONF", configuration.into())];
    place.initialise(&module, 1, LABEL_KRYOPTIC, PIN, &environment)?;
    Ok(place.standing(module, Some((LABEL_KRYOPTIC, PIN)), environment))
}

const LABEL_KRYOPTIC: &str = "lab-kryoptic";
