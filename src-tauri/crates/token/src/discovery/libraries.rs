//! What a library exports and which others it needs, read from its file; and which of those this computer lacks.
//!
//! Careful in one direction: where it is not certain that a library is missing, none is. Better that the loader says it
//! than that a working driver is left out.

mod elf;
mod mach_o;
mod pe;

use crate::header::{Format, Header};
use object::read::ReadCache;
use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// What a library says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// It has the entry of a PKCS#11 module; also where its exports cannot be read.
    pub(super) is_pkcs11: bool,
    /// Libraries it cannot do without, as it names them.
    needed: Vec<String>,
    /// Where to look for them first, as it says (`DT_RPATH`, `LC_RPATH`).
    rpath: Vec<String>,
    /// Where to look for its own, and not for those of the libraries it brings (`DT_RUNPATH`).
    runpath: Vec<String>,
}

/// The one function that every module exports (PKCS #11 v3.1 §5.4.4).
const ENTRY: &[u8] = b"C_GetFunctionList";

/// Reads a library; `None` where it cannot be read at all. What was read once is remembered as long as the file stays
/// as it is.
pub(super) fn read(path: &Path) -> Option<Facts> {
    static KNOWN: Mutex<Option<HashMap<PathBuf, (Stamp, Facts)>>> = Mutex::new(None);
    let stamp = Stamp::of(path)?;
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((then, facts)) = known().as_ref().and_then(|known| known.get(path))
        && *then == stamp
    {
        return Some(facts.clone());
    }
    let facts = parse(Bounded::new(File::open(path).ok()?))?;
    known().get_or_insert_default().insert(path.to_owned(), (stamp, facts.clone()));
    Some(facts)
}

/// The libraries that loading `module` into `helper` would not find, by the names they are needed under.
pub(super) fn missing(module: &Path, helper: &Path) -> Vec<String> {
    let Some(header) = super::header(module) else { return Vec::new() };
    match header.format {
        Format::Elf => elf::Search::here().map(|search| search.missing(module, &header)).unwrap_or_default(),
        Format::Pe => pe::Search::here(&header).missing(module),
        Format::MachO => mach_o::missing(module, helper),
    }
}

/// By which a changed file is known.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let facts = path.metadata().ok()?;
        Some(Self { length: facts.len(), modified: facts.modified().ok() })
    }
}

fn parse<S: Read + Seek>(source: S) -> Option<Facts> {
    let data = ReadCache::new(source);
    let mut head = [0; 4096];
    let read = {
        use object::read::ReadRef;
        let length = ReadRef::len(&data).ok()?.min(head.len() as u64);
        let bytes = (&data).read_bytes_at(0, length).ok()?;
        head[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    };
    let header = Header::parse(&head[..read])?;
    match header.format {
        Format::Elf => elf::facts(&data),
        Format::Pe => pe::facts(&data),
        Format::MachO => mach_o::facts(&data),
    }
}

/// A file of which only so much is read: a damaged one must not lead us around in circles.
struct Bounded<S> {
    source: S,
    left: usize,
}

/// Tables of the largest modules take a tenth of this.
const MOST_READ: usize = 64 << 20;

impl<S> Bounded<S> {
    fn new(source: S) -> Self {
        Self { source, left: MOST_READ }
    }
}

impl<S: Read> Read for Bounded<S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.left = self.left.checked_sub(read).ok_or(std::io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

impl<S: Seek> Seek for Bounded<S> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.source.seek(to)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// [`parse`], for `tests/fuzz`.
#[cfg(feature = "fuzz")]
pub fn read_bytes(bytes: &[u8]) -> String {
    format!("{:?}", parse(Bounded::new(std::io::Cursor::new(bytes))))
}

/// What glibc's cache of libraries is read as, for `tests/fuzz`.
#[cfg(feature = "fuzz")]
pub fn read_loader_cache(bytes: &[u8]) -> Option<usize> {
    elf::parse_cache(bytes).map(|cache| cache.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..3000), magic in 0usize..5) {
            let magics: [&[u8]; 5] = [b"", b"\x7fELF\x02\x01\x01", b"MZ", b"\xca\xfe\xba\xbe\0\0\0\x01", b"\xcf\xfa\xed\xfe"];
            let magic = magics[magic];
            if bytes.len() >= magic.len() { bytes[..magic.len()].copy_from_slice(magic); }
            let _ = parse(Cursor::new(bytes));
        }

        /// A real library with some bytes changed leads further into the tables than noise does.
        #[test]
        fn a_damaged_library_is_read_without_harm(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60)) {
            let mut bytes = own_library();
            for (at, byte) in damage {
                // Most of what matters is at the head and at the tail.
                let at = at.index(8192);
                let length = bytes.len();
                let place = if at < 4096 { at.min(length - 1) } else { length.saturating_sub(at - 4095) };
                bytes[place] = byte;
            }
            let _ = parse(Cursor::new(bytes));
        }
    }

    /// A file of this system: this test itself, cut down where only its head is of use.
    fn own_library() -> Vec<u8> {
        static OWN: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            let small = ["/lib/x86_64-linux-gnu/libdl.so.2", "/lib/aarch64-linux-gnu/libdl.so.2"].into_iter();
            small.filter_map(|path| std::fs::read(path).ok()).next().unwrap_or_else(|| {
                let own = std::env::current_exe().expect("a running test has a path");
                std::fs::read(own).expect("a running test can be read")
            })
        });
        OWN.clone()
    }
}
