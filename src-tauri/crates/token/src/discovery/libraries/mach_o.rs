//! macOS: Mach-O files, and where dyld(1) looks for what they need.

use super::{ENTRY, Facts, text};
use object::{
    Endianness, Object, macho,
    read::{
        ReadRef,
        macho::{FatArch, LoadCommandVariant, MachHeader, MachOFatFile32, MachOFatFile64, MachOFile},
    },
};
use std::path::{Path, PathBuf};

pub(super) fn facts<'data, R: ReadRef<'data>>(data: R) -> Option<Facts> {
    match object::FileKind::parse(data).ok()? {
        object::FileKind::MachO32 => of::<macho::MachHeader32<Endianness>, R>(data, 0),
        object::FileKind::MachO64 => of::<macho::MachHeader64<Endianness>, R>(data, 0),
        object::FileKind::MachOFat32 => slice(data, MachOFatFile32::parse(data).ok()?.arches()),
        object::FileKind::MachOFat64 => slice(data, MachOFatFile64::parse(data).ok()?.arches()),
        _ => None,
    }
}

/// The slices of one file are made from one source: the first tells for all.
fn slice<'data, R: ReadRef<'data>, A: FatArch>(data: R, slices: &[A]) -> Option<Facts> {
    let first = slices.first()?;
    let (offset, _) = first.file_range();
    match object::FileKind::parse_at(data, offset).ok()? {
        object::FileKind::MachO32 => of::<macho::MachHeader32<Endianness>, R>(data, offset),
        object::FileKind::MachO64 => of::<macho::MachHeader64<Endianness>, R>(data, offset),
        _ => None,
    }
}

fn of<'data, M: MachHeader<Endian = Endianness>, R: ReadRef<'data>>(data: R, offset: u64) -> Option<Facts> {
    let header = M::parse(data, offset).ok()?;
    let endian = header.endian().ok()?;
    let mut facts = Facts { is_pkcs11: true, ..Facts::default() };
    if offset == 0
        && let Ok(file) = MachOFile::<M, R>::parse(data)
        && let Ok(exports) = file.exports()
        && !exports.is_empty()
    {
        let name = |name: &[u8]| name.strip_prefix(b"_").unwrap_or(name) == ENTRY;
        facts.is_pkcs11 = exports.iter().any(|export| name(export.name()));
    }
    let Ok(mut commands) = header.load_commands(endian, data, offset) else { return Some(facts) };
    while let Ok(Some(command)) = commands.next() {
        match command.variant() {
            Ok(LoadCommandVariant::Dylib(dylib)) if command.cmd() != macho::LC_LOAD_WEAK_DYLIB => {
                facts.needed.extend(command.string(endian, dylib.dylib.name).map(text));
            }
            Ok(LoadCommandVariant::Rpath(rpath)) => {
                facts.rpath.extend(command.string(endian, rpath.path).map(text));
            }
            _ => {}
        }
    }
    Some(facts)
}

/// What the module itself needs and is not where it says. The system's own libraries are no files any more (dyld's
/// shared cache): they count as there.
pub(super) fn missing(module: &Path, helper: &Path) -> Vec<String> {
    let Some(facts) = super::read(module) else { return Vec::new() };
    let folder = |file: &Path| file.parent().unwrap_or(Path::new("/")).to_owned();
    let (own, program) = (folder(module), folder(helper));
    let place = |name: &str| -> PathBuf {
        match (name.strip_prefix("@loader_path/"), name.strip_prefix("@executable_path/")) {
            (Some(rest), _) => own.join(rest),
            (_, Some(rest)) => program.join(rest),
            _ => name.into(),
        }
    };
    let there = |name: &String| {
        if name.starts_with("/usr/lib/") || name.starts_with("/System/") {
            return true;
        }
        let leaf = name.rsplit('/').next().unwrap_or(name);
        let named = match name.strip_prefix("@rpath/") {
            Some(rest) => facts.rpath.iter().any(|rpath| place(rpath).join(rest).is_file()),
            None => place(name).is_file(),
        };
        // dyld's last resort.
        named || Path::new("/usr/local/lib").join(leaf).is_file()
    };
    facts.needed.iter().filter(|name| !there(name)).cloned().collect()
}
