//! System packages: what is needed, how one sees that it is there, and what Debian 12, Ubuntu 22.04 and 24.04 call it.
//!
//! The three agree on every name below: the `t64` names of Ubuntu 24.04 are those of run-time libraries, which come as
//! dependencies of what is named here.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    owner,
    setup::Purpose,
    terminal::{Terminal, output},
};

/// One thing that has to be on the machine.
pub(crate) struct Need {
    /// What it is, for people.
    pub(crate) what: &'static str,
    /// Debian's and Ubuntu's package.
    pub(crate) package: &'static str,
    since: Purpose,
    seen: Seen,
}

/// How one sees that it is there, whoever installed it.
enum Seen {
    Program(&'static str),
    PkgConfig(&'static str),
    Plugin(&'static str),
    /// A library in one of the folders that distributions put modules in.
    Library(&'static str),
    File(&'static str),
    CParser,
    ChineseFont,
    SoftHsm,
}

const NEEDS: &[Need] = &[
    need("C compiler", "build-essential", Purpose::Build, Seen::Program("cc")),
    need("pkg-config", "pkg-config", Purpose::Build, Seen::Program("pkg-config")),
    need("WebKitGTK 4.1", "libwebkit2gtk-4.1-dev", Purpose::Build, Seen::PkgConfig("webkit2gtk-4.1")),
    need("OpenSSL, for SQLCipher", "libssl-dev", Purpose::Build, Seen::PkgConfig("libcrypto")),
    need("npm", "npm", Purpose::Build, Seen::Program("npm")),
    need("Chinese font", "fonts-noto-cjk", Purpose::Demo, Seen::ChineseFont),
    need("H.264 video", "gstreamer1.0-libav", Purpose::Demo, Seen::Plugin("libgstlibav.so")),
    need("software key", "softhsm2", Purpose::Demo, Seen::SoftHsm),
    need("virtual display", "xvfb", Purpose::Test, Seen::Program("Xvfb")),
    need("window driver", "webkit2gtk-driver", Purpose::Test, Seen::Program("WebKitWebDriver")),
    need("message bus", "dbus", Purpose::Test, Seen::Program("dbus-daemon")),
    need("key store", "gnome-keyring", Purpose::Test, Seen::Program("gnome-keyring-daemon")),
    need("keys and clicks", "xdotool", Purpose::Test, Seen::Program("xdotool")),
    need("clipboard", "xclip", Purpose::Test, Seen::Program("xclip")),
    need("PKCS#11 judge", "opensc", Purpose::Test, Seen::Program("pkcs11-tool")),
    need("PDF judge", "qpdf", Purpose::Test, Seen::Program("qpdf")),
    need("PDF reader", "poppler-utils", Purpose::Test, Seen::Program("pdftotext")),
    need("certificate judge", "openssl", Purpose::Test, Seen::Program("openssl")),
    need("upload judge", "curl", Purpose::Test, Seen::Program("curl")),
];

/// What the token lab has in common with the rest: it needs neither window nor display.
const TOKEN_LAB_SHARES: [&str; 5] = ["build-essential", "pkg-config", "softhsm2", "opensc", "openssl"];

/// What the token lab can use beside what the tests need. All of it may be missing: then its modules are left out.
const TOKEN_LAB: &[Need] = &[
    need("OpenSC's modules", "opensc-pkcs11", Purpose::Test, Seen::Library("pkcs11-spy.so")),
    need("OpenSSL's headers", "libssl-dev", Purpose::Test, Seen::File("/usr/include/openssl/evp.h")),
    need("SQLite's headers", "libsqlite3-dev", Purpose::Test, Seen::File("/usr/include/sqlite3.h")),
    need("C parser", "libclang-dev", Purpose::Test, Seen::CParser),
    need("p11-kit", "p11-kit", Purpose::Test, Seen::Program("p11-kit")),
    need("p11-kit's modules", "p11-kit-modules", Purpose::Test, Seen::Library("p11-kit-client.so")),
    need("NSS' module", "libnss3", Purpose::Test, Seen::Library("libsoftokn3.so")),
    need("NSS' tools", "libnss3-tools", Purpose::Test, Seen::Program("certutil")),
    need("TPM in software", "swtpm", Purpose::Test, Seen::Program("swtpm")),
    need("its PKCS#11 module", "libtpm2-pkcs11-1", Purpose::Test, Seen::Library("libtpm2_pkcs11.so")),
    need("its transport", "libtss2-tcti-swtpm0", Purpose::Test, Seen::Library("libtss2-tcti-swtpm.so.0")),
    need("openCryptoki", "opencryptoki", Purpose::Test, Seen::File("/usr/sbin/pkcsslotd")),
    need("its library", "libopencryptoki0", Purpose::Test, Seen::Library("libopencryptoki.so")),
    need("PC/SC daemon", "pcscd", Purpose::Test, Seen::File("/usr/sbin/pcscd")),
    need("virtual reader", "vsmartcard-vpcd", Purpose::Test, Seen::File("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")),
    need("PIV tool", "yubico-piv-tool", Purpose::Test, Seen::Program("yubico-piv-tool")),
    need("Yubico's module", "ykcs11", Purpose::Test, Seen::Library("libykcs11.so")),
    need("GnuPG's module", "scute", Purpose::Test, Seen::Library("scute.so")),
    need("GnuPG's card daemon", "scdaemon", Purpose::Test, Seen::File("/usr/lib/gnupg/scdaemon")),
    need("GnuPG's agent", "gpg-agent", Purpose::Test, Seen::Program("gpg-agent")),
];

const fn need(what: &'static str, package: &'static str, since: Purpose, seen: Seen) -> Need {
    Need { what, package, since, seen }
}

/// What `purpose` needs, each with whether it is there.
pub(crate) fn look(purpose: Purpose) -> Vec<(&'static Need, bool)> {
    NEEDS.iter().filter(|need| need.since <= purpose).map(|need| (need, need.seen.is_there())).collect()
}

/// What the token lab can use, and this machine lacks.
pub(crate) fn missing_for_token_lab() -> Vec<&'static Need> {
    let shared = NEEDS.iter().filter(|need| TOKEN_LAB_SHARES.contains(&need.package));
    shared.chain(TOKEN_LAB).filter(|need| !need.seen.is_there()).collect()
}

/// Names the packages, then installs them.
///
/// # Errors
/// On a distribution whose names we do not know, without root and `sudo`, or when apt fails.
pub(crate) fn install(terminal: &Terminal, missing: &[&Need]) -> Result<()> {
    let names: Vec<_> = missing.iter().map(|need| need.package).collect();
    let listed = names.join(" ");
    if !program_is_there("apt-get") {
        let things = missing.iter().map(|need| format!("{} ({})", need.what, need.package)).collect::<Vec<_>>();
        bail!(
            "this machine lacks: {}. Only Debian's and Ubuntu's package manager is known here: install them by yours \
             (the names in brackets are Debian's) and run this again",
            things.join(", ")
        );
    }
    terminal.say(&format!("installing the system packages: {listed}"));
    let mut command = if owner::is_root() {
        Command::new("bash")
    } else {
        ensure!(program_is_there("sudo"), "these packages need root, and there is no sudo: apt-get install {listed}");
        let mut sudo = Command::new("sudo");
        sudo.arg("bash");
        sudo
    };
    // sudo may ask for a password: the terminal stays connected.
    let status = command
        .args(["packaging/xtask/apt-install.sh"])
        .args(&names)
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .context("cannot start the package manager")?;
    ensure!(status.success(), "the package manager could not install: {listed}");
    Ok(())
}

impl Seen {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(name) => program_is_there(name),
            Self::PkgConfig(name) => output(Command::new("pkg-config").args(["--exists", name])).is_some(),
            Self::Plugin(file) => library_folders().any(|folder| folder.join("gstreamer-1.0").join(file).is_file()),
            Self::Library(file) => library_folders()
                .flat_map(|folder| ["", "pkcs11", "scute"].map(|sub| folder.join(sub).join(file)))
                .any(|path| path.is_file()),
            Self::File(path) => Path::new(path).exists(),
            // Each version of it lies in a folder of its own, and the unversioned package may be another than what is there.
            Self::CParser => library_folders().any(|folder| {
                let versions = fs::read_dir(folder).into_iter().flatten().flatten();
                versions.filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-")).any(|version| {
                    let files = fs::read_dir(version.path().join("lib")).into_iter().flatten().flatten();
                    files.map(|file| file.file_name()).any(|name| name.to_string_lossy().starts_with("libclang"))
                })
            }),
            Self::ChineseFont => {
                output(Command::new("fc-list").arg(":lang=zh-cn")).is_some_and(|list| !list.is_empty())
            }
            Self::SoftHsm => program_is_there("softhsm2-util") && stage::softhsm_module().is_ok(),
        }
    }
}

fn program_is_there(name: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

/// `/usr/lib`, `/usr/lib64` and the folders of each machine type below.
fn library_folders() -> impl Iterator<Item = PathBuf> {
    let below = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    ["/usr/lib", "/usr/lib64"].into_iter().map(|folder| Path::new(folder).to_owned()).chain(below)
}
