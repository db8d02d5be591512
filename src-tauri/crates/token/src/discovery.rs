//! Which PKCS#11 modules this computer has, and which of them can be used.
//!
//! Three sources, in this order: what the system has registered (p11-kit, manifests for Firefox), the places our
//! profiles know, and what a person added. Each file is judged by its bytes and never loaded to find out; what cannot be
//! used is kept with the reason, so that it can be said. Blocking: it reads folders and files.

mod libraries;
mod manifests;
mod p11kit;
mod places;

/// The readers of what others wrote, for `tests/fuzz` alone. Each tells what it made of the bytes.
#[cfg(feature = "fuzz")]
pub mod readers {
    pub use super::{
        libraries::read_bytes as library, libraries::read_loader_cache as loader_cache,
        manifests::read_bytes as manifest, p11kit::read_bytes as p11_kit,
    };
}

use crate::header::{Header, Machine};
use certdesk_domain::token::{ModuleFault, ModuleOrigin};
use pkcs11_profiles::{Arch, Interface, Os, Trust};
use serde::Serialize;
use std::{
    collections::HashSet,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// What is asked for beside what is there.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Programs that can load a module, the usual one first; each loads modules of its own machine.
    pub helpers: Vec<PathBuf>,
    /// Where not empty: these modules, and nothing that is found.
    pub only: Vec<PathBuf>,
    /// Modules a person added.
    pub added: Vec<PathBuf>,
    /// Modules to be loaded where another one would be taken for the same tokens, or where a library seems to be missing.
    pub always: Vec<PathBuf>,
    /// Modules not to be loaded.
    pub never: Vec<PathBuf>,
}

/// A module on this computer. Only one without a fault is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundModule {
    /// Absolute path.
    pub path: PathBuf,
    /// For people: the profile's name, or the one it was registered under, or the file's.
    pub name: String,
    /// [`pkcs11_profiles::Profile::id`], where one knows it.
    pub profile: Option<String>,
    /// Who pointed to it.
    pub origin: ModuleOrigin,
    /// The helper program that can load it; `None` where there is none, which is a fault too.
    pub helper: Option<PathBuf>,
    /// Why it is not loaded.
    pub fault: Option<ModuleFault>,
}

/// Finds all modules, judged; each file once, and in the order in which their word counts where they show one token.
pub fn discover(wishes: &Wishes) -> Vec<FoundModule> {
    match (Os::here(), Arch::here()) {
        (Some(os), Some(arch)) => discover_in(wishes, &places::Places::here(os, arch)),
        // No profile and no list of such a system is known to us.
        _ => discover_in(wishes, &places::Places::none()),
    }
}

/// The helper programs of an installation: the usual one, and beside it those for modules of other machines.
pub fn helpers(usual: &Path) -> Vec<PathBuf> {
    let name = usual.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let beside = OTHER_HELPERS
        .iter()
        .map(|ending| usual.with_file_name(format!("{name}{ending}{}", std::env::consts::EXE_SUFFIX)))
        .filter(|helper| helper.is_file());
    std::iter::once(usual.to_owned()).chain(beside).collect()
}

/// Endings of the helpers an installation may have beside the usual one: for 32-bit drivers, and for drivers of Intel
/// Macs under Rosetta. Which machine each is for, its own header says.
const OTHER_HELPERS: [&str; 2] = ["-32", "-x86_64"];

fn discover_in(wishes: &Wishes, places: &places::Places) -> Vec<FoundModule> {
    let judge = Judge::new(wishes);
    if !wishes.only.is_empty() {
        return judge.once(wishes.only.iter().map(|path| Candidate::chosen(path)).collect());
    }
    let registered = places.registered.iter().filter(|found| !places.is_left_alone(&found.path));
    let mut candidates: Vec<_> = registered.map(Candidate::registered).collect();
    let profiled = places.profiled.iter().filter(|found| found.path.is_file() && !places.is_left_alone(&found.path));
    candidates.extend(profiled.map(Candidate::profiled));
    candidates.extend(wishes.added.iter().map(|path| Candidate::chosen(path)));
    // Told to be used always: also where it was only known as one of many.
    candidates.extend(wishes.always.iter().map(|path| Candidate::chosen(path)));
    let mut found = judge.once(candidates);
    leave_out_twins(&mut found, wishes);
    // Where two show one token, the first one's word counts. Stable: of equals, the order of the sources holds.
    found.sort_by_key(|module| preference(module, &judge));
    found
}

/// The lower, the sooner.
fn preference(module: &FoundModule, judge: &Judge) -> u8 {
    let profile = module.profile.as_deref().and_then(pkcs11_profiles::by_id);
    match profile {
        _ if judge.always.contains(&real(&module.path)) => 0,
        _ if module.origin == ModuleOrigin::Chosen => 1,
        // A maker's own module knows its tokens better than one for the tokens of all makers.
        Some(profile) if profile.generic => 4,
        Some(profile) if profile.trust != Trust::Reported => 2,
        _ => 3,
    }
}

