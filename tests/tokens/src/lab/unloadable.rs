//! Files that are no module we can load: each is to be named as what it is.

use super::{Place, Standing, library, missing, run};
use anyhow::{Result, bail};
use std::{fs, path::PathBuf, process::Command};

pub(super) fn set_up(place: &Place<'_>) -> Result<Standing> {
    let module = match place.name.as_str() {
        // Its own dependency on IBM's cryptographic card is not linked: the loader finds an undefined symbol.
        "undefined-symbol" => library("libpkcs11_cca.so", "libopencryptoki0")?,
        "text-file" => {
            let file = place.path("module.so");
            fs::write(&file, "/* GNU ld script */\n")?;
            file
        }
        "no-module" => library("libc.so.6", "libc6")?,
        "nss-bare" => library("libsoftokn3.so", "libnss3")?,
        "32-bit" => softhsm_i386(place)?,
        "not-installed" => place.path("libgone.so"),
        other => bail!("the lab does not know how to set up {other}"),
    };
    Ok(place.standing(module, None, Vec::new()))
}

/// SoftHSM for i386, unpacked, not installed: from the system's own package sources, with lists of its own, so that no
/// architecture is added to the system.
fn softhsm_i386(place: &Place<'_>) -> Result<PathBuf> {
    let kept = place.lab.builds.join("i386");
    let module = kept.join("usr/lib/softhsm/libsofthsm2.so");
    let other = kept.join("usr/lib/i386-linux-gnu/softhsm/libsofthsm2.so");
    let there = |module: &PathBuf| module.is_file();
    if let Some(module) = [&module, &other].into_iter().find(|module| there(module)) {
        return Ok(module.clone());
    }
    super::program("apt-get", "apt")?;
    let (lists, cache, state) = (place.path("lists"), place.path("cache"), place.path("state"));
    for folder in [lists.join("partial"), cache.join("archives/partial"), state.clone(), kept.clone()] {
        fs::create_dir_all(folder)?;
    }
    fs::write(state.join("status"), "")?;
    let configuration = place.path("apt.conf");
    fs::write(
        &configuration,
        format!(
            "Dir::State \"{state}\";\nDir::State::lists \"{lists}\";\nDir::State::status \"{state}/status\";\n\
             Dir::Cache \"{cache}\";\nAPT::Architecture \"i386\";\nAPT::Architectures {{ \"i386\"; }};\n\
             APT::Sandbox::User \"root\";\n",
            state = state.display(),
            lists = lists.display(),
            cache = cache.display()
        ),
    )?;
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get")
            .arg("-qq")
            .args(arguments)
            .env("APT_CONFIG", &configuration)
            .current_dir(&place.folder))
    };
    // An index that is out of step is left out by apt; what counts is the package.
    let _ = apt(&["update"]);
    apt(&["download", "libsofthsm2"]).map_err(|error| missing(format!("the package libsofthsm2:i386 ({error})")))?;
    for entry in fs::read_dir(&place.folder)?.flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "deb") {
            run(Command::new("dpkg-deb").arg("-x").arg(entry.path()).arg(&kept))?;
        }
    }
    let made = [module, other].into_iter().find(there);
    made.ok_or_else(|| missing("a 32-bit SoftHSM in the package libsofthsm2:i386"))
}
