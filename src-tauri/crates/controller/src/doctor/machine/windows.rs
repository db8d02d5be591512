//! Windows: registry, service manager, USB by SetupAPI (nusb), User Account Control through PowerShell.

use std::{io, path::Path};

use certdesk_contract::driver::DriverOs;
use windows_service::{
    service::{ServiceAccess, ServiceState},
    service_manager::{ServiceManager, ServiceManagerAccess},
};
use winreg::{
    RegKey,
    enums::{HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE},
};

use super::{CardService, Computer, Elevated, Machine, Provenance, System, UsbDevice};
use crate::doctor::finding::Repair;

impl System for Machine {
    async fn computer(&self) -> Computer {
        let version = |name: &str| text(HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", name);
        let build = version("CurrentBuildNumber");
        // Windows 11 still calls itself 10 there; it begins with build 22000.
        let eleven = build.as_deref().and_then(|build| build.parse::<u32>().ok()).is_some_and(|build| build >= 22000);
        let name = version("ProductName").unwrap_or_else(|| "Windows".to_owned());
        let name = if eleven { name.replace("Windows 10", "Windows 11") } else { name };
        let system = version("DisplayVersion").map_or(name.clone(), |shown| format!("{name} {shown}"));
        let bios = |name: &str| text(HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\BIOS", name).unwrap_or_default();
        let words = format!("{} {}", bios("SystemManufacturer"), bios("SystemProductName"));
        Computer {
            system,
            version: build,
            web_view: web_view(),
            virtual_machine: super::virtual_machine(&words),
            remote: remote_session(),
            security: self.security().await,
        }
    }

    fn usb(&self) -> io::Result<Vec<UsbDevice>> {
        super::usb_by_nusb()
    }

    async fn card_service(&self) -> Option<CardService> {
        // ERROR_SERVICE_DOES_NOT_EXIST
        const MISSING: i32 = 1060;
        let state = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)
            .and_then(|manager| manager.open_service(SERVICE, ServiceAccess::QUERY_STATUS))
            .and_then(|service| service.query_status());
        match state {
            Ok(status) if matches!(status.current_state, ServiceState::Running | ServiceState::StartPending) => {
                Some(CardService::Runs)
            }
            Ok(_) => Some(CardService::Stopped),
            Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(MISSING) => {
                Some(CardService::Missing)
            }
            Err(error) => {
                tracing::warn!(%error, "the service manager was not asked");
                None
            }
        }
    }

    fn elevated(&self, repair: &Repair) -> Option<Elevated> {
        let command = match repair {
            // Also where somebody switched it off.
            Repair::StartCardService => format!("sc config {SERVICE} start= demand & sc start {SERVICE}"),
            _ => return None,
        };
        Some(run_as("cmd.exe", &format!("/c {command}")))
    }

    async fn signer(&self, package: &Path, kind: DriverOs) -> Option<String> {
        if kind != DriverOs::Windows {
            return None;
        }
        match self.provenance(package).await? {
            Provenance::Signed { by } => Some(by),
            _ => None,
        }
    }

    async fn provenance(&self, module: &Path) -> Option<Provenance> {
        // Authenticode: who signed, only where Windows finds the signature whole and the signer trusted.
        let file = quoted(&module.display().to_string());
        let script = format!(
            "$s = Get-AuthenticodeSignature -LiteralPath {file}; $s.Status; \
             if ($s.Status -eq 'Valid') {{ $s.SignerCertificate.GetNameInfo('SimpleName', $false) }}"
        );
        let said = self.ask("powershell.exe", &["-NoProfile", "-NonInteractive", "-Command", &script]).await?;
        authenticode(&said)
    }

    fn install(&self, package: &Path, kind: DriverOs, silent: &[String]) -> Option<Elevated> {
        let file = package.to_str().filter(|_| kind == DriverOs::Windows)?;
        let is_msi = package.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("msi"));
        Some(if is_msi {
            run_as("msiexec.exe", &format!("/i \"{file}\" /passive /norestart"))
        } else {
            run_as(file, &silent.join(" "))
        })
    }
}

