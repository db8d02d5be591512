//! The modules: which work, which fail, which are not loaded, and why.

use certdesk_token::{ModuleFault, ModuleOrigin, TokenError};

use super::Judge;
use crate::{
    doctor::{
        finding::{FactName, Finding, FindingCode, Level, Repair},
        machine::Provenance,
    },
    keys::Asked,
};

impl Judge<'_> {
    pub(super) fn modules(&mut self) {
        let Some(seen) = &self.sight.keys else { return };
        if seen.modules.is_empty() {
            self.find(FindingCode::DriverNone, Level::Problem, |finding| finding.repair(Repair::RefreshLists));
        }
        let bad = self.in_the_way();
        for module in &seen.modules {
            let finding = match (&module.found.fault, &module.answer) {
                (Some(fault), _) => refused(module, fault, bad),
                (None, Some(Ok(count))) => {
                    let said = module.library.as_ref();
                    about_module(module, FindingCode::DriverWorks, Level::Good)
                        .known(FactName::Maker, said.map(|said| &said.manufacturer).filter(|name| !name.is_empty()))
                        .known(FactName::Version, said.map(|said| &said.version))
                        .fact(FactName::Count, count)
                }
                (None, Some(Err(error))) => failed(module, error, bad),
                (None, None) => continue,
            };
            self.found.push(finding);
        }
    }
}

fn about_module(module: &Asked, code: FindingCode, level: Level) -> Finding {
    let path = module.found.path.display();
    let finding = Finding::new(code, level).fact(FactName::Driver, &module.found.name).fact(FactName::File, path);
    match &module.provenance {
        Some(Provenance::Signed { by }) => finding.fact(FactName::Signer, by),
        Some(Provenance::Unsigned) => finding.word(FactName::Signer, "nobody", Some("没有签名")),
        Some(Provenance::Broken) => {
            finding.word(FactName::Signer, "broken or not trusted", Some("签名已损坏或不受信任"))
        }
        Some(Provenance::Package { name }) => finding.fact(FactName::Brought, name),
        Some(Provenance::NoPackage) => finding.word(FactName::Brought, "none", Some("不属于任何软件包")),
        None => finding,
    }
}

/// A module that is not loaded.
fn refused(module: &Asked, fault: &ModuleFault, bad: Level) -> Finding {
    match fault {
        ModuleFault::OtherMachine { machine, bits } => {
            let bits = if *bits == 0 { String::new() } else { format!(" ({bits}-bit)") };
            about_module(module, FindingCode::DriverOtherMachine, bad)
                .fact(FactName::Found, format!("{machine}{bits}"))
                .fact(FactName::Needed, std::env::consts::ARCH)
        }
        ModuleFault::MissingLibraries { names } => {
            about_module(module, FindingCode::DriverLacksLibraries, bad).fact(FactName::Libraries, names.join(", "))
        }
        ModuleFault::NotALibrary => about_module(module, FindingCode::DriverUnloadable, bad),
        ModuleFault::NotAModule => {
            about_module(module, FindingCode::DriverUnloadable, bad).fact(FactName::Cause, "C_GetFunctionList")
        }
        ModuleFault::OtherInterface { name } => {
            about_module(module, FindingCode::DriverOtherInterface, bad).fact(FactName::Found, name)
        }
        ModuleFault::Banned => about_module(module, FindingCode::DriverBanned, Level::Note),
        // An entry left behind by a driver that was removed harms nobody.
        ModuleFault::Gone if module.found.origin != ModuleOrigin::Chosen => {
            about_module(module, FindingCode::DriverGone, Level::Note)
        }
        ModuleFault::Gone => about_module(module, FindingCode::DriverGone, bad),
    }
}

/// A module that was loaded, or should have been.
fn failed(module: &Asked, error: &TokenError, bad: Level) -> Finding {
    let about = |code| about_module(module, code, bad);
    match error {
        TokenError::WrongArchitecture { found, needed } => {
            about(FindingCode::DriverOtherMachine).fact(FactName::Found, found).fact(FactName::Needed, needed)
        }
        TokenError::NoSuchModule => about(FindingCode::DriverGone),
        TokenError::CannotLoad { reason } => about(FindingCode::DriverUnloadable).fact(FactName::Cause, reason),
        TokenError::Hung { call, after } => about(FindingCode::DriverHung)
            .fact(FactName::Cause, format!("{call}, {} s", after.as_secs()))
            .repair(Repair::LookAgain),
        TokenError::Crashed => about(FindingCode::DriverCrashed).repair(Repair::LookAgain),
        TokenError::NoHelper { reason } => {
            about_module(module, FindingCode::HelperBroken, Level::Problem).fact(FactName::Cause, reason)
        }
        other => about(FindingCode::DriverFailed).fact(FactName::Cause, other).repair(Repair::LookAgain),
    }
}

#[cfg(test)]
mod tests {
    use super::super::specimen::{codes, find, key, module, sight, unusable};
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bad_driver_stands_in_the_way_only_where_no_key_can_be_used() {
        let failures = [
            (TokenError::Hung { call: "list".into(), after: Duration::from_secs(5) }, FindingCode::DriverHung),
            (TokenError::Crashed, FindingCode::DriverCrashed),
            (
                TokenError::WrongArchitecture { found: "Linux x86 (32-bit)".into(), needed: "Linux x86-64".into() },
                FindingCode::DriverOtherMachine,
            ),
            (TokenError::NoSuchModule, FindingCode::DriverGone),
        ];
        for (failure, code) in failures {
            let alone = sight(vec![module("haitai", Err(failure.clone()))], Vec::new(), Vec::new());
            assert_eq!(find(&alone, code).level, Level::Problem, "{code:?}");
            assert!(!codes(&alone).contains(&FindingCode::KeyNone), "{code:?}: nobody looked for a key");
            let beside = sight(vec![module("haitai", Err(failure)), module("opensc", Ok(1))], vec![key()], Vec::new());
            assert_eq!(find(&beside, code).level, Level::Note, "{code:?}, but there is a key");
        }
        let left = sight(vec![unusable(ModuleFault::Gone)], Vec::new(), Vec::new());
        assert_eq!(find(&left, FindingCode::DriverGone).level, Level::Note, "an entry left behind harms nobody");
    }
}
