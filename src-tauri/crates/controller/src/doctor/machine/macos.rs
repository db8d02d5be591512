//! macOS: the system's own programs, USB by IOKit (nusb).

use std::{io, path::Path};

use super::{CardService, Computer, Elevated, Machine, Provenance, System, UsbDevice};
use crate::doctor::finding::Repair;
use certdesk_contract::driver::DriverOs;

impl System for Machine {
    async fn computer(&self) -> Computer {
        let version = self.ask("sw_vers", &["-productVersion"]).await.map(|text| text.trim().to_owned());
        let kernel = self.ask("uname", &["-r"]).await.map(|text| text.trim().to_owned());
        let web_kit = "/System/Library/Frameworks/WebKit.framework/Resources/Info";
        let web_kit = self.ask("defaults", &["read", web_kit, "CFBundleVersion"]).await;
        let virtual_machine = self.ask("sysctl", &["-n", "kern.hv_vmm_present"]).await;
        let remote = std::env::var_os("SSH_CONNECTION").is_some();
        Computer {
            system: version.map_or("macOS".to_owned(), |version| format!("macOS {version}")),
            version: kernel,
            // Part of the system: it is there, whether its version is told or not.
            web_view: Some(web_kit.map_or("WebKit".to_owned(), |version| format!("WebKit {}", version.trim()))),
            virtual_machine: virtual_machine.filter(|text| text.trim() == "1").map(|_| "macOS".to_owned()),
            remote: remote.then(|| "SSH".to_owned()),
            security: Vec::new(),
        }
    }

    fn usb(&self) -> io::Result<Vec<UsbDevice>> {
        super::usb_by_nusb()
    }

    async fn card_service(&self) -> Option<CardService> {
        // Part of the system, started by launchd whenever somebody asks it.
        Some(CardService::Runs)
    }

    fn elevated(&self, _: &Repair) -> Option<Elevated> {
        None
    }

    async fn signer(&self, package: &Path, kind: DriverOs) -> Option<String> {
        let package = package.to_str().filter(|_| kind == DriverOs::Macos)?;
        // Fails, and so says nothing, where the signature is not whole or not trusted. The first certificate is the
        // signer's: `1. Developer ID Installer: Maker Ltd (TEAM123456)`.
        let said = self.ask("pkgutil", &["--check-signature", package]).await?;
        said.lines().find_map(|line| line.trim().strip_prefix("1. ")).map(ToOwned::to_owned)
    }

    async fn provenance(&self, module: &Path) -> Option<Provenance> {
        let file = module.to_str()?;
        // `codesign` ends with 1 where there is no signature, or a broken one; what it is told on standard error.
        let mut show = self.command("codesign");
        show.args(["--display", "--verbose=2", file]).stdin(std::process::Stdio::null()).kill_on_drop(true);
        let shown = tokio::time::timeout(super::ASK_PATIENCE, show.output()).await.ok()?.ok()?;
        if !shown.status.success() {
            return Some(Provenance::Unsigned);
        }
        let whole = self.ask("codesign", &["--verify", "--strict", file]).await.is_some();
        let words = String::from_utf8_lossy(&shown.stderr).into_owned();
        // `Authority=Developer ID Application: Maker Ltd (TEAM123456)`; signed ad hoc where there is none.
        match words.lines().find_map(|line| line.strip_prefix("Authority=")) {
            Some(by) if whole => Some(Provenance::Signed { by: by.to_owned() }),
            Some(_) => Some(Provenance::Broken),
            None => Some(Provenance::Unsigned),
        }
    }

    fn install(&self, package: &Path, kind: DriverOs, _: &[String]) -> Option<Elevated> {
        let is_pkg = package.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("pkg"));
        let package = package.to_str().filter(|_| kind == DriverOs::Macos && is_pkg)?;
        // Quoted for the shell, then for AppleScript.
        let shell = format!("/usr/sbin/installer -pkg '{}' -target /", package.replace('\'', r"'\''"));
        let script = shell.replace('\\', r"\\").replace('"', "\\\"");
        let script = format!("do shell script \"{script}\" with administrator privileges");
        Some(Elevated { program: "osascript".into(), arguments: vec!["-e".into(), script] })
    }
}
