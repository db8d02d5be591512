//! What the administrator left beside the program: `certdesk.json`, there or in `/etc/certdesk`.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Installed {
    service: Option<String>,
}

/// The address of the service that the administrator set, if any.
pub fn service() -> Option<String> {
    let places = [beside_program("certdesk.json"), PathBuf::from("/etc/certdesk/certdesk.json")];
    let text = places.iter().find_map(|place| std::fs::read_to_string(place).ok());
    text.and_then(|text| serde_json::from_str(&text).ok()).map(|read: Installed| read.service).unwrap_or_default()
}

/// The helper program that is installed beside this one.
pub fn token_host() -> PathBuf {
    beside_program(if cfg!(windows) { "certdesk-token-host.exe" } else { "certdesk-token-host" })
}

fn beside_program(name: &str) -> PathBuf {
    let folder = std::env::current_exe().ok().and_then(|program| program.parent().map(PathBuf::from));
    folder.unwrap_or_default().join(name)
}
