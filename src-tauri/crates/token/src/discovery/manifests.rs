//! Modules that driver packages announce to Firefox by a manifest: MDN, "Native manifests", PKCS #11 manifests. It is the
//! one list of modules that Windows and macOS have, too.

use super::places::Registration;
use pkcs11_profiles::Os;
use serde::Deserialize;
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// More bytes than any manifest has.
const LONGEST: u64 = 1 << 16;

#[derive(Deserialize)]
struct Manifest {
    name: String,
    #[serde(default)]
    description: String,
    path: PathBuf,
    #[serde(rename = "type")]
    kind: String,
}

/// The folders of manifests, the person's own first. Windows has them in its registry.
pub(super) fn folders(os: Os, home: Option<&Path>) -> Vec<PathBuf> {
    let (own, system): (&str, &[&str]) = match os {
        Os::Linux => {
            (".mozilla/pkcs11-modules", &["/usr/lib/mozilla/pkcs11-modules", "/usr/lib64/mozilla/pkcs11-modules"])
        }
        Os::Macos => (
            "Library/Application Support/Mozilla/PKCS11Modules",
            &["/Library/Application Support/Mozilla/PKCS11Modules"],
        ),
        Os::Windows => return Vec::new(),
    };
    home.map(|home| home.join(own)).into_iter().chain(system.iter().map(PathBuf::from)).collect()
}

/// What the manifests in these folders name, by file name.
pub(super) fn in_folders(folders: &[PathBuf]) -> Vec<Registration> {
    let mut found = Vec::new();
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
        files.sort();
        found.extend(files.iter().filter_map(|file| read(file)));
    }
    found
}

/// What the manifests in Windows' registry name, the person's own first.
#[cfg(windows)]
pub(super) fn in_registry() -> Vec<Registration> {
    use windows_registry::{CURRENT_USER, LOCAL_MACHINE};
    const KEYS: [&str; 2] = [r"SOFTWARE\Mozilla\PKCS11Modules", r"SOFTWARE\WOW6432Node\Mozilla\PKCS11Modules"];
    let mut found = Vec::new();
    for root in [CURRENT_USER, LOCAL_MACHINE] {
        for key in KEYS {
            let Ok(list) = root.open(key) else { continue };
            let Ok(names) = list.keys() else { continue };
            let files = names.filter_map(|name| list.open(name).ok()?.get_string("").ok());
            found.extend(files.filter_map(|file| read(Path::new(&file))));
        }
    }
    found
}

/// Only Windows has a registry.
#[cfg(not(windows))]
pub(super) fn in_registry() -> Vec<Registration> {
    Vec::new()
}

fn read(file: &Path) -> Option<Registration> {
    let mut text = Vec::new();
    File::open(file).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    parse(&text, file)
}

fn parse(text: &[u8], file: &Path) -> Option<Registration> {
    let manifest: Manifest = serde_json::from_slice(text).ok()?;
    if manifest.kind != "pkcs11" {
        return None;
    }
    let name = if manifest.description.is_empty() { manifest.name } else { manifest.description };
    // On Windows a path may be relative to its manifest; an absolute one stays what it is.
    Some(Registration { name, path: file.parent()?.join(manifest.path), by: "Firefox" })
}

/// [`parse`], for `tests/fuzz`.
#[cfg(feature = "fuzz")]
pub fn read_bytes(bytes: &[u8]) -> String {
    format!("{:?}", parse(bytes, Path::new("/usr/lib/mozilla/pkcs11-modules/any.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_its_module_and_anything_else_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let path = if cfg!(windows) { "C:/beid/beidpkcs11.dll" } else { "/usr/lib/libbeidpkcs11.so" };
        let manifest =
            r#"{"name":"beid","description":"Belgium eID","path":"PATH","type":"pkcs11","allowed_extensions":[]}"#;
        write("beid.json", &manifest.replace("PATH", path));
        write("chat.json", r#"{"name":"chat","description":"","path":"/usr/lib/chat","type":"stdio"}"#);
        write("half.json", r#"{"name":"#);
        write("other.txt", "");
        let found = in_folders(&[folder.path().join("nowhere"), folder.path().to_owned()]);
        let expected = Registration { name: "Belgium eID".into(), path: path.into(), by: "Firefox" };
        assert_eq!(found, [expected], "the one PKCS#11 manifest");
    }

    #[test]
    fn each_system_has_its_own_folders() {
        let home = Path::new("/home/me");
        assert!(folders(Os::Linux, Some(home)).contains(&home.join(".mozilla/pkcs11-modules")));
        assert_eq!(folders(Os::Macos, None), [Path::new("/Library/Application Support/Mozilla/PKCS11Modules")]);
        assert!(folders(Os::Windows, Some(home)).is_empty(), "Windows has its registry");
    }
}
