//! What the package of `cargo xtask dist` takes on a computer, beside the binary of an empty window.

use std::{fs, process::Command};

use anyhow::{Context, Result};
use stage::{program, project_root};

use crate::figure::{Figure, Limit};

/// Nothing where no package was built.
pub(crate) fn measure() -> Result<Vec<Figure>> {
    let folder = project_root()?.join("target/release/bundle/deb");
    let packages = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let Some(package) = packages.filter(|path| path.extension().is_some_and(|kind| kind == "deb")).max() else {
        eprintln!("no package: `cargo xtask dist` builds it");
        return Ok(Vec::new());
    };
    let told = Command::new("dpkg-deb").arg("--field").arg(&package).arg("Installed-Size").output()?;
    let kib: f64 = String::from_utf8_lossy(&told.stdout).trim().parse().context("the package tells no size")?;
    let peer = fs::metadata(program("empty-window")?)?.len() as f64 / 1024.0 / 1024.0;
    Ok(vec![Figure {
        name: "installed size (peer: an empty window's binary)",
        ours: kib / 1024.0,
        peer: Some(peer),
        unit: "MiB",
        limit: Limit::TimesAtMost(6.0),
    }])
}
