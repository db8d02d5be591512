//! Linux: ELF files, and where ld.so(8) looks for what they need.

use super::{ENTRY, Facts, text};
use crate::header::Header;
use object::{
    Endianness, Object, elf,
    read::{
        ReadRef,
        elf::{ElfFile, FileHeader, SectionTable},
    },
};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

pub(super) fn facts<'data, R: ReadRef<'data>>(data: R) -> Option<Facts> {
    match object::FileKind::parse(data).ok()? {
        object::FileKind::Elf32 => of::<elf::FileHeader32<Endianness>, R>(data),
        object::FileKind::Elf64 => of::<elf::FileHeader64<Endianness>, R>(data),
        _ => None,
    }
}

fn of<'data, E: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(data: R) -> Option<Facts> {
    let file = ElfFile::<E, R>::parse(data).ok()?;
    // A file without a table of its symbols tells nothing; so it is given the benefit of the doubt.
    let is_pkcs11 = match file.exports() {
        Ok(exports) if file.dynamic_symbols().next().is_some() => exports.iter().any(|export| export.name() == ENTRY),
        _ => true,
    };
    let mut facts = Facts { is_pkcs11, ..Facts::default() };
    let sections: &SectionTable<'data, E, R> = file.elf_section_table();
    let Ok(table) = sections.dynamic_table(file.endian(), data) else { return Some(facts) };
    for entry in &table {
        let mut add = |to: fn(&mut Facts) -> &mut Vec<String>, list: bool| {
            let Ok(value) = table.string(entry) else { return };
            let value = text(value);
            let values = value.split(':').filter(|value| !value.is_empty()).map(str::to_owned);
            if list { to(&mut facts).extend(values) } else { to(&mut facts).push(value) }
        };
        match entry.tag {
            elf::DT_NEEDED => add(|facts| &mut facts.needed, false),
            elf::DT_RPATH => add(|facts| &mut facts.rpath, true),
            elf::DT_RUNPATH => add(|facts| &mut facts.runpath, true),
            _ => {}
        }
    }
    Some(facts)
}

/// Where the loader looks.
pub(super) struct Search {
    /// `LD_LIBRARY_PATH`
    environment: Vec<PathBuf>,
    /// `/etc/ld.so.cache`: name and places.
    cache: HashMap<String, Vec<PathBuf>>,
    /// What is built into it.
    usual: Vec<PathBuf>,
}

/// More libraries than any module pulls in.
const MOST_LIBRARIES: usize = 300;

impl Search {
    /// `None` where this system does without a cache: then where it looks is not known to us.
    pub(super) fn here() -> Option<Self> {
        let cache = parse_cache(&std::fs::read("/etc/ld.so.cache").ok()?)?;
        let environment = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let usual = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"];
        Some(Self {
            environment: std::env::split_paths(&environment).collect(),
            cache,
            usual: usual.map(PathBuf::from).into(),
        })
    }

    /// Walks through what the module needs, and what that needs.
    pub(super) fn missing(&self, module: &Path, machine: &Header) -> Vec<String> {
        let mut missing = Vec::new();
        let mut seen = HashSet::new();
        let mut waiting = vec![(module.to_owned(), Vec::new())];
        while let Some((file, inherited)) = waiting.pop() {
            let Some(facts) = super::read(&file) else { continue };
            let folder = file.canonicalize().ok().and_then(|file| file.parent().map(Path::to_owned));
            let folder = folder.unwrap_or_default();
            let expand =
                |paths: &[String]| -> Option<Vec<PathBuf>> { paths.iter().map(|path| expand(path, &folder)).collect() };
            // A placeholder that we cannot fill in: nothing is certain any more.
            let (Some(rpath), Some(runpath)) = (expand(&facts.rpath), expand(&facts.runpath)) else {
                return Vec::new();
            };
            let inherited: Vec<_> = rpath.into_iter().chain(inherited).collect();
            for name in facts.needed {
                if seen.len() >= MOST_LIBRARIES || !seen.insert(name.clone()) {
                    continue;
                }
                // `DT_RPATH` counts for nothing beside a `DT_RUNPATH`.
                let first = if runpath.is_empty() { &inherited[..] } else { &[] };
                match self.find(&name, first, &runpath, machine) {
                    Some(found) => waiting.push((found, inherited.clone())),
                    None => missing.push(name),
                }
            }
        }
        missing.sort();
        missing
    }

