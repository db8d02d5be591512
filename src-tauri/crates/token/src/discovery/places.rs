//! Where each system keeps its own list of modules, and what our profiles add. One interface for all systems, compiled
//! on all, so that each can be looked at from each.

use super::{manifests, p11kit};
use pkcs11_profiles::{Arch, ModuleCandidate, Os};
use std::path::{Path, PathBuf};

/// A module that the system has on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registration {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Whose list.
    pub(super) by: &'static str,
}

/// What this computer says of modules.
pub(super) struct Places {
    pub(super) registered: Vec<Registration>,
    pub(super) profiled: Vec<ModuleCandidate>,
}

impl Places {
    pub(super) fn here(os: Os, arch: Arch) -> Self {
        let home = std::env::home_dir();
        let mut registered = p11kit::registered(&p11kit::Folders::of(os, arch, home.as_deref()));
        registered.extend(manifests::in_folders(&manifests::folders(os, home.as_deref())));
        registered.extend(manifests::in_registry());
        let candidates = pkcs11_profiles::candidates(os, arch).into_iter();
        let profiled = candidates.flat_map(|found| {
            let files = found.files().into_iter();
            files.map(move |path| ModuleCandidate { path, ..found.clone() })
        });
        Self { registered, profiled: profiled.collect() }
    }

    pub(super) fn none() -> Self {
        Self { registered: Vec::new(), profiled: Vec::new() }
    }

    /// Modules that stand for no token: lists of trusted certificates, and p11-kit's own, which load all others into one
    /// process. Used where a person asks for them, not because they are on a list.
    pub(super) fn is_left_alone(&self, path: &Path) -> bool {
        pkcs11_profiles::of_module(path).is_some_and(|profile| !profile.token)
    }
}
