//! This computer: what only its system can tell. One interface, [`System`], with an implementation for Linux, for Windows
//! and for macOS; what they read is judged elsewhere, alike for all.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use certdesk_contract::driver::DriverOs;

use tokio::process::Command;

use super::finding::Repair;

/// This computer, as far as the doctor looks at it. In tests one that is made up: another root, other programs.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Where the system's files are. Read on Linux.
    pub root: PathBuf,
    /// Where programs are looked for in place of `PATH`.
    pub programs: Option<OsString>,
}

impl Machine {
    /// The computer we run on.
    pub fn here() -> Self {
        Self { root: PathBuf::from("/"), programs: None }
    }

    /// Runs a program of the system and gives what it wrote; nothing where it is not there, fails or takes too long.
    pub(crate) async fn ask(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(ASK_PATIENCE, command.output()).await.ok()?.ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A program of the system, found in [`Machine::programs`] or in `PATH`, its words in English.
    pub(crate) fn command(&self, program: &str) -> Command {
        let found = self.programs.as_ref().and_then(|programs| {
            std::env::split_paths(programs).map(|folder| folder.join(program)).find(|path| path.is_file())
        });
        let mut command = Command::new(found.unwrap_or_else(|| PathBuf::from(program)));
        if let Some(programs) = &self.programs {
            command.env("PATH", programs);
        }
        command.env("LC_ALL", "C");
        // No console window flashes up behind the program's own.
        #[cfg(windows)]
        command.creation_flags(0x0800_0000); // CREATE_NO_WINDOW
        command
    }
}

/// No answer of a program of the system is waited for longer.
const ASK_PATIENCE: Duration = Duration::from_secs(5);

/// What each system's file implements.
pub(crate) trait System {
    /// System, machine and what it runs in.
    async fn computer(&self) -> Computer;
    /// USB devices that are plugged in, hubs left out.
    fn usb(&self) -> io::Result<Vec<UsbDevice>>;
    /// How the smart card service (PC/SC) is; `None` where nobody can tell.
    async fn card_service(&self) -> Option<CardService>;
    /// What a repair would run; `None` where this system has no such repair.
    fn elevated(&self, repair: &Repair) -> Option<Elevated>;
    /// What a package says of who made it ([`DriverPackage::signer`](certdesk_contract::driver::DriverPackage::signer));
    /// `None` where it says nothing that the system believes, or there is nobody to ask.
    async fn signer(&self, package: &Path, kind: DriverOs) -> Option<String>;
    /// What the system tells of where a driver's file comes from; `None` where it tells nothing.
    async fn provenance(&self, module: &Path) -> Option<Provenance>;
    /// What installs a package; `None` where there is no way but to open it.
    fn install(&self, package: &Path, kind: DriverOs, silent: &[String]) -> Option<Elevated>;
}

/// The computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Computer {
    /// Name of the system with its version, for people.
    pub(crate) system: String,
    /// Version of its core.
    pub(crate) version: Option<String>,
    /// Web view with its version; `None` where there is none to be found.
    pub(crate) web_view: Option<String>,
    /// Kind of the virtual machine it is.
    pub(crate) virtual_machine: Option<String>,
    /// Kind of the remote session this is.
    pub(crate) remote: Option<String>,
    /// Names of security software, where the system tells.
    pub(crate) security: Vec<String>,
}

/// One USB device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsbDevice {
    /// `vvvv:pppp`, lower-case hex.
    pub(crate) numbers: String,
    /// As it calls itself.
    pub(crate) name: Option<String>,
    /// Whether it says it is a smart card reader (interface class 0x0B, CCID): the smart card service drives it.
    pub(crate) is_reader: bool,
    /// Path of its device, where it has one.
    pub(crate) node: Option<PathBuf>,
    /// Whether this user may reach it; `None` where the system has no such rule.
    pub(crate) allowed: Option<bool>,
}

/// Where a driver's file comes from, as the system tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "Linux signs packages, no files"))]
pub(crate) enum Provenance {
    /// Signed, whole, and by somebody the system trusts.
    Signed {
        /// Who.
        by: String,
    },
    /// Nobody signed it.
    Unsigned,
    /// Its signature is broken or not trusted.
    Broken,
    /// A package of the system's own installer brought it.
    Package {
        /// Its name.
        name: String,
    },
    /// No package knows it.
    NoPackage,
}

/// How the smart card service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CardService {
    /// It runs, or starts when it is asked.
    Runs,
    /// Installed, not running.
    Stopped,
    /// Not installed.
    Missing,
    /// It does not let this user in. Only polkit does that.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code))]
    Forbidden,
}

/// A command with the rights of an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elevated {
    /// Program that asks for the administrator.
    pub(crate) program: String,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
}

impl Elevated {
    /// Whether this exit code says that the person or the system did not allow it.
    pub(crate) fn is_refusal(&self, code: i32) -> bool {
        match self.program.as_str() {
            // pkexec(1): 126 dismissed or not allowed, 127 no authorisation.
            "pkexec" => matches!(code, 126 | 127),
            // Start-Process throws where the person says no, and PowerShell ends with 1 before anything ran.
            "powershell.exe" => code == 1,
            // AppleScript's error -128 is the person's "cancel".
            _ => code == 1,
        }
    }
}

impl std::fmt::Display for Elevated {
    /// As one would type it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.program)?;
        for argument in &self.arguments {
            let plain = |c: char| c.is_alphanumeric() || "-_./:=+~\\".contains(c);
            if !argument.is_empty() && argument.chars().all(plain) {
                write!(f, " {argument}")?;
            } else {
                write!(f, " '{}'", argument.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

/// The kind of virtual machine that the firmware's words name, if they name one.
fn virtual_machine(words: &str) -> Option<String> {
    let words = words.to_lowercase();
    let kinds = [
        ("vmware", "VMware"),
        ("virtualbox", "VirtualBox"),
        ("innotek", "VirtualBox"),
        ("microsoft corporation virtual", "Hyper-V"),
        ("parallels", "Parallels"),
        ("xen", "Xen"),
        ("kvm", "KVM"),
        ("qemu", "QEMU"),
        ("bochs", "Bochs"),
        ("openstack", "OpenStack"),
        ("alibaba cloud", "Alibaba Cloud"),
        ("tencent cloud", "Tencent Cloud"),
        ("huawei cloud", "Huawei Cloud"),
        ("amazon ec2", "Amazon EC2"),
        ("google compute engine", "Google Compute Engine"),
    ];
    kinds.iter().find(|(word, _)| words.contains(word)).map(|(_, kind)| (*kind).to_owned())
}

/// USB devices where a library asks the system for us.
#[cfg(any(windows, target_os = "macos"))]
fn usb_by_nusb() -> io::Result<Vec<UsbDevice>> {
    use nusb::MaybeFuture as _;
    let devices = nusb::list_devices().wait().map_err(io::Error::other)?;
    let device = |device: nusb::DeviceInfo| {
        // USB 2.0 table 9-8: class 9 is a hub. Class 0x0B: smart card (CCID).
        let is_reader = device.class() == 0x0b || device.interfaces().any(|interface| interface.class() == 0x0b);
        let words: Vec<_> = [device.manufacturer_string(), device.product_string()].into_iter().flatten().collect();
        (device.class() != 9).then(|| UsbDevice {
            numbers: format!("{:04x}:{:04x}", device.vendor_id(), device.product_id()),
            name: (!words.is_empty()).then(|| words.join(" ")),
            is_reader,
            node: None,
            allowed: None,
        })
    };
    Ok(devices.filter_map(device).collect())
}
