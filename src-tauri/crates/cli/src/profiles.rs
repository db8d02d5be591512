//! `profiles check`: for whoever writes a profile of a token, without Rust.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use certdesk_token::{FoundModule, ModuleFault, ModuleOrigin, Wishes, discovery};
use pkcs11_profiles::{Arch, Interface, Os, Profile};

/// What there is to say of a profile file.
#[derive(Debug)]
pub struct Report {
    /// What is wrong, each in one sentence.
    pub faults: Vec<String>,
    /// Modules it names that lie on this computer.
    pub here: Vec<FoundModule>,
    /// How many places it names for this kind of computer.
    pub places: usize,
}

/// Checks a file and prints what was found. Ends with 0 where it can be used, 1 where something is wrong.
///
/// # Errors
/// The file cannot be read.
pub fn run(file: &Path, token_host: &Path) -> Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let report = check(file, &text, token_host);
    print!("{}", told(file, &report));
    Ok(if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same without printing. `token_host`: the helper that would load its modules.
pub fn check(file: &Path, text: &str, token_host: &Path) -> Report {
    let mut report = Report { faults: Vec::new(), here: Vec::new(), places: 0 };
    if file.extension().is_none_or(|ending| ending != "toml") {
        report.faults.push("the file's name does not end in .toml".into());
    }
    let id = file.file_stem().unwrap_or_default().to_string_lossy();
    let profile = match Profile::parse(&id, text) {
        Ok(profile) => profile,
        Err(error) => {
            report.faults.push(error.to_string().trim_end().to_owned());
            return report;
        }
    };
    report.faults.extend(profile.faults(&|known| known == id || pkcs11_profiles::by_id(known).is_some()));
    if let (true, Some(os), Some(arch)) = (report.faults.is_empty(), Os::here(), Arch::here()) {
        look(&profile, os, arch, token_host, &mut report);
    }
    report
}

fn look(profile: &Profile, os: Os, arch: Arch, token_host: &Path, report: &mut Report) {
    let candidates = pkcs11_profiles::candidates_of(profile, os, arch);
    report.places = candidates.len();
    let there = |interface: Interface| -> Vec<PathBuf> {
        let these = candidates.iter().filter(|found| found.interface == interface);
        these.flat_map(|found| found.files()).filter(|file| file.is_file()).collect()
    };
    let only = there(Interface::Pkcs11);
    if !only.is_empty() {
        report.here =
            discovery::discover(&Wishes { helpers: discovery::helpers(token_host), only, ..Wishes::default() });
    }
    report.here.extend(there(Interface::Skf).into_iter().map(|path| FoundModule {
        path,
        name: profile.name.clone(),
        profile: Some(profile.id.clone()),
        origin: ModuleOrigin::Profile,
        helper: None,
        fault: Some(ModuleFault::OtherInterface { name: "SKF".into() }),
    }));
}

fn told(file: &Path, report: &Report) -> String {
    let mut text = String::new();
    let file = file.display();
    // Writing to a string cannot fail.
    if report.faults.is_empty() {
        let _ = writeln!(text, "{file}: in order; {} places to look on a computer like this one.", report.places);
    } else {
        let _ = writeln!(text, "{file}: cannot be used yet.");
    }
    for fault in &report.faults {
        let _ = writeln!(text, "  {}", fault.replace('\n', "\n  "));
    }
    for module in &report.here {
        let _ = writeln!(text, "  here: {}: {}", module.path.display(), judged(module));
    }
    if report.faults.is_empty() && report.here.is_empty() {
        let _ = writeln!(
            text,
            "  None of its modules lies on this computer: install the driver to see whether the paths are right."
        );
    }
    text
}

fn judged(module: &FoundModule) -> String {
    match &module.fault {
        None => "can be used".into(),
        Some(ModuleFault::NotALibrary) => "is no library of this system".into(),
        Some(ModuleFault::NotAModule) => "is a library, but no PKCS#11 module (C_GetFunctionList is missing)".into(),
        Some(ModuleFault::OtherMachine { machine, bits }) => format!("is for {machine} programs ({bits}-bit)"),
        Some(ModuleFault::MissingLibraries { names }) => format!("needs what is not here: {}", names.join(", ")),
        Some(ModuleFault::OtherInterface { name }) => format!("speaks {name}, not PKCS#11"),
        Some(ModuleFault::Banned) => "is switched off".into(),
        Some(ModuleFault::Gone) => "is not there".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str, text: &str) -> String {
        let own = std::env::current_exe().unwrap();
        told(Path::new(name), &check(Path::new(name), text, &own))
    }

    #[test]
    fn who_wrote_it_is_told_what_is_wrong_in_words() {
        let text = include_str!("../../../../pkcs11-profiles/profiles/rutoken.toml");
        assert!(report("rutoken.toml", text).contains("in order"), "{}", report("rutoken.toml", text));
        let told = report("My Token.toml", &text.replacen("\"/usr/lib/", "\"lib/", 1));
        assert!(
            told.contains("cannot be used yet") && told.contains("not absolute") && told.contains("My Token"),
            "{told}"
        );
        let told = report("rutoken.toml", &text.replacen("vendor", "wendor", 1));
        assert!(told.contains("line 2") && told.contains("wendor"), "where it does not read: {told}");
    }
}
