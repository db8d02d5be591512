//! What a crash leaves behind: where it happened, and nothing of whom.

use std::{any::Any, panic, panic::Location};

/// From here on a crash says where it happened and the program's own fixed words, never a value, which may be somebody's
/// name; and the system keeps no image of the memory, where it lets a program choose.
pub fn leave_nothing_personal() {
    if let Err(error) = keep_no_image() {
        tracing::warn!(%error, "the system may keep an image of the memory after a crash");
    }
    panic::set_hook(Box::new(|crash| eprintln!("{}", told(crash.location(), crash.payload()))));
}

fn told(place: Option<&Location>, payload: &dyn Any) -> String {
    let place = place.map(ToString::to_string).unwrap_or_default();
    // Words that were put together have values in them.
    let words = payload.downcast_ref::<&'static str>().copied().unwrap_or("(words with values in them are left out)");
    format!("certdesk crashed at {place}: {words}")
}

/// systemd-coredump and apport heed this limit too.
#[cfg(target_os = "linux")]
fn keep_no_image() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

/// Windows Error Reporting leaves out the programs that are named there: what `WerAddExcludedApplication` writes.
#[cfg(windows)]
fn keep_no_image() -> std::io::Result<()> {
    const EXCLUDED: &str = r"Software\Microsoft\Windows\Windows Error Reporting\ExcludedApplications";
    let program = std::env::current_exe()?;
    let name = program.file_name().unwrap_or_default();
    let (excluded, _) = winreg::RegKey::predef(winreg::enums::HKEY_CURRENT_USER).create_subkey(EXCLUDED)?;
    excluded.set_value(name, &1_u32)
}

/// macOS writes none unless an administrator asked for it.
#[cfg(not(any(target_os = "linux", windows)))]
fn keep_no_image() -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    const CRASH: &str = "CERTDESK_TEST_CRASH";

    /// Crashes where the test below starts it as a process of its own.
    #[test]
    fn crashes_when_told_to() {
        let Ok(name) = std::env::var(CRASH) else { return };
        super::leave_nothing_personal();
        #[cfg(target_os = "linux")]
        assert_eq!(rustix::process::getrlimit(rustix::process::Resource::Core).current, Some(0), "no core dump");
        name.parse::<u32>().map_err(|_| name).expect("a number was expected");
    }

    #[test]
    fn a_crash_names_its_place_and_nobody() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::tests::crashes_when_told_to", "--nocapture"])
            .env(CRASH, "王䶮 13800138000")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!output.status.success() && said.contains("crash.rs:"), "it says where it crashed: {said}");
        for personal in ["王䶮", "13800138000"] {
            assert!(!said.contains(personal), "and not over whom: {said}");
        }
    }

    #[test]
    fn fixed_words_are_told() {
        assert_eq!(super::told(None, &"the window system starts"), "certdesk crashed at : the window system starts");
    }
}
