//! openCryptoki's soft token. All its paths are compiled in, so it gets a mount namespace of its own.

use super::{Place, Standing, library, program, run};
use anyhow::Result;
use std::{ffi::OsString, fs, process::Command};

pub(super) fn soft_token(place: &Place<'_>) -> Result<Standing> {
    let module = library("libopencryptoki.so", "libopencryptoki0")?;
    program("pkcsslotd", "opencryptoki")?;
    program("pkcs11-tool", "opensc")?;
    program("unshare", "util-linux")?;
    if run(Command::new("unshare").args(["--user", "--map-root-user", "--mount", "--ipc", "true"])).is_err() {
        return Err(super::missing("user namespaces: openCryptoki's folders are compiled in"));
    }
    for folder in ["etc", "lib/swtok/TOK_OBJ", "log/opencryptoki", "run/lock/opencryptoki/swtok"] {
        fs::create_dir_all(place.path(folder))?;
    }
    let slot = "version opencryptoki-3.1\nslot 3\n{\nstdll = libpkcs11_sw.so\n}\n";
    fs::write(place.path("etc/opencryptoki.conf"), slot)?;
    // It wants its users in a group of this name.
    let groups = fs::read_to_string("/etc/group")?;
    let others: Vec<&str> = groups.lines().filter(|line| !line.starts_with("pkcs11:")).collect();
    fs::write(place.path("group"), format!("{}\npkcs11:x:0:root\n", others.join("\n")))?;

    let inside: Vec<OsString> =
        vec!["bash".into(), place.lab.sources.join("opencryptoki.sh").into(), place.folder.clone().into()];
    let setup = format!(
        "pkcs11-tool --module {module} --init-token --slot 3 --label {LABEL} --so-pin 87654321 && \
         pkcsconf -P -c 3 -S 87654321 -n 12345678 && pkcsconf -u -c 3 -S 12345678 -n {PIN}",
        module = module.display()
    );
    run(Command::new(&inside[0]).args(&inside[1..]).args(["bash", "-c", &setup]))?;
    let mut standing = place.standing(module, Some((LABEL, PIN)), Vec::new());
    standing.inside = inside;
    Ok(standing)
}

const LABEL: &str = "lab-ock";
const PIN: &str = "123456";