/// What PowerShell says of a signature: its status, and who signed where that is `Valid`.
fn authenticode(said: &str) -> Option<Provenance> {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next()?, lines.next()) {
        ("Valid", Some(by)) => Some(Provenance::Signed { by: by.to_owned() }),
        ("NotSigned", _) => Some(Provenance::Unsigned),
        ("HashMismatch" | "NotTrusted", _) => Some(Provenance::Broken),
        // Of a kind of file it does not know, or it cannot tell.
        _ => None,
    }
}

/// The smart card service.
const SERVICE: &str = "SCardSvr";

/// A program run as administrator, User Account Control asking; ends with the program's own exit code.
fn run_as(program: &str, arguments: &str) -> Elevated {
    // An empty list of arguments is refused.
    let with = if arguments.is_empty() { String::new() } else { format!("-ArgumentList {} ", quoted(arguments)) };
    let script = format!(
        "$ErrorActionPreference = 'Stop'; \
         $p = Start-Process -FilePath {} {with}-Verb RunAs -Wait -PassThru; exit $p.ExitCode",
        quoted(program),
    );
    Elevated {
        program: "powershell.exe".into(),
        arguments: vec!["-NoProfile".into(), "-NonInteractive".into(), "-Command".into(), script],
    }
}

/// A literal of PowerShell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Machine {
    /// What the Security Center lists, but for what every Windows has.
    async fn security(&self) -> Vec<String> {
        const ASK: &str = "Get-CimInstance -Namespace root/SecurityCenter2 -ClassName AntiVirusProduct | \
                           ForEach-Object { $_.displayName }";
        let answer = self.ask("powershell.exe", &["-NoProfile", "-NonInteractive", "-Command", ASK]).await;
        let lines = answer.unwrap_or_default();
        let names = lines.lines().map(str::trim).filter(|name| !name.is_empty() && !name.contains("Defender"));
        names.map(ToOwned::to_owned).collect()
    }
}

/// The WebView2 runtime's version (Microsoft: "Distribute your app and the WebView2 Runtime").
fn web_view() -> Option<String> {
    const CLIENT: &str = r"Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}";
    let places = [
        (HKEY_LOCAL_MACHINE, format!(r"SOFTWARE\WOW6432Node\{CLIENT}")),
        (HKEY_LOCAL_MACHINE, format!(r"SOFTWARE\{CLIENT}")),
        (HKEY_CURRENT_USER, format!(r"Software\{CLIENT}")),
    ];
    let version = places.into_iter().find_map(|(root, place)| text(root, &place, "pv"));
    version.filter(|version| version != "0.0.0.0").map(|version| format!("WebView2 {version}"))
}

fn remote_session() -> Option<String> {
    let session = std::env::var("SESSIONNAME").unwrap_or_default();
    let kinds = [("RDP-", "Remote Desktop"), ("ICA-", "Citrix")];
    kinds.iter().find(|(start, _)| session.starts_with(start)).map(|(_, kind)| (*kind).to_owned())
}

fn text(root: winreg::HKEY, key: &str, name: &str) -> Option<String> {
    let value: String = RegKey::predef(root).open_subkey(key).ok()?.get_value(name).ok()?;
    Some(value).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signed_is_told_only_of_a_signature_that_is_whole_and_trusted() {
        let by = "Feitian Technologies Co., Ltd.".to_owned();
        assert_eq!(authenticode("Valid\r\nFeitian Technologies Co., Ltd.\r\n"), Some(Provenance::Signed { by }));
        assert_eq!(authenticode("NotSigned\r\n"), Some(Provenance::Unsigned));
        assert_eq!(authenticode("HashMismatch\r\n"), Some(Provenance::Broken));
        assert_eq!(authenticode("UnknownError\r\n"), None, "no file of a kind that is signed");
        assert_eq!(authenticode(""), None);
    }
}