    fn find(&self, name: &str, rpath: &[PathBuf], runpath: &[PathBuf], machine: &Header) -> Option<PathBuf> {
        let fits = |path: &PathBuf| super::super::header(path).is_some_and(|header| header.fits(machine));
        if name.contains('/') {
            return Some(PathBuf::from(name)).filter(fits);
        }
        let folders = rpath.iter().chain(&self.environment).chain(runpath).map(|folder| folder.join(name));
        let cached = self.cache.get(name).into_iter().flatten().cloned();
        folders.chain(cached).chain(self.usual.iter().map(|folder| folder.join(name))).find(fits)
    }
}

/// Fills in `$ORIGIN`; `None` where there is another placeholder.
fn expand(path: &str, folder: &Path) -> Option<PathBuf> {
    let folder = folder.to_str()?;
    let path = path.replace("${ORIGIN}", folder).replace("$ORIGIN", folder);
    (!path.contains('$')).then(|| path.into())
}

/// Names and places in `/etc/ld.so.cache`, glibc's own format (`sysdeps/generic/dl-cache.h`, `struct cache_file_new`):
/// a magic of 20 bytes, the number of entries at 20, entries of 24 bytes from 48 on, each with the offsets of its name at
/// 4 and of its path at 8. It may stand behind an older format; offsets count from its own beginning.
pub(super) fn parse_cache(bytes: &[u8]) -> Option<HashMap<String, Vec<PathBuf>>> {
    const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
    let start = bytes.windows(MAGIC.len()).position(|window| window == MAGIC)?;
    let bytes = &bytes[start..];
    let word = |at: usize| -> Option<usize> {
        let word = u32::from_ne_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?);
        usize::try_from(word).ok()
    };
    let string = |at: usize| -> Option<String> {
        let rest = bytes.get(at..)?;
        Some(text(&rest[..rest.iter().position(|byte| *byte == 0)?]))
    };
    let mut places: HashMap<String, Vec<PathBuf>> = HashMap::new();
    for entry in 0..word(20)? {
        let at = entry.checked_mul(24)?.checked_add(48)?;
        let (Some(name), Some(path)) = (word(at + 4).and_then(string), word(at + 8).and_then(string)) else { break };
        places.entry(name).or_default().push(path.into());
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cache_names_libraries_and_their_places() {
        let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
        bytes.extend(1u32.to_ne_bytes());
        bytes.resize(48, 0);
        for word in [3u32, 72, 81, 0, 0, 0] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(b"liba.so.1\0/opt/liba.so.1\0");
        let mut other = bytes.clone();
        other[52] = 72;
        other[56] = 82;
        let cache = parse_cache(&other).expect("this is a cache");
        assert_eq!(cache["liba.so.1"], [PathBuf::from("/opt/liba.so.1")], "the name leads to its place");
        let behind = [b"ld.so-1.7.0\0\0\0\0\0".to_vec(), other].concat();
        assert_eq!(parse_cache(&behind).map(|cache| cache.len()), Some(1), "behind the older format too");
        assert!(parse_cache(b"musl").is_none(), "another file is no cache");
    }

    proptest! {
        #[test]
        fn any_cache_is_read_without_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), sound in any::<bool>()) {
            if sound && bytes.len() >= 20 { bytes[..20].copy_from_slice(b"glibc-ld.so.cache1.1"); }
            let _ = parse_cache(&bytes);
        }
    }
}
