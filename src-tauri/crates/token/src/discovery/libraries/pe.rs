//! Windows: PE files, and where LoadLibraryEx looks for what they need ("Dynamic-link library search order",
//! `LOAD_WITH_ALTERED_SEARCH_PATH`: the module's own folder first).

use super::{ENTRY, Facts, text};
use crate::header::{Header, Machine};
use object::{
    LittleEndian as LE, Object, pe,
    read::{
        ReadRef,
        pe::{ImageNtHeaders, PeFile},
    },
};
use std::path::{Path, PathBuf};

pub(super) fn facts<'data, R: ReadRef<'data>>(data: R) -> Option<Facts> {
    match object::FileKind::parse(data).ok()? {
        object::FileKind::Pe32 => of::<pe::ImageNtHeaders32, R>(data),
        object::FileKind::Pe64 => of::<pe::ImageNtHeaders64, R>(data),
        _ => None,
    }
}

fn of<'data, P: ImageNtHeaders, R: ReadRef<'data>>(data: R) -> Option<Facts> {
    let file = PeFile::<P, R>::parse(data).ok()?;
    let is_pkcs11 = match file.exports() {
        Ok(exports) => exports.iter().any(|export| export.name() == ENTRY),
        Err(_) => true,
    };
    let mut facts = Facts { is_pkcs11, ..Facts::default() };
    let Ok(Some(table)) = file.import_table() else { return Some(facts) };
    let Ok(mut descriptors) = table.descriptors() else { return Some(facts) };
    while let Ok(Some(descriptor)) = descriptors.next() {
        let Ok(name) = table.name(descriptor.name.get(LE)) else { break };
        facts.needed.push(text(name));
    }
    Some(facts)
}

/// The system's folders.
pub(super) struct Search {
    folders: Vec<PathBuf>,
}

impl Search {
    pub(super) fn here(module: &Header) -> Self {
        let root = PathBuf::from(std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into()));
        let narrow = cfg!(target_pointer_width = "64") && module.machines == [Machine::X86];
        let system = root.join(if narrow { "SysWOW64" } else { "System32" });
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self { folders: [system, root].into_iter().chain(std::env::split_paths(&path)).collect() }
    }

    /// What the module itself needs and neither its folder nor the system's have. What those need is left to the
    /// loader: side-by-side assemblies have rules of their own.
    pub(super) fn missing(&self, module: &Path) -> Vec<String> {
        let Some(facts) = super::read(module) else { return Vec::new() };
        let own = module.parent().map(Path::to_owned);
        let there = |name: &String| own.iter().chain(&self.folders).any(|folder| folder.join(name).is_file());
        facts.needed.into_iter().filter(|name| !is_of_the_system(name) && !there(name)).collect()
    }
}

/// Names that stand for no file ("API sets").
fn is_of_the_system(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("api-ms-") || name.starts_with("ext-ms-")
}
