//! The campaign of disks: full, read-only, broken, and cut off from power. The program runs with `tests/faulty-disk` before
//! the C library, and its folder lies on the disk that fails.
//!
//! - **Refusals**: from the N-th change on the disk takes nothing, until there is room again. The person reads a sentence,
//!   makes room, presses the button again, and everything acknowledged before and after is there.
//! - **Power cuts**: one journey is written down, change by change, with what was acknowledged in between. For any moment
//!   of it the disk is made as it would be had the power gone then: what was not synced is missing, wholly or in part. The
//!   program's own store opens it, and what was acknowledged by then is in it.

mod cut;
mod refusals;

pub use cut::{Cut, cuts};
pub use refusals::{Refusal, refusals};

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// What is preloaded.
fn library() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join("libfaulty_disk.so")).find(|file| file.is_file());
    found.context("tests/faulty-disk is not built")
}

/// The environment of a program whose folder lies on a faulty disk.
fn environment(folder: &Path, more: &[(&str, OsString)]) -> Result<Vec<(OsString, OsString)>> {
    ensure!(cfg!(target_os = "linux"), "a disk is made faulty on Linux alone");
    std::fs::create_dir_all(folder)?;
    let mut environment =
        vec![("LD_PRELOAD".into(), library()?.into()), ("CERTDESK_DISK_FOLDER".into(), folder.canonicalize()?.into())];
    environment.extend(more.iter().map(|(name, value)| ((*name).into(), value.clone())));
    Ok(environment)
}
