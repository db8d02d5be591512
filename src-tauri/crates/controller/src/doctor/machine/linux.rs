//! Linux: sysfs, `/run/pcscd`, systemd and polkit.

use std::{fs, io, os::unix::net::UnixStream, path::Path};

use certdesk_contract::driver::DriverOs;

use super::{CardService, Computer, Elevated, Machine, Provenance, System, UsbDevice};
use crate::doctor::finding::Repair;

impl System for Machine {
    async fn computer(&self) -> Computer {
        let release = ["etc/os-release", "usr/lib/os-release"].iter().find_map(|file| self.text(file));
        let name = release.as_deref().and_then(|text| {
            let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            value("PRETTY_NAME").or_else(|| value("NAME")).map(|name| name.trim_matches(['"', '\'']).to_owned())
        });
        Computer {
            system: name.unwrap_or_else(|| "Linux".to_owned()),
            version: self.text("proc/sys/kernel/osrelease"),
            web_view: self.web_view().await,
            virtual_machine: self.virtual_machine(),
            remote: remote_session(&|name| std::env::var(name).is_ok_and(|value| !value.is_empty())),
            security: Vec::new(),
        }
    }

    fn usb(&self) -> io::Result<Vec<UsbDevice>> {
        let folder = self.root.join("sys/bus/usb/devices");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // A computer without USB, or a container without sysfs.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        let mut found: Vec<_> = names
            .iter()
            .filter_map(|name| name.to_str())
            // `1-2:1.0` is an interface of the device `1-2`.
            .filter(|name| !name.contains(':'))
            .filter_map(|name| self.device(&folder, name, &names))
            .collect();
        found.sort_by(|one, other| one.node.cmp(&other.node));
        Ok(found)
    }

    async fn card_service(&self) -> Option<CardService> {
        let socket = self.root.join("run/pcscd/pcscd.comm");
        match UnixStream::connect(&socket) {
            Ok(_) => return Some(CardService::Runs),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Some(CardService::Forbidden),
            Err(_) => {}
        }
        let installed = ["usr/sbin/pcscd", "usr/bin/pcscd", "sbin/pcscd"].iter();
        let there = installed.map(|path| self.root.join(path)).any(|path| path.exists());
        Some(if there { CardService::Stopped } else { CardService::Missing })
    }

    fn elevated(&self, repair: &Repair) -> Option<Elevated> {
        if !self.has("pkexec") {
            return None;
        }
        let arguments: Vec<String> = match repair {
            // The socket starts the service whenever somebody asks it.
            Repair::StartCardService => ["systemctl", "enable", "--now", "pcscd.socket"].map(String::from).into(),
            Repair::InstallCardService => {
                let install: &[&str] = if self.has("apt-get") {
                    &["apt-get", "install", "-y", "pcscd", "libccid"]
                } else if self.has("dnf") {
                    &["dnf", "install", "-y", "pcsc-lite", "pcsc-lite-ccid"]
                } else if self.has("zypper") {
                    &["zypper", "--non-interactive", "install", "pcsc-lite", "pcsc-ccid"]
                } else {
                    return None;
                };
                install.iter().map(ToString::to_string).collect()
            }
            Repair::AllowKeys => {
                // The rules are an argument, no file: nobody can change them while the password is typed.
                vec!["/bin/sh".into(), "-c".into(), WRITE_RULES.into(), "certdesk".into(), udev_rules()]
            }
            _ => return None,
        };
        Some(Elevated { program: "pkexec".into(), arguments })
    }

    async fn signer(&self, package: &Path, kind: DriverOs) -> Option<String> {
        let package = package.to_str()?;
        let said = match kind {
            DriverOs::LinuxDeb => self.ask("dpkg-deb", &["--field", package, "Maintainer"]).await?,
            DriverOs::LinuxRpm => self.ask("rpm", &["-qp", "--qf", "%{VENDOR}", package]).await?,
            DriverOs::Windows | DriverOs::Macos => return None,
        };
        Some(said.trim().to_owned()).filter(|name| !name.is_empty())
    }

