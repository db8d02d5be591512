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
