//! A TPM in software, and tpm2-pkcs11 on it. No resource manager: that is how one finds it on small machines.

use super::{Kept, Place, Standing, library, program};
use anyhow::Result;
use std::{fs, process::Command, time::Duration};

pub(super) fn tpm2(place: &Place<'_>) -> Result<Standing> {
    let module = library("libtpm2_pkcs11.so", "libtpm2-pkcs11-1")?;
    library("libtss2-tcti-swtpm.so.0", "libtss2-tcti-swtpm0")?;
    let swtpm = program("swtpm", "swtpm")?;
    // The library expects the control socket under the other's name with `.ctrl`.
    let (socket, control) = (place.socket("sock")?, place.socket("sock.ctrl")?);
    let (state, store) = (place.path("state"), place.path("store"));
    fs::create_dir(&state)?;
    fs::create_dir(&store)?;
    let tpm = place.start(
        Command::new(swtpm)
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={}", state.display())])
            .args(["--server", &format!("type=unixio,path={}", socket.display())])
            .args(["--ctrl", &format!("type=unixio,path={}", control.display())]),
    )?;
    stage::until("the TPM's socket", Duration::from_secs(10), || control.exists().then_some(()))?;
    let environment = vec![
        ("TPM2_PKCS11_STORE", store.into()),
        ("TPM2_PKCS11_TCTI", format!("swtpm:path={}", socket.display()).into()),
        ("TSS2_LOG", "all+none".into()),
        ("TPM2_PKCS11_LOG_LEVEL", "0".into()),
    ];
    place.initialise(&module, 1, LABEL, PIN, &environment)?;
    let mut standing = place.standing(module, Some((LABEL, PIN)), environment);
    standing.keep.push(Kept::Program(tpm));
    Ok(standing)
}

const LABEL: &str = "lab-tpm2";
const PIN: &str = "123456";