    async fn provenance(&self, module: &Path) -> Option<Provenance> {
        // Where folders were merged a package may know the file by the name it had before.
        let real = fs::canonicalize(module).unwrap_or_else(|_| module.to_owned());
        let files: Vec<_> = [module, &real].into_iter().filter_map(Path::to_str).collect();
        if self.has("dpkg-query") {
            for file in files {
                // `softhsm2:amd64: /usr/lib/…`
                let said = self.ask("dpkg-query", &["--search", file]).await;
                let name =
                    said.as_deref().and_then(|said| said.split_once(": ")).map(|(name, _)| name.trim().to_owned());
                if let Some(name) = name.filter(|name| !name.is_empty()) {
                    return Some(Provenance::Package { name });
                }
            }
        } else if self.has("rpm") {
            for file in files {
                if let Some(name) = self.ask("rpm", &["-qf", file]).await {
                    return Some(Provenance::Package { name: name.trim().to_owned() });
                }
            }
        } else {
            return None;
        }
        Some(Provenance::NoPackage)
    }

    fn install(&self, package: &Path, kind: DriverOs, _: &[String]) -> Option<Elevated> {
        let package = package.to_str()?;
        let install: &[&str] = match kind {
            // apt takes a path for a file's name, and fetches what it depends on.
            DriverOs::LinuxDeb if self.has("apt-get") => &["apt-get", "install", "-y", "--no-install-recommends"],
            DriverOs::LinuxDeb => &["dpkg", "-i"],
            DriverOs::LinuxRpm if self.has("dnf") => &["dnf", "install", "-y"],
            DriverOs::LinuxRpm if self.has("zypper") => {
                &["zypper", "--non-interactive", "install", "--allow-unsigned-rpm"]
            }
            DriverOs::LinuxRpm => &["rpm", "-U"],
            DriverOs::Windows | DriverOs::Macos => return None,
        };
        let arguments = install.iter().copied().chain([package]).map(ToOwned::to_owned).collect();
        self.has("pkexec").then(|| Elevated { program: "pkexec".into(), arguments })
    }
}

/// What `AllowKeys` runs; `$1` is [`udev_rules`].
const WRITE_RULES: &str = "printf %s \"$1\" > /etc/udev/rules.d/70-certdesk-keys.rules && udevadm control --reload && \
                           udevadm trigger --subsystem-match=usb --subsystem-match=hidraw";

/// Rules that let whoever sits at this computer (logind's `uaccess`) reach the devices that profiles know as keys.
fn udev_rules() -> String {
    let mut rules = String::from("# Certdesk: keys that are reached without the smart card service.\n");
    let mut numbers: Vec<_> = pkcs11_profiles::all().iter().flat_map(|profile| &profile.usb).collect();
    numbers.sort();
    numbers.dedup();
    for (vendor, product) in numbers.into_iter().filter_map(|numbers| numbers.split_once(':')) {
        rules += &format!(
            "SUBSYSTEM==\"usb\", ATTR{{idVendor}}==\"{vendor}\", ATTR{{idProduct}}==\"{product}\", TAG+=\"uaccess\"\n\
             KERNEL==\"hidraw*\", ATTRS{{idVendor}}==\"{vendor}\", ATTRS{{idProduct}}==\"{product}\", TAG+=\"uaccess\"\n"
        );
    }
    rules
}

impl Machine {
    /// Whether a program of the system is there.
    fn has(&self, program: &str) -> bool {
        let programs = self.programs.clone().or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        std::env::split_paths(&programs).any(|folder| folder.join(program).is_file())
    }

    fn text(&self, path: &str) -> Option<String> {
        read(&self.root.join(path))
    }

