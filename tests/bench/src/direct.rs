//! The peer of the helper process: the same module, called in this very process and by nothing but PKCS#11.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    mechanism::Mechanism,
    object::{Attribute, ObjectClass},
    session::UserType,
    types::AuthPin,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stage::SoftKey;

/// What to do. The PIN of a made-up key, which may be seen.
#[derive(Serialize, Deserialize)]
struct Task {
    module: PathBuf,
    pin: String,
    key_id: Vec<u8>,
    rsa: bool,
    rounds: usize,
    /// Time a log-in and a signature together, instead of a signature.
    login: bool,
}

/// DER in front of a SHA-256 digest (RFC 8017 §9.2, note 1).
const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// Has a process of its own do it: the software key is named by a variable. Answers the times.
pub(crate) fn ask(key: &SoftKey, key_id: &[u8], rsa: bool, login: bool, rounds: usize) -> Result<Vec<Duration>> {
    let task = Task { module: key.module.clone(), pin: key.pin.clone(), key_id: key_id.to_vec(), rsa, rounds, login };
    let output = Command::new(std::env::current_exe()?)
        .args(["--direct", &serde_json::to_string(&task)?])
        .envs(key.environment())
        .output()?;
    ensure!(output.status.success(), "the direct calls failed: {}", String::from_utf8_lossy(&output.stderr));
    let times: Vec<u64> = serde_json::from_slice(&output.stdout)?;
    Ok(times.into_iter().map(Duration::from_nanos).collect())
}

/// Does it and prints the times, nanoseconds.
pub(crate) fn run(task: &str) -> Result<()> {
    let task: Task = serde_json::from_str(task)?;
    let module = Pkcs11::new(&task.module)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slots = module.get_slots_with_initialized_token()?;
    let slot = slots.first().context("no key is plugged in")?;
    let session = module.open_rw_session(*slot)?;
    let pin = AuthPin::new(task.pin.into());
    let sign = |message: &[u8]| -> Result<()> {
        let key =
            session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(task.key_id.clone())])?;
        let key = key.first().context("the key pair is not on the key")?;
        let digest = Sha256::digest(message);
        if task.rsa {
            session.sign(&Mechanism::RsaPkcs, *key, &[&DIGEST_INFO[..], &digest].concat())?;
        } else {
            session.sign(&Mechanism::Ecdsa, *key, &digest)?;
        }
        Ok(())
    };
    session.login(UserType::User, Some(&pin))?;
    let mut times = Vec::new();
    for round in 0..task.rounds {
        let message = round.to_le_bytes();
        if task.login {
            session.logout()?;
        }
        let start = Instant::now();
        if task.login {
            session.login(UserType::User, Some(&pin))?;
        }
        sign(&message)?;
        times.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    println!("{}", serde_json::to_string(&times)?);
    Ok(())
}
