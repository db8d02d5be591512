//! Facts about tokens and their PKCS#11 modules, as data.
//!
//! Each file in `profiles/` tells of one vendor's tokens: where its modules are installed, by which USB numbers the
//! tokens are known, and in what they differ from the standard. Knows no token, loads nothing; a path given here is a
//! candidate, not a promise. How to add one: `README.md`.

mod bundle;
mod check;
mod path;
mod profile;

pub use bundle::{Bundle, BundleError, FORMAT};
pub use path::{Arch, Os};
pub use profile::{
    LabelEncoding, Location, Package, PackageOs, PinCharacters, PinRules, Profile, Quirks, SignatureForm, Sm2, Trust,
    Unblock,
};

use std::{
    path::{Path, PathBuf},
    sync::{LazyLock, PoisonError, RwLock},
};

/// A place where a module may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleCandidate {
    /// [`Profile::id`]
    pub profile: String,
    /// [`Profile::name`], for people.
    pub name: String,
    /// Absolute path; `*` stands for any part of a name.
    pub path: PathBuf,
    /// What it speaks.
    pub interface: Interface,
}

impl ModuleCandidate {
    /// The files it stands for: itself, or what a pattern finds. They need not exist.
    pub fn files(&self) -> Vec<PathBuf> {
        path::files(self.path.clone())
    }
}

/// What a driver's library speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// PKCS#11, which this program speaks.
    Pkcs11,
    /// SKF (GM/T 0016), which it does not.
    Skf,
}

/// All profiles, by id: those packaged with the program, and over them those of [`overlay`].
pub fn all() -> &'static [Profile] {
    *CURRENT.read().unwrap_or_else(PoisonError::into_inner)
}

/// Profiles that are newer than the packaged ones: each takes the place of the one with its id, or is added. Every call
/// begins from the packaged ones again. What was given out before stays valid: a set is kept as long as the program runs,
/// which is bearable for something that happens a few times a year.
pub fn overlay(profiles: Vec<Profile>) {
    let mut all = packaged().to_vec();
    for profile in profiles {
        match all.iter_mut().find(|known| known.id == profile.id) {
            Some(known) => *known = profile,
            None => all.push(profile),
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Vec::leak(all);
}

static CURRENT: LazyLock<RwLock<&'static [Profile]>> = LazyLock::new(|| RwLock::new(packaged()));

fn packaged() -> &'static [Profile] {
    static PACKAGED: LazyLock<Vec<Profile>> = LazyLock::new(|| {
        let read = |(id, text): &(&str, &str)| {
            Profile::parse(id, text).expect("a test holds that every packaged profile reads")
        };
        FILES.iter().map(read).collect()
    });
    &PACKAGED
}

/// Every place to look for a driver on such a computer, the profiles' own order kept: those for its own processes, then
/// those where a driver for 32-bit processes lies beside them. Environment variables in Windows paths are those of this
/// process, or what they usually are.
pub fn candidates(os: Os, arch: Arch) -> Vec<ModuleCandidate> {
    places(all(), os, arch)
}

/// The same of one profile, packaged or not.
pub fn candidates_of(profile: &Profile, os: Os, arch: Arch) -> Vec<ModuleCandidate> {
    places(std::slice::from_ref(profile), os, arch)
}

fn places(profiles: &[Profile], os: Os, arch: Arch) -> Vec<ModuleCandidate> {
    let mut found: Vec<ModuleCandidate> = Vec::new();
    let narrow = (arch == Arch::X86_64).then_some(Arch::X86);
    let interfaces = [Interface::Pkcs11, Interface::Skf];
    for (interface, of) in interfaces.into_iter().flat_map(|it| [Some(arch), narrow].map(|of| (it, of))) {
        let Some(of) = of else { continue };
        for profile in profiles {
            let places = match interface {
                Interface::Pkcs11 => &profile.module,
                Interface::Skf => &profile.skf,
            };
            let fitting = places.iter().filter(|place| place.os == os && place.fits(of));
            for path in fitting.flat_map(|place| &place.paths) {
                let path = path::expand(path, os, of, of != arch);
                if !found.iter().any(|known| known.path == path) {
                    let (profile, name) = (profile.id.clone(), profile.name.clone());
                    found.push(ModuleCandidate { profile, name, path, interface });
                }
            }
        }
    }
    found
}

/// A profile by its id.
pub fn by_id(id: &str) -> Option<&'static Profile> {
    all().iter().find(|profile| profile.id == id)
}

/// The profile of a module, known by its file name.
pub fn of_module(module: &Path) -> Option<&'static Profile> {
    let name = module.file_name()?.to_str()?;
    if NAMES_OF_ANYBODY.iter().any(|common| common.eq_ignore_ascii_case(name)) {
        return None;
    }
    all().iter().find(|profile| profile.module_names().any(|known| path::matches(known, name)))
}

/// What is special about a module, known by its file name; nothing where no profile lists that name.
pub fn quirks(module: &Path) -> Quirks {
    of_module(module).map(|profile| profile.quirks.clone()).unwrap_or_default()
}

/// File names that tell nothing.
const NAMES_OF_ANYBODY: [&str; 3] = ["pkcs11.dll", "libpkcs11.dylib", "libpkcs11.so"];

macro_rules! packaged {
    ($($id:literal,)*) => { &[$(($id, include_str!(concat!("../profiles/", $id, ".toml"))),)*] };
}

