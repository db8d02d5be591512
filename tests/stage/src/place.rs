//! Where things are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// The project's folder.
///
/// # Errors
/// When neither cargo's variable nor the working directory is inside the project.
pub fn project_root() -> Result<PathBuf> {
    let start = env::var_os("CARGO_MANIFEST_DIR").map_or_else(env::current_dir, |dir| Ok(PathBuf::from(dir)))?;
    let inside = |dir: &&Path| dir.join("src-tauri/tauri.conf.json").is_file();
    Ok(start.ancestors().find(inside).context("this is to be run inside the project's folder")?.to_owned())
}

/// The binary `name` that cargo built beside the running one (also when a test or example asks).
///
/// # Errors
/// When it has not been built.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = env::current_exe()?;
    let mut folder = own.parent().context("the running program has no folder")?;
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder = folder.parent().context("cargo's folder has no parent")?;
    }
    let path = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    ensure!(path.is_file(), "{name} has not been built: `cargo xtask test` and `cargo xtask demo` build it first");
    Ok(path)
}

/// Copies a folder with all that is in it; what is there already under the same names is replaced.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
