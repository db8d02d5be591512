//! Every parser of bytes that come from outside, each as a target, and a storm of damaged specimens over it.
//!
//! A target takes bytes and must come back: no panic (overflow checks are on), no time, no memory, and where two parsers
//! read the same, one opinion. Specimens lie in `corpus/`, made by `fuzz specimens` from what the program itself writes, of
//! invented people. What the storm finds is put there by hand, so that it is never forgotten.

mod made;
pub mod storm;
mod targets;
mod web;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

pub use targets::TARGETS;

/// A parser, as the storm knows it.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder of specimens.
    pub name: &'static str,
    /// What sends such bytes.
    pub from: &'static str,
    /// Reads bytes. What it answers is the same for inputs that came equally far: a new answer makes an input worth keeping.
    pub read: fn(&[u8]) -> u64,
    /// Longest input worth trying, bytes.
    pub most: usize,
    /// Specimens made while it runs, too large to be kept or bound to what runs.
    pub made: fn() -> Vec<Vec<u8>>,
}

impl Target {
    /// The specimens: those that are kept, then those that are made.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn specimens(&self) -> Result<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        let folder = self.folder()?;
        if folder.is_dir() {
            let mut files: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
            files.sort_by_key(fs::DirEntry::file_name);
            for file in files {
                all.push(fs::read(file.path()).with_context(|| format!("{}", file.path().display()))?);
            }
        }
        all.extend((self.made)());
        Ok(all)
    }

    /// Where its specimens are kept.
    ///
    /// # Errors
    /// When the project is not there.
    pub fn folder(&self) -> Result<PathBuf> {
        Ok(stage::project_root()?.join("tests/fuzz/corpus").join(self.name))
    }
}

/// Writes the specimens that the program itself makes into `corpus/`; answers how many. What lies there besides stays.
///
/// # Errors
/// When they cannot be written.
pub fn write_specimens() -> Result<usize> {
    let mut count = 0;
    for target in TARGETS {
        let folder = target.folder()?;
        fs::create_dir_all(&folder)?;
        for (name, bytes) in made::specimens(target.name) {
            fs::write(folder.join(name), bytes)?;
            count += 1;
        }
    }
    Ok(count)
}