/// A driver package often brings the same module for several machines. Where one of them can be loaded, the others are
/// no news to anybody.
fn leave_out_twins(found: &mut Vec<FoundModule>, wishes: &Wishes) {
    let usual = wishes.helpers.first();
    let served = |module: &FoundModule| module.fault.is_none() && module.helper.as_ref() == usual;
    let served: HashSet<_> =
        found.iter().filter(|module| served(module)).filter_map(|module| module.profile.clone()).collect();
    found.retain(|module| {
        let other = module.helper.as_ref() != usual;
        let twin = module.profile.as_ref().is_some_and(|profile| served.contains(profile));
        module.origin == ModuleOrigin::Chosen || !(other && twin)
    });
}

/// A path somebody pointed to.
struct Candidate {
    path: PathBuf,
    name: Option<String>,
    profile: Option<String>,
    origin: ModuleOrigin,
    interface: Interface,
}

impl Candidate {
    fn chosen(path: &Path) -> Self {
        let (path, interface) = (path.to_owned(), Interface::Pkcs11);
        Self { path, name: None, profile: None, origin: ModuleOrigin::Chosen, interface }
    }

    fn registered(found: &places::Registration) -> Self {
        let origin = ModuleOrigin::Registered { by: found.by.to_owned() };
        let (path, interface) = (found.path.clone(), Interface::Pkcs11);
        Self { path, name: Some(found.name.clone()), profile: None, origin, interface }
    }

    fn profiled(found: &pkcs11_profiles::ModuleCandidate) -> Self {
        let (name, profile) = (Some(found.name.clone()), Some(found.profile.clone()));
        Self { path: found.path.clone(), name, profile, origin: ModuleOrigin::Profile, interface: found.interface }
    }
}

/// Says of a file whether it can be loaded, and by which helper.
struct Judge<'a> {
    wishes: &'a Wishes,
    helpers: Vec<(&'a Path, Header)>,
    never: HashSet<PathBuf>,
    always: HashSet<PathBuf>,
}

impl<'a> Judge<'a> {
    fn new(wishes: &'a Wishes) -> Self {
        let helpers = wishes.helpers.iter().filter_map(|helper| Some((helper.as_path(), header(helper)?))).collect();
        let files = |paths: &[PathBuf]| paths.iter().map(|path| real(path)).collect();
        Self { wishes, helpers, never: files(&wishes.never), always: files(&wishes.always) }
    }

    fn once(&self, candidates: Vec<Candidate>) -> Vec<FoundModule> {
        let mut seen = HashSet::new();
        let new = candidates.into_iter().filter(|candidate| seen.insert(real(&candidate.path)));
        new.map(|candidate| self.judge(candidate)).collect()
    }

    fn judge(&self, candidate: Candidate) -> FoundModule {
        let Candidate { path, name, profile, origin, interface } = candidate;
        if interface == Interface::Skf {
            let name = name.unwrap_or_default();
            let fault = Some(ModuleFault::OtherInterface { name: "SKF".into() });
            return FoundModule { path, name, profile, origin, helper: None, fault };
        }
        let known = profile.or_else(|| pkcs11_profiles::of_module(&path).map(|profile| profile.id.clone()));
        let profile_name = || pkcs11_profiles::of_module(&path).map(|profile| profile.name.clone());
        let file_name = || path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let name = profile_name().or(name).unwrap_or_else(file_name);
        let (helper, fault) = match self.helper_for(&path) {
            Ok(helper) => (Some(helper.to_owned()), self.fault(&path, helper)),
            Err(fault) => (None, Some(fault)),
        };
        let fault = if self.never.contains(&real(&path)) { Some(ModuleFault::Banned) } else { fault };
        FoundModule { path, name, profile: known, origin, helper, fault }
    }

    /// The helper that can load a file, by its header alone.
    fn helper_for(&self, path: &Path) -> Result<&'a Path, ModuleFault> {
        // A bare name would be searched for, and a search can be led to a planted file.
        if !path.is_absolute() || !path.is_file() {
            return Err(ModuleFault::Gone);
        }
        let found = header(path).ok_or(ModuleFault::NotALibrary)?;
        if let Some((helper, _)) = self.helpers.iter().find(|(_, helper)| found.fits(helper)) {
            return Ok(helper);
        }
        match (self.helpers.first(), self.wishes.helpers.first()) {
            (Some((_, usual)), _) if usual.format != found.format => Err(ModuleFault::NotALibrary),
            // Our own installation is damaged: whoever starts the helper says so, the module is not to blame.
            (None, Some(usual)) => Ok(usual),
            _ => {
                let machine = found.machines.first().copied().unwrap_or(Machine::Other(0));
                Err(ModuleFault::OtherMachine { machine: machine.name(), bits: machine.bits() })
            }
        }
    }

    fn fault(&self, path: &Path, helper: &Path) -> Option<ModuleFault> {
        let facts = libraries::read(path)?;
        if !facts.is_pkcs11 {
            return Some(ModuleFault::NotAModule);
        }
        if self.always.contains(&real(path)) {
            return None;
        }
        let names = libraries::missing(path, helper);
        (!names.is_empty()).then_some(ModuleFault::MissingLibraries { names })
    }
}

