//! Judges written in Python: set up once in a virtual environment of their own.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// A Python with a library of PyPI, in a virtual environment at `venv`; `None`, with the reason printed, where it cannot
/// be. `module` is what is imported, `requirement` what pip is asked for. Tests that want the same one wait for the first.
pub fn python_with(venv: &Path, module: &str, requirement: &str) -> Option<PathBuf> {
    let _one_sets_up = match lock(venv) {
        Ok(held) => held,
        Err(error) => {
            println!("skipped: no place for a Python of its own ({error})");
            return None;
        }
    };
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
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "10", requirement];
    let installed = Command::new(&python).args(install).output();
    if !works() {
        println!("skipped: pip could not install {requirement} ({installed:?})");
        return None;
    }
    Some(python)
}

/// pip replaces files that another Python may be running from; closing the file lets go of the lock.
fn lock(venv: &Path) -> io::Result<File> {
    if let Some(folder) = venv.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::create(venv.with_extension("lock"))?;
    file.lock()?;
    Ok(file)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{os::unix::fs::symlink, sync::mpsc, thread, time::Duration};

    use super::*;

    #[test]
    fn who_wants_a_python_that_another_sets_up_waits() {
        let folder = tempfile::tempdir().unwrap();
        let venv = folder.path().join("venv");
        fs::create_dir_all(venv.join("bin")).unwrap();
        symlink("/bin/true", venv.join("bin/python")).unwrap();

        let first = lock(&venv).unwrap();
        let (tell, told) = mpsc::channel();
        let of_second = venv.clone();
        thread::spawn(move || tell.send(python_with(&of_second, "library", "library")));
        assert!(told.recv_timeout(Duration::from_millis(200)).is_err(), "the second runs what the first still writes");
        drop(first);
        let python = told.recv_timeout(Duration::from_secs(5)).expect("the second waits for nobody");
        assert_eq!(python, Some(venv.join("bin/python")), "the second gets what the first set up");
    }
}
