//! Facts about tokens and their PKCS#11 modules, as data.
//!
//! Each file in `profiles/` tells of one vendor's tokens: where its modules are installed, by which USB numbers the
//! tokens are known, and in what they differ from the standard. Knows no token, loads nothing; a path given here is a
//! candidate, not a promise. How to add one: `README.md`.

mod path;
mod profile;

pub use path::{Arch, Os};
pub use profile::{Location, PinCharacters, PinRules, Profile, Quirks, Sm2, Sm2Signature, Trust};

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

/// Every place to look for a module on such a computer, the profiles' own order kept: those for its own processes, then
/// those where a driver for 32-bit processes lies beside them. Environment variables in Windows paths are those of this
/// process, or what they usually are.
pub fn candidates(os: Os, arch: Arch) -> Vec<ModuleCandidate> {
    let mut found: Vec<ModuleCandidate> = Vec::new();
    let narrow = (arch == Arch::X86_64).then_some(Arch::X86);
    for of in [Some(arch), narrow].into_iter().flatten() {
        for profile in all() {
            let fitting = profile.module.iter().filter(|module| module.os == os && module.fits(of));
            for path in fitting.flat_map(|module| &module.paths) {
                let path = path::expand(path, os, of, of != arch);
                if !found.iter().any(|known| known.path == path) {
                    found.push(ModuleCandidate { profile: profile.id.clone(), name: profile.name.clone(), path });
                }
            }
        }
    }
    found
}

/// The profile of a module, known by its file name.
pub fn of_module(module: &Path) -> Option<&'static Profile> {
    let name = module.file_name()?.to_str()?;
    let knows = |profile: &&Profile| {
        profile.module.iter().flat_map(|module| &module.paths).any(|path| path::file_name(path) == name)
    };
    all().iter().find(knows)
}

/// What is special about a module, known by its file name; nothing where no profile lists that name.
pub fn quirks(module: &Path) -> Quirks {
    of_module(module).map(|profile| profile.quirks).unwrap_or_default()
}

/// The packaged files: id and text, by id.
const FILES: &[(&str, &str)] = &[
    ("athena", include_str!("../profiles/athena.toml")),
    ("bit4id", include_str!("../profiles/bit4id.toml")),
    ("feitian-epass2003", include_str!("../profiles/feitian-epass2003.toml")),
    ("feitian-epass3000gm", include_str!("../profiles/feitian-epass3000gm.toml")),
    ("feitian-epass3003", include_str!("../profiles/feitian-epass3003.toml")),
    ("haitai", include_str!("../profiles/haitai.toml")),
    ("longmai-cryptoid", include_str!("../profiles/longmai-cryptoid.toml")),
    ("longmai-gm3000", include_str!("../profiles/longmai-gm3000.toml")),
    ("opensc", include_str!("../profiles/opensc.toml")),
    ("p11-kit", include_str!("../profiles/p11-kit.toml")),
    ("rutoken", include_str!("../profiles/rutoken.toml")),
    ("safenet-etoken", include_str!("../profiles/safenet-etoken.toml")),
    ("safesign", include_str!("../profiles/safesign.toml")),
    ("softhsm", include_str!("../profiles/softhsm.toml")),
    ("thales-idprime", include_str!("../profiles/thales-idprime.toml")),
    ("watchdata", include_str!("../profiles/watchdata.toml")),
    ("yubico", include_str!("../profiles/yubico.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
    const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.json");

    #[test]
    fn every_file_is_packaged_and_reads() {
        let there: BTreeSet<String> = std::fs::read_dir(FOLDER)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".toml").to_string())
            .collect();
        let packaged: BTreeSet<String> = FILES.iter().map(|(id, _)| id.to_string()).collect();
        assert_eq!(there, packaged, "add the new file to FILES in src/lib.rs");
        for (id, text) in FILES {
            if let Err(error) = Profile::parse(id, text) {
                panic!("profiles/{id}.toml is no profile: {error}");
            }
        }
    }

    #[test]
    fn every_profile_says_where_it_comes_from_and_where_to_look() {
        for profile in all() {
            let id = &profile.id;
            assert!(!profile.source.is_empty(), "{id} names no source");
            assert!(!profile.module.is_empty(), "{id} names no module");
            for usb in &profile.usb {
                let number = |text: &str| {
                    text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
                };
                assert!(
                    usb.split_once(':').is_some_and(|(v, p)| number(v) && number(p)),
                    "{id}: {usb} is no USB number"
                );
            }
            for module in &profile.module {
                assert!(!module.paths.is_empty(), "{id} has a place without paths");
                for path in &module.paths {
                    assert!(
                        path::is_absolute(path, module.os),
                        "{id}: {path} is not absolute, it would be searched for"
                    );
                }
            }
        }
    }

    #[test]
    fn placeholders_are_filled_in() {
        let paths = |os, arch| {
            candidates(os, arch).into_iter().map(|c| c.path.to_str().unwrap().to_string()).collect::<Vec<_>>()
        };
        assert!(paths(Os::Linux, Arch::Aarch64).contains(&"/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so".to_string()));
        let windows = paths(Os::Windows, Arch::X86_64);
        assert!(windows.iter().any(|path| path.ends_with(r":\Windows\System32\eTPKCS11.dll") || cfg!(windows)));
        assert!(windows.iter().all(|path| !path.contains('%')), "no variable may be left: {windows:?}");
        assert!(
            windows.iter().any(|path| path.ends_with(r"\SysWOW64\HtPkcs11.dll"))
                && !windows.iter().any(|path| path.ends_with(r"\System32\HtPkcs11.dll")),
            "a 32-bit driver lies where a 64-bit process sees it, so that it can be named"
        );
    }

    #[test]
    fn a_module_is_known_by_its_file_name_wherever_it_lies() {
        assert!(quirks(Path::new("/nix/store/x/lib/softhsm/libsofthsm2.so")).spare_slot);
        assert_eq!(quirks(Path::new("/usr/lib/unknown.so")), Quirks::default());
    }

    /// `UPDATE=1 cargo test -p pkcs11-profiles` writes the schema anew.
    #[test]
    fn the_schema_is_that_of_the_types() {
        let made = serde_json::to_string_pretty(&schemars::schema_for!(Profile)).unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(SCHEMA, &made).unwrap();
        }
        let written = std::fs::read_to_string(SCHEMA).unwrap_or_default();
        assert!(made == written, "schema.json is stale: run UPDATE=1 cargo test -p pkcs11-profiles");
    }
}