/// Bytes of a file that suffice for its header: in real files the PE header starts within the first page.
const ENOUGH: u64 = 4096;

fn header(path: &Path) -> Option<Header> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(ENOUGH).read_to_end(&mut bytes).ok()?;
    Header::parse(&bytes)
}

/// The file behind a path, by which several names of it are known as one.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Format;
    use places::{Places, Registration};

    /// A real module, where this computer has it.
    #[cfg(unix)]
    static SOFTHSM: std::sync::LazyLock<Option<PathBuf>> = std::sync::LazyLock::new(|| {
        let places = pkcs11_profiles::candidates(Os::here()?, Arch::here()?);
        places.into_iter().find(|found| found.profile == "softhsm" && found.path.is_file()).map(|found| found.path)
    });

    fn own() -> PathBuf {
        std::env::current_exe().unwrap()
    }

    fn wishes() -> Wishes {
        Wishes { helpers: vec![own()], ..Wishes::default() }
    }

    /// The head of a 32-bit library of this system.
    fn narrow_library(folder: &Path, name: &str) -> PathBuf {
        let mut bytes = vec![0; 256];
        match header(&own()).unwrap().format {
            Format::Elf => {
                bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1, 1]);
                bytes[18] = 3;
            }
            Format::Pe => {
                bytes[..2].copy_from_slice(b"MZ");
                bytes[0x3c] = 0x80;
                bytes[0x80..0x86].copy_from_slice(b"PE\0\0\x4c\x01");
            }
            Format::MachO => bytes[..5].copy_from_slice(&[0xce, 0xfa, 0xed, 0xfe, 7]),
        }
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[cfg(unix)]
    fn candidate(path: &Path, profile: &str) -> pkcs11_profiles::ModuleCandidate {
        pkcs11_profiles::ModuleCandidate {
            profile: profile.into(),
            name: profile.into(),
            path: path.to_owned(),
            interface: Interface::Pkcs11,
        }
    }

    #[test]
    fn each_file_is_judged_in_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("libtext.so");
        std::fs::write(&text, "/* GNU ld script */").unwrap();
        let narrow = narrow_library(folder.path(), "libnarrow.so");
        let gone = folder.path().join("libgone.so");
        let wishes =
            Wishes { only: vec![text, narrow, gone, own(), "libbare.so".into()], never: vec![own()], ..wishes() };
        let faults: Vec<_> = discover(&wishes).into_iter().map(|found| found.fault.unwrap()).collect();
        let narrow = ModuleFault::OtherMachine { machine: "x86".into(), bits: 32 };
        let expected = [ModuleFault::NotALibrary, narrow, ModuleFault::Gone, ModuleFault::Banned, ModuleFault::Gone];
        assert_eq!(faults, expected, "each with its own reason; a bare name is never searched for");
        let other = discover(&Wishes { only: vec![own()], ..self::wishes() });
        assert_eq!(other[0].fault, Some(ModuleFault::NotAModule), "a program without the entry is no module");
    }

    #[test]
    fn a_32_bit_module_goes_to_the_32_bit_helper_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let module = narrow_library(folder.path(), "libnarrow.so");
        let usual = folder.path().join(format!("certdesk-token-host{}", std::env::consts::EXE_SUFFIX));
        std::fs::copy(own(), &usual).unwrap();
        assert_eq!(helpers(&usual), std::slice::from_ref(&usual), "nothing beside it, nothing more");
        let other = narrow_library(folder.path(), &format!("certdesk-token-host-32{}", std::env::consts::EXE_SUFFIX));
        let wishes = Wishes { helpers: helpers(&usual), only: vec![module], ..Wishes::default() };
        let found = &discover(&wishes)[0];
        assert_eq!((found.fault.clone(), found.helper.clone()), (None, Some(other)), "the helper of its own machine");
    }

    #[cfg(unix)]
    #[test]
    fn a_32_bit_twin_of_a_sound_module_is_no_news() {
        let Some(softhsm) = &*SOFTHSM else { return };
        let folder = tempfile::tempdir().unwrap();
        let narrow = narrow_library(folder.path(), "libsofthsm2.so");
        let profiled = vec![candidate(softhsm, "softhsm"), candidate(&narrow, "softhsm")];
        let both = Places { registered: Vec::new(), profiled };
        let found = discover_in(&wishes(), &both);
        assert_eq!(found.len(), 1, "the 64-bit module stands for both: {found:?}");
        let alone = Places { registered: Vec::new(), profiled: vec![candidate(&narrow, "softhsm")] };
        let found = discover_in(&wishes(), &alone);
        assert!(matches!(found[0].fault, Some(ModuleFault::OtherMachine { bits: 32, .. })), "alone it is the reason");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_many_names_is_one_module() {
        let Some(softhsm) = &*SOFTHSM else { return };
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("libother.so");
        std::os::unix::fs::symlink(softhsm, &link).unwrap();
        let registered = vec![Registration { name: "lab".into(), path: softhsm.clone(), by: "p11-kit" }];
        let places = Places { registered, profiled: vec![candidate(softhsm, "softhsm")] };
        let found = discover_in(&Wishes { added: vec![link], ..wishes() }, &places);
        assert_eq!(found.len(), 1, "registered, profiled and added: one file, one module");
        assert_eq!(found[0].origin, ModuleOrigin::Registered { by: "p11-kit".into() }, "the system's word comes first");
        assert_eq!(found[0].profile.as_deref(), Some("softhsm"), "its profile is known by its name");
        assert_eq!(found[0].fault, None, "and nothing it needs is missing");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_library_that_is_missing_is_named() {
        let Some(softhsm) = &*SOFTHSM else { return };
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = std::fs::read(softhsm).unwrap();
        let name = b"libstdc++.so.6\0";
        let at = bytes.windows(name.len()).position(|window| window == name).expect("SoftHSM is written in C++");
        bytes[at..at + 3].copy_from_slice(b"lab");
        let module = folder.path().join("libsofthsm2.so");
        std::fs::write(&module, bytes).unwrap();
        let found = &discover(&Wishes { only: vec![module.clone()], ..wishes() })[0];
        let names = vec!["labstdc++.so.6".to_owned()];
        assert_eq!(found.fault, Some(ModuleFault::MissingLibraries { names }), "by the name it is needed under");
        let always = Wishes { only: vec![module.clone()], always: vec![module], ..wishes() };
        assert_eq!(discover(&always)[0].fault, None, "who insists lets the loader decide");
    }

    #[cfg(unix)]
    #[test]
    fn a_makers_own_module_goes_before_one_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let copy = |name: &str| {
            let path = folder.path().join(name);
            std::fs::copy(own(), &path).unwrap();
            path
        };
        let (opensc, vendor, pinned) = (copy("opensc-pkcs11.so"), copy("libcastle.so"), copy("libmine.so"));
        let registered = [("opensc", &opensc), ("mine", &pinned)];
        let registered =
            registered.map(|(name, path)| Registration { name: name.into(), path: path.clone(), by: "p11-kit" });
        let places = Places { registered: registered.into(), profiled: vec![candidate(&vendor, "feitian-epass2003")] };
        let wishes = Wishes { always: vec![pinned.clone()], ..wishes() };
        let order: Vec<_> = discover_in(&wishes, &places).into_iter().map(|found| found.path).collect();
        assert_eq!(
            order,
            [pinned, vendor, opensc],
            "pinned, the maker's, then OpenSC, in whatever order they were found"
        );
    }

    #[test]
    fn a_driver_of_another_interface_is_named_where_it_is_all_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("SKFAPI20549.dll");
        std::fs::copy(own(), &path).unwrap();
        let (profile, name) = ("haitai".to_owned(), "HaiKey".to_owned());
        let skf = pkcs11_profiles::ModuleCandidate { profile, name, path, interface: Interface::Skf };
        let found = discover_in(&wishes(), &Places { registered: Vec::new(), profiled: vec![skf] });
        assert_eq!(found[0].fault, Some(ModuleFault::OtherInterface { name: "SKF".into() }), "and never loaded");
    }

    #[test]
    fn what_is_no_token_is_left_alone_unless_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let trust = folder.path().join("p11-kit-trust.so");
        std::fs::copy(own(), &trust).unwrap();
        let registered = || vec![Registration { name: "p11-kit-trust".into(), path: trust.clone(), by: "p11-kit" }];
        let profiled = pkcs11_profiles::ModuleCandidate {
            profile: "p11-kit".into(),
            name: "p11-kit".into(),
            path: trust.clone(),
            interface: Interface::Pkcs11,
        };
        let places = Places { registered: registered(), profiled: vec![profiled] };
        assert_eq!(discover_in(&wishes(), &places), [], "trusted certificates are no key");
        let asked = discover_in(&Wishes { added: vec![trust.clone()], ..wishes() }, &places);
        assert_eq!(asked.len(), 1, "who adds it gets it");
    }
}