    fn device(&self, folder: &Path, name: &str, all: &[std::ffi::OsString]) -> Option<UsbDevice> {
        let device = folder.join(name);
        let value = |file: &str| read(&device.join(file));
        let (vendor, product) = (value("idVendor")?, value("idProduct")?);
        // USB 2.0 table 9-8: class 9 is a hub.
        if value("bDeviceClass").as_deref() == Some("09") {
            return None;
        }
        let interface = |other: &&str| other.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
        let is_reader = all
            .iter()
            .filter_map(|other| other.to_str())
            .filter(interface)
            .any(|interface| read(&folder.join(interface).join("bInterfaceClass")).as_deref() == Some("0b"));
        let number = |file: &str| value(file)?.parse::<u16>().ok();
        let node = number("busnum").zip(number("devnum"));
        let node = node.map(|(bus, device)| self.root.join(format!("dev/bus/usb/{bus:03}/{device:03}")));
        let allowed = node.as_deref().and_then(may_write);
        let words: Vec<_> = ["manufacturer", "product"].iter().filter_map(|file| value(file)).collect();
        let name = (!words.is_empty()).then(|| words.join(" "));
        Some(UsbDevice { numbers: format!("{vendor}:{product}").to_lowercase(), name, is_reader, node, allowed })
    }

    /// As the package manager has it: no file of the library tells its version.
    async fn web_view(&self) -> Option<String> {
        let names = ["libwebkit2gtk-4.1-0", "webkit2gtk4.1", "libwebkit2gtk-4_1-0"];
        for name in names {
            let deb = self.ask("dpkg-query", &["-W", "-f", "${Version}", name]).await;
            let found = match deb {
                Some(version) => Some(version),
                None => self.ask("rpm", &["-q", "--qf", "%{VERSION}", name]).await,
            };
            if let Some(version) = found.filter(|version| !version.is_empty()) {
                return Some(format!("WebKitGTK {version}"));
            }
        }
        let folders = ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib"];
        let there = |folder: &&str| self.root.join(folder).join("libwebkit2gtk-4.1.so.0").exists();
        folders.iter().any(there).then(|| "WebKitGTK".to_owned())
    }

