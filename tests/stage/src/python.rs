//! Judges written in Python: set up once in a virtual environment of their own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A Python with a library of PyPI, in a virtual environment at `venv`; `None`, with the reason printed, where it cannot
/// be. `module` is what is imported, `requirement` what pip is asked for.
pub fn python_with(venv: &Path, module: &str, requirement: &str) -> Option<PathBuf> {
    let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let import = format!("import {module}");
    let works = || Command::new(&python).args(["-c", &import]).output().is_ok_and(|o| o.status.success());
    if works() {
        return Some(python);
    }
    let base = if cfg!(windows) { "python" } else { "python3" };
    let made = Command::new(base).args(["-m", "venv"]).arg(venv).output();
    if !made.as_ref().is_ok_and(|o| o.status.success()) {
        println!("skipped: no Python with venv here ({made:?})");
        return None;
    }
    let installed =
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "--timeout", "10", requirement]).output();
    if !works() {
        println!("skipped: pip could not install {requirement} ({installed:?})");
        return None;
    }
    Some(python)
}
