//! Paths as profiles write them, and the computers they are for.

use serde::Deserialize;
use std::path::PathBuf;

/// Operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux of any distribution.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl Os {
    /// This computer's.
    pub fn here() -> Option<Self> {
        match std::env::consts::OS {
            "linux" => Some(Self::Linux),
            "macos" => Some(Self::Macos),
            "windows" => Some(Self::Windows),
            _ => None,
        }
    }
}

/// Processor of the process that loads the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86.
    X86,
    /// 64-bit ARM.
    Aarch64,
}

impl Arch {
    /// This process's.
    pub fn here() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::X86_64),
            "x86" => Some(Self::X86),
            "aarch64" => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// Debian's name of its library folder.
    pub fn multiarch(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-linux-gnu",
            Self::X86 => "i386-linux-gnu",
            Self::Aarch64 => "aarch64-linux-gnu",
        }
    }
}

/// The path with its placeholders filled in: `{multiarch}` (Debian's library folder) and Windows' `%Variables%`. `beside`:
/// as a 64-bit process sees what is a 32-bit process' own.
pub(crate) fn expand(path: &str, os: Os, arch: Arch, beside: bool) -> PathBuf {
    if os != Os::Windows {
        return path.replace("{multiarch}", arch.multiarch()).into();
    }
    let path = match beside {
        true => path.replacen(r"%SystemRoot%\System32", r"%SystemRoot%\SysWOW64", 1).replacen(
            "%ProgramFiles%",
            "%ProgramFiles(x86)%",
            1,
        ),
        false => path.to_owned(),
    };
    for (name, usual) in VARIABLES {
        if let Some(rest) = path.strip_prefix(&format!("%{name}%")) {
            let value = std::env::var(name).unwrap_or_else(|_| usual.to_string());
            return format!("{value}{rest}").into();
        }
    }
    path.into()
}

/// The name after the last separator of either system.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Whether the path says where to look without any search.
#[cfg(test)]
pub(crate) fn is_absolute(path: &str, os: Os) -> bool {
    match os {
        Os::Windows => {
            VARIABLES.iter().any(|(name, _)| path.starts_with(&format!("%{name}%\\"))) || path.get(1..3) == Some(":\\")
        }
        _ => path.starts_with('/'),
    }
}

const VARIABLES: [(&str, &str); 3] = [
    ("SystemRoot", r"C:\Windows"),
    ("ProgramFiles(x86)", r"C:\Program Files (x86)"),
    ("ProgramFiles", r"C:\Program Files"),
];