    /// By the firmware's own words (SMBIOS).
    fn virtual_machine(&self) -> Option<String> {
        let word = |file: &str| self.text(&format!("sys/class/dmi/id/{file}")).unwrap_or_default();
        let words = format!("{} {}", word("sys_vendor"), word("product_name"));
        super::virtual_machine(&words).or_else(|| {
            let flags = self.text("proc/cpuinfo")?;
            let virtual_cpu = flags
                .lines()
                .any(|line| line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor"));
            virtual_cpu.then(|| "hypervisor".to_owned())
        })
    }
}

fn read(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Whether this user may read and write a device. Asked of the kernel by opening nothing: the device may be in use.
fn may_write(node: &Path) -> Option<bool> {
    let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    node.exists().then(|| rustix::fs::access(node, access).is_ok())
}

/// The kind of remote session that the environment tells of.
fn remote_session(set: &dyn Fn(&str) -> bool) -> Option<String> {
    let kinds = [
        ("XRDP_SESSION", "xrdp"),
        ("XRDP_SOCKET_PATH", "xrdp"),
        ("NXSESSIONID", "NX"),
        ("X2GO_SESSION", "X2Go"),
        ("VNCDESKTOP", "VNC"),
        ("SSH_CONNECTION", "SSH"),
    ];
    kinds.iter().find(|(name, _)| set(name)).map(|(_, kind)| (*kind).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A computer made of files.
    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let programs = root.path().join("programs");
        fs::create_dir_all(&programs).unwrap();
        let machine = Machine { root: root.path().to_owned(), programs: Some(programs.into()) };
        (root, machine)
    }

    const KEY: &[(&str, &str)] = &[
        ("sys/bus/usb/devices/usb1/idVendor", "1d6b\n"),
        ("sys/bus/usb/devices/usb1/idProduct", "0002\n"),
        ("sys/bus/usb/devices/usb1/bDeviceClass", "09\n"),
        ("sys/bus/usb/devices/1-2/idVendor", "096E\n"),
        ("sys/bus/usb/devices/1-2/idProduct", "0807\n"),
        ("sys/bus/usb/devices/1-2/bDeviceClass", "00\n"),
        ("sys/bus/usb/devices/1-2/manufacturer", "FT\n"),
        ("sys/bus/usb/devices/1-2/product", "ePass2003\n"),
        ("sys/bus/usb/devices/1-2/busnum", "1\n"),
        ("sys/bus/usb/devices/1-2/devnum", "7\n"),
        ("sys/bus/usb/devices/1-2:1.0/bInterfaceClass", "0b\n"),
        ("dev/bus/usb/001/007", ""),
    ];

    #[test]
    fn a_key_is_known_by_its_numbers_before_any_driver_is_there() {
        let (root, machine) = machine(KEY);
        let found = machine.usb().unwrap();
        assert_eq!(found.len(), 1, "a hub is no device of interest: {found:?}");
        let key = &found[0];
        assert_eq!((key.numbers.as_str(), key.name.as_deref()), ("096e:0807", Some("FT ePass2003")));
        assert!(key.is_reader, "its interface is of the smart card class");
        assert_eq!(key.node, Some(root.path().join("dev/bus/usb/001/007")));
        assert_eq!(key.allowed, Some(true));
    }

    #[test]
    fn a_computer_without_usb_has_no_devices() {
        assert_eq!(machine(&[]).1.usb().unwrap(), [], "and that is no error");
    }

    #[tokio::test]
    async fn the_smart_card_service_is_missing_stopped_or_runs() {
        let (_root, bare) = machine(&[]);
        assert_eq!(bare.card_service().await, Some(CardService::Missing));
        let (root, machine) = machine(&[("usr/sbin/pcscd", ""), ("run/pcscd/x", "")]);
        assert_eq!(machine.card_service().await, Some(CardService::Stopped));
        let socket = root.path().join("run/pcscd/pcscd.comm");
        let listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(machine.card_service().await, Some(CardService::Runs));
        // Shut down, not only closed: a program that another test is starting may hold a copy for a moment.
        let listening = std::os::unix::net::UnixStream::from(std::os::fd::OwnedFd::from(listening));
        listening.shutdown(std::net::Shutdown::Both).unwrap();
        assert_eq!(machine.card_service().await, Some(CardService::Stopped), "a socket that nobody listens on");
    }

    #[tokio::test]
    async fn system_and_virtual_machine_are_told_by_their_own_words() {
        let (_root, machine) = machine(&[
            ("etc/os-release", "PRETTY_NAME=\"UOS Desktop 20 专业版\"\n"),
            ("sys/class/dmi/id/sys_vendor", "VMware, Inc.\n"),
            ("usr/lib64/libwebkit2gtk-4.1.so.0", ""),
        ]);
        let computer = machine.computer().await;
        assert_eq!(computer.system, "UOS Desktop 20 专业版");
        assert_eq!(computer.virtual_machine.as_deref(), Some("VMware"));
        assert_eq!(computer.web_view.as_deref(), Some("WebKitGTK"), "there, though no package manager tells which");
    }

    #[test]
    fn a_remote_session_is_known_by_what_it_sets() {
        assert_eq!(remote_session(&|name| name == "XRDP_SESSION").as_deref(), Some("xrdp"));
        assert_eq!(remote_session(&|_| false), None);
    }

    #[test]
    fn a_repair_is_offered_where_the_system_can_ask_for_an_administrator() {
        let (root, machine) = machine(&[]);
        assert_eq!(machine.elevated(&Repair::StartCardService), None, "without polkit nobody could be asked");
        fs::write(root.path().join("programs/pkexec"), "").unwrap();
        let start = machine.elevated(&Repair::StartCardService).unwrap();
        assert_eq!(start.to_string(), "pkexec systemctl enable --now pcscd.socket");
        assert_eq!(machine.elevated(&Repair::InstallCardService), None, "no package manager is known");
        fs::write(root.path().join("programs/apt-get"), "").unwrap();
        let install = machine.elevated(&Repair::InstallCardService).unwrap();
        assert_eq!(install.to_string(), "pkexec apt-get install -y pcscd libccid");
        let rules = machine.elevated(&Repair::AllowKeys).unwrap();
        assert!(rules.arguments.last().unwrap().contains("ATTR{idVendor}==\"055c\""), "the keys of the profiles");
    }
}
