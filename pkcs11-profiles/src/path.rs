//! Paths as profiles write them, and the computers they are for.

use serde::Deserialize;
use std::path::{Path, PathBuf};

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

/// Whether a name is that of a pattern, in which `*` stands for any part of it. Case counts for nothing: file systems of
/// Windows and macOS do not heed it, and no two vendors differ by it.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let Some((middle, end)) = rest.rsplit_once('*') else { return left.ends_with(rest) };
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

/// The files that a path with `*` stands for; the path itself where it has none.
pub(crate) fn files(path: PathBuf) -> Vec<PathBuf> {
    if !path.to_string_lossy().contains('*') {
        return vec![path];
    }
    let mut found = vec![PathBuf::new()];
    for part in path.components() {
        let pattern = part.as_os_str().to_string_lossy();
        found = match pattern.contains('*') {
            false => found.into_iter().map(|folder| folder.join(part)).collect(),
            true => found.iter().flat_map(|folder| within(folder, &pattern)).collect(),
        };
    }
    found
}

fn within(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut found: Vec<_> = names
        .filter(|name| name.to_str().is_some_and(|name| matches(pattern, name)))
        .map(|name| folder.join(name))
        .collect();
    found.sort();
    found
}

/// The name after the last separator of either system.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Whether the path says where to look without any search.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_part_of_a_name() {
        for (pattern, name) in [("SKFAPI20*.dll", "skfapi20549.dll"), ("*a*b*", "xxaxxbxx"), ("lib*.so", "lib.so")] {
            assert!(matches(pattern, name), "{pattern} is {name}");
        }
        for (pattern, name) in
            [("SKFAPI20*.dll", "SKFAPI20.ini"), ("*a*b*", "xbxa"), ("a*a", "a"), ("lib.so", "lib.so.1")]
        {
            assert!(!matches(pattern, name), "{pattern} is not {name}");
        }
    }

    #[test]
    fn a_pattern_is_filled_in_part_by_part() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["HaiTai20240/HtPkcs1120240.dll", "HaiTai20549/HtPkcs1120549.dll", "HaiTai1/other.dll"] {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let names: Vec<_> = files(folder.path().join("HaiTai*").join("HtPkcs11*.dll"))
            .iter()
            .map(|path| file_name(path.to_str().unwrap()).to_owned())
            .collect();
        assert_eq!(names, ["HtPkcs1120240.dll", "HtPkcs1120549.dll"]);
        assert!(files(folder.path().join("nowhere*").join("x")).is_empty(), "what is not there is nothing");
    }
}
