//! Facts about tokens and their PKCS#11 modules, as data.
//!
//! Each file in `profiles/` tells of one vendor's tokens: where its modules are installed, by which USB numbers the
//! tokens are known, and in what they differ from the standard. Knows no token, loads nothing; a path given here is a
//! candidate, not a promise. How to add one: `README.md`.

mod path;
mod profile;

pub use path::{Arch, Os};
pub use profile::{Location, Profile, Quirks, Trust};

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// A place where a module may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleCandidate {
    /// [`Profile::id`]
    pub profile: String,
    /// [`Profile::name`], for people.
    pub name: String,
    /// Absolute path.
    pub path: PathBuf,
}

/// All profiles, by id.
pub fn all() -> &'static [Profile] {
    static ALL: LazyLock<Vec<Profile>> = LazyLock::new(|| {
        FILES
            .iter()
            .map(|(id, text)| Profile::parse(id, text).expect("a test holds that every packaged profile reads"))
            .collect()
    });
    &ALL
}

/// Every place to look for a module on such a computer, the profiles' own order kept. Environment variables in Windows
/// paths are those of this process, or what they usually are.
pub fn candidates(os: Os, arch: Arch) -> Vec<ModuleCandidate> {
    let mut found = Vec::new();
    for profile in all() {
        let fitting = profile.module.iter().filter(|module| module.os == os && module.fits(arch));
        for path in fitting.flat_map(|module| &module.paths) {
            found.push(ModuleCandidate {
                profile: profile.id.clone(),
                name: profile.name.clone(),
                path: path::expand(path, os, arch),
            });
        }
    }
    found
}

/// The candidates that exist on this computer; several names of one file (symbolic links) are given once.
pub fn installed() -> Vec<ModuleCandidate> {
    let (Some(os), Some(arch)) = (Os::here(), Arch::here()) else { return Vec::new() };
    let mut seen = Vec::new();
    let mut found = candidates(os, arch);
    found.retain(|candidate| match candidate.path.canonicalize() {
        Ok(real) if real.is_file() && !seen.contains(&real) => {
            seen.push(real);
            true
        }
        _ => false,
    });
    found
}

/// What is special about a module, known by its file name; nothing where no profile lists that name.
pub fn quirks(module: &Path) -> Quirks {
    let Some(name) = module.file_name().and_then(|name| name.to_str()) else { return Quirks::default() };
    all()
        .iter()
        .find(|profile| profile.module.iter().flat_map(|module| &module.paths).any(|path| path::file_name(path) == name))
        .map(|profile| profile.quirks)
        .unwrap_or_default()
}

/// The packaged files: id and text.
const FILES: &[(&str, &str)] = &[];
