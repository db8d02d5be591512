//! 服务支持: drivers of tokens, for those who cannot log in without one (manual 1.4.2).

use serde::{Deserialize, Serialize};

use crate::catalogue::Text;

/// One installer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct DriverPackage {
    /// Its name in addresses, of `[a-z0-9-]`.
    pub id: String,
    /// Its name for people.
    pub name: Text,
    /// Which tokens need it, one sentence.
    pub serves: Text,
    /// Who made and signed it.
    pub publisher: String,
    /// Version as the publisher writes it.
    pub version: String,
    /// For which system.
    pub os: DriverOs,
    /// For which machines, as Rust names them: `x86_64`, `aarch64`; empty: all.
    pub architectures: Vec<String>,
    /// Name of the file, with the ending by which the system knows what to do with it.
    pub file_name: String,
    /// Size, bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Tokens it is for: ids of profiles (`pkcs11-profiles`), or USB numbers `vvvv:pppp`. Empty: only people can tell.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// What the package itself says of who made it: `Maintainer` of a `.deb`, `Vendor` of a `.rpm`, the name in the
    /// certificate that signed an `.exe`, `.msi` or `.pkg`. Compared before it is installed; `None`: its SHA-256 alone is.
    #[serde(default)]
    pub signer: Option<String>,
    /// Arguments by which an `.exe` installs without questions. The other kinds have ways of their system.
    #[serde(default)]
    pub silent: Vec<String>,
}

/// Drivers that lie on a medium (a USB stick, a share) beside this list, for computers that have never seen the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedDrivers {
    /// What is signed, as it stands: the JSON text of a [`DriverList`].
    pub list: String,
    /// Signature over it by who publishes profiles: the four lines of a minisign signature file (Ed25519).
    pub signature: String,
}

impl SignedDrivers {
    /// Name of its file.
    pub const FILE: &str = "drivers.signed.json";
}

/// What a publisher vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverList {
    /// When it was signed, seconds since 1970. Of two lists the later one counts.
    pub signed_at: i64,
    /// The packages.
    pub drivers: Vec<DriverPackage>,
}

impl DriverPackage {
    /// Whether it is for a token with these USB numbers, known by these profiles.
    pub fn serves_token(&self, usb: &str, profiles: &[&str]) -> bool {
        self.tokens.iter().any(|token| token == usb || profiles.contains(&token.as_str()))
    }

    /// Whether the file's name is one plain name (no path, nothing a shell or a system takes for something else) with the
    /// ending of an installer of its system. Neither side touches a file of another name.
    pub fn has_plain_file_name(&self) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'~');
        let Some((stem, ending)) = self.file_name.rsplit_once('.') else { return false };
        let endings: &[&str] = match self.os {
            DriverOs::Windows => &["exe", "msi"],
            DriverOs::Macos => &["pkg", "dmg"],
            DriverOs::LinuxDeb => &["deb"],
            DriverOs::LinuxRpm => &["rpm"],
        };
        let starts_well = stem.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        starts_well && self.file_name.len() <= 100 && stem.bytes().all(plain) && endings.contains(&ending)
    }
}

/// Systems that drivers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriverOs {
    /// Windows
    Windows,
    /// macOS
    Macos,
    /// Linux with packages of Debian (`.deb`)
    LinuxDeb,
    /// Linux with packages of RPM (`.rpm`)
    LinuxRpm,
}