/// The packaged files: id and text, by id.
const FILES: &[(&str, &str)] = packaged![
    "acs",
    "akis",
    "arguskey",
    "athena",
    "belgium-eid",
    "bit4id",
    "bjca",
    "brazil-cloud",
    "cardcontact",
    "cardos",
    "certgate",
    "certsign",
    "certum",
    "charismathics",
    "croatia-eid",
    "czech-eid",
    "dexon",
    "estonia-eid",
    "feitian-epass2000",
    "feitian-epass2003",
    "feitian-epass3000gm",
    "feitian-epass3003",
    "gdca",
    "gemalto-classic",
    "goldkey",
    "haitai",
    "idopte",
    "infosec",
    "innait",
    "jacarta",
    "legacy",
    "linguo-lg3073",
    "longmai-cryptoid",
    "longmai-gm3000",
    "mcard",
    "murcia",
    "netca",
    "nexus-personal",
    "nitrokey",
    "oberthur",
    "opensc",
    "p11-kit",
    "rutoken",
    "safenet-etoken",
    "safesign",
    "slovakia-eid",
    "softhsm",
    "spain",
    "thales-idprime",
    "tpm2",
    "trustkey",
    "ukraine",
    "vietnam",
    "watchdata",
    "xiangsheng",
    "yingdaxin",
    "ypsid",
    "yubico",
    "ztxa-usk218",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
    const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.json");
    const README: &str = include_str!("../README.md");

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
    fn every_profile_makes_sense() {
        for profile in packaged() {
            let faults = profile.faults(&|id| FILES.iter().any(|(known, _)| *known == id));
            assert_eq!(faults, [""; 0], "profiles/{}.toml", profile.id);
        }
    }

    /// Two profiles may share a reader's USB number; each file name has one profile that speaks for it.
    #[test]
    fn no_two_profiles_claim_one_module() {
        let mut claimed = BTreeSet::new();
        for profile in packaged() {
            let names: BTreeSet<_> = profile.module_names().map(str::to_ascii_lowercase).collect();
            for name in names.into_iter().filter(|name| !NAMES_OF_ANYBODY.contains(&name.as_str())) {
                // SafeNet's client brings Thales' module along.
                let shared = name == "idprimepkcs1164.dll";
                assert!(shared || claimed.insert(name.clone()), "{name} is in {} and in another profile", profile.id);
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
        assert_eq!(of_module(Path::new("/opt/x/HtPkcs1120549.dll")).map(|it| it.id.as_str()), Some("haitai"));
        assert_eq!(quirks(Path::new("/usr/lib/unknown.so")), Quirks::default());
        assert!(of_module(Path::new("/opt/x/pkcs11.dll")).is_none(), "a name that anybody may give says nothing");
    }

    #[test]
    fn a_newer_profile_takes_the_place_of_the_packaged_one() {
        let lab = |id: &str| Profile { name: "newer".into(), ..Profile::parse(id, FILES[0].1).unwrap() };
        let before = all().len();
        overlay(vec![lab("zz-lab"), lab("zz-lab-too")]);
        assert_eq!(all().len(), before + 2, "new ones are added");
        overlay(vec![Profile { name: "newest".into(), ..lab("zz-lab") }]);
        assert_eq!(all().len(), before + 1, "each overlay begins from the packaged ones");
        assert_eq!(by_id("zz-lab").map(|it| it.name.as_str()), Some("newest"));
        overlay(Vec::new());
        assert_eq!(all().len(), before, "and can be taken off");
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_judged_without_harm(text in ".{0,400}", at in any::<prop::sample::Index>(), cut in 0usize..40) {
            let _ = Profile::parse("any", &text);
            // A real one with a piece of it replaced.
            let real = FILES[at.index(FILES.len())].1;
            let chars: Vec<char> = real.chars().collect();
            let from = at.index(chars.len());
            let to = (from + cut).min(chars.len());
            let broken: String = chars[..from].iter().copied().chain(text.chars().take(cut)).chain(chars[to..].iter().copied()).collect();
            if let Ok(profile) = Profile::parse("any", &broken) {
                let _ = profile.faults(&|_| false);
            }
        }
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

    #[test]
    fn the_readme_tells_of_every_field_and_quirk() {
        let schema: serde_json::Value = serde_json::to_value(schemars::schema_for!(Profile)).unwrap();
        let names = |at: &str| -> Vec<String> {
            schema.pointer(at).and_then(|found| found.as_object()).unwrap().keys().cloned().collect()
        };
        let parts =
            ["/properties", "/$defs/Quirks/properties", "/$defs/Package/properties", "/$defs/PinRules/properties"];
        for field in parts.into_iter().flat_map(names) {
            assert!(README.contains(&format!("`{field}`")), "README.md says nothing of `{field}`");
        }
    }

    #[test]
    fn what_the_helper_is_told_arrives() {
        for (generate, signature) in [(Some(0x8001_0003), SignatureForm::Raw), (None, SignatureForm::Der)] {
            let sm2 = Some(Sm2 { key_type: 0x8001_0001, sign: 0x8001_0002, generate, signature });
            let (labels, ecdsa, unblock) = (LabelEncoding::Gbk, SignatureForm::Der, Unblock::Puk);
            let told = Quirks { labels, ecdsa, change_logged_in: true, unblock, sm2, ..Quirks::default() };
            let arguments = told.to_arguments();
            assert_eq!(Quirks::from_arguments(arguments.iter().map(String::as_str)), Some(told));
        }
        assert_eq!(Quirks::default().to_arguments(), [""; 0], "of a module that keeps to the standard nothing is told");
        for nonsense in
            ["", "labels", "ecdsa=other", "unblock=so", "sm2=1,2", "sm2=80010001,80010002,-,raw,more", "sm2=x,y,-,raw"]
        {
            assert_eq!(Quirks::from_arguments([nonsense]), None, "{nonsense:?} tells nothing");
        }
    }
}
