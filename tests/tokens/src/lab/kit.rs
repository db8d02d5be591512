//! Modules that stand before other modules: p11-kit's, OpenSC's spy. NSS too, which only p11-kit can hand its parameters.

use super::{Kept, Place, Standing, file, is_root, library, program, run, soft};
use crate::visit::Hand;
use anyhow::{Context, Result};
use std::{ffi::OsString, fs, path::Path, process::Command, time::Duration};

/// SoftHSM with every call written down.
pub(super) fn spy(place: &Place<'_>) -> Result<Standing> {
    let module = library("pkcs11-spy.so", "opensc-pkcs11")?;
    let (behind, mut environment) = soft::store(place)?;
    environment.push(("PKCS11SPY", behind.into()));
    environment.push(("PKCS11SPY_OUTPUT", place.path("calls.log").into()));
    Ok(place.standing(module, Some((soft::LABEL, soft::PIN)), environment))
}

/// The system's trust store.
pub(super) fn trust(place: &Place<'_>) -> Result<Standing> {
    let module = library("p11-kit-trust.so", "p11-kit-modules")?;
    file("/etc/ssl/certs/ca-certificates.crt", "ca-certificates")?;
    let mut standing = place.standing(module, None, Vec::new());
    standing.subject.label = Some("System Trust".into());
    Ok(standing)
}

/// SoftHSM and the trust store through one module.
pub(super) fn proxy(place: &Place<'_>) -> Result<Standing> {
    let (behind, environment) = soft::store(place)?;
    let trust = library("p11-kit-trust.so", "p11-kit-modules")?;
    let modules = [("softhsm2", module_line(&behind)), ("trust", module_line(&trust))];
    let mut standing = through_proxy(place, &modules, environment)?;
    standing.subject.label = Some(soft::LABEL.into());
    standing.subject.pin = Some(soft::PIN.into());
    standing.subject.so_pin = Some(super::SO_PIN.into());
    Ok(standing)
}

/// NSS' own soft token, which takes its parameters as a string at `C_Initialize`.
pub(super) fn nss(place: &Place<'_>) -> Result<Standing> {
    let module = library("libsoftokn3.so", "libnss3")?;
    let certutil = program("certutil", "libnss3-tools")?;
    let (database, password, noise) = (place.path("db"), place.path("password"), place.path("noise"));
    fs::create_dir(&database)?;
    fs::write(&password, soft::PIN)?;
    let database = format!("sql:{}", database.display());
    let certutil = || {
        let mut certutil = Command::new(&certutil);
        certutil.args(["-d", &database]).arg("-f").arg(&password);
        certutil
    };
    run(certutil().arg("-N"))?;
    for (name, key) in [("rsa", ["-k", "rsa", "-g", "2048"]), ("ec", ["-k", "ec", "-q", "nistp256"])] {
        // Its own randomness needs a person at the keyboard.
        fs::write(&noise, name.repeat(32))?;
        run(certutil()
            .args(["-S", "-x", "-t", "u,u,u", "-n", name, "-s", &format!("CN=Lab {name}")])
            .args(key)
            .arg("-z")
            .arg(&noise))?;
    }
    let parameters = format!(
        "configdir='' certPrefix='' keyPrefix='' secmod='' flags= \
         tokens=<0x04=[configDir='{database}' tokenDescription='lab-nss' slotDescription='NSS lab slot']>"
    );
    let lines = format!("{}x-init-reserved: {parameters}\n", module_line(&module));
    let mut standing = through_proxy(place, &[("nss", lines)], Vec::new())?;
    standing.subject.label = Some("lab-nss".into());
    standing.subject.pin = Some(soft::PIN.into());
    Ok(standing)
}

/// SoftHSM in a process of its own, spoken to over a socket.
pub(super) fn remote(place: &Place<'_>) -> Result<Standing> {
    let module = library("p11-kit-client.so", "p11-kit-modules")?;
    let server = program("p11-kit", "p11-kit")?;
    let (behind, environment) = soft::store(place)?;
    let socket = place.socket("sock")?;
    let serving = place.start(
        Command::new(server)
            .args(["server", "-f", "-n"])
            .arg(&socket)
            .arg("--provider")
            .arg(&behind)
            .arg("pkcs11:manufacturer=SoftHSM%20project")
            .envs(environment),
    )?;
    stage::until("the server's socket", Duration::from_secs(10), || socket.exists().then_some(()))?;
    let address = [OsString::from("unix:path="), socket.into()].into_iter().collect::<OsString>();
    let mut standing =
        place.standing(module, Some((soft::LABEL, soft::PIN)), vec![("P11_KIT_SERVER_ADDRESS", address)]);
    let server = serving.pid();
    standing.hands = Some(Box::new(move |hand| {
        // Each client has a process of its own behind the server; ended, the connection breaks. It cannot be put back.
        if hand == Hand::OutAtSignature {
            stage::descendants(server).into_iter().for_each(stage::end_tree);
        }
        Ok(())
    }));
    standing.keep.push(Kept::Program(serving));
    Ok(standing)
}

fn module_line(module: &Path) -> String {
    format!("module: {}\n", module.display())
}

fn through_proxy(
    place: &Place<'_>,
    modules: &[(&str, String)],
    mut environment: Vec<(&'static str, OsString)>,
) -> Result<Standing> {
    let module = library("p11-kit-proxy.so", "libp11-kit0")?;
    let home = place.path("home");
    let configuration = home.join(".config/pkcs11");
    fs::create_dir_all(configuration.join("modules"))?;
    fs::write(configuration.join("pkcs11.conf"), "user-config: only\n")?;
    for (name, lines) in modules {
        fs::write(configuration.join("modules").join(format!("{name}.module")), lines)
            .context("the configuration cannot be written")?;
    }
    environment.push(("XDG_CONFIG_HOME", home.join(".config").into()));
    environment.push(("HOME", home.into()));
    let mut standing = place.standing(module, None, environment);
    if is_root() {
        // p11-kit reads no user's configuration for root.
        let inside = ["unshare", "--user", "--map-user=1000", "--map-group=1000"];
        program(inside[0], "util-linux")?;
        if run(Command::new(inside[0]).args(&inside[1..]).arg("true")).is_err() {
            return Err(super::missing("user namespaces: for root, p11-kit reads no user's configuration"));
        }
        standing.inside = inside.map(OsString::from).to_vec();
    }
    Ok(standing)
}
