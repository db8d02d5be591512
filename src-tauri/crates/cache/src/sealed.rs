//! Sealed files: what the program itself writes beside its database, encrypted and authenticated in blocks.
//!
//! The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015; `aead-stream`) over ChaCha20-Poly1305 (RFC 8439):
//! each block is bound to its place, and the last one to being the last, so a file that was changed, reordered, cut or
//! continued is refused. Read and written a block at a time, from any place.
//!
//! A file has a key of its own, which seals nothing else: that is why the nonce may begin with zeros. Layout: [`MAGIC`],
//! then blocks of 64 KiB and their tags of 16 bytes; only the last may be shorter, and only that of an empty file empty.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use aead_stream::{NewStream, Nonce, StreamBE32, StreamPrimitive};
use chacha20poly1305::ChaCha20Poly1305;
use zeroize::Zeroizing;

use crate::{FileKey, file};

/// How a sealed file of this layout begins; authenticated with every block.
const MAGIC: &[u8; 16] = b"certdesk-sealed1";
/// Bytes of a block before it is sealed.
const BLOCK: usize = 64 * 1024;
/// Bytes that sealing adds to a block.
const TAG: usize = 16;

type Stream = StreamBE32<ChaCha20Poly1305>;

/// Seals all of `content` into a new file, readable for its owner alone. Answers how many bytes were sealed; they are on
/// the disk then.
///
/// # Errors
/// Those of the file system; `AlreadyExists` where there is one of that name: a key seals once.
pub fn seal(path: &Path, key: &FileKey, content: impl Read) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let sealed = write(&mut file, key, content).and_then(|bytes| file.sync_all().map(|()| bytes));
    file::sync_folder(path);
    if sealed.is_err() {
        // What is begun and not finished is nothing.
        let _ = std::fs::remove_file(path);
    }
    sealed
}

fn write(file: &mut impl Write, key: &FileKey, content: impl Read) -> io::Result<u64> {
    let stream = stream(key);
    let mut content = BufReader::with_capacity(BLOCK, content);
    let mut bytes = 0;
    file.write_all(MAGIC)?;
    for position in 0..u32::MAX {
        let mut block = Zeroizing::new(Vec::with_capacity(BLOCK + TAG));
        (&mut content).take(BLOCK as u64).read_to_end(&mut block)?;
        bytes += block.len() as u64;
        let last = block.len() < BLOCK || io::BufRead::fill_buf(&mut content)?.is_empty();
        stream.encrypt_in_place(position, last, MAGIC, &mut *block).map_err(|_| io::Error::other("not sealed"))?;
        file.write_all(&block)?;
        if last {
            return Ok(bytes);
        }
    }
    // 2^32 blocks are 256 TiB.
    Err(io::ErrorKind::FileTooLarge.into())
}

/// Whether a file begins as a sealed one does.
///
/// # Errors
/// Those of the file system.
pub fn is_sealed(path: &Path) -> io::Result<bool> {
    let mut start = [0; MAGIC.len()];
    match File::open(path)?.read_exact(&mut start) {
        Ok(()) => Ok(&start == MAGIC),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// An open sealed file: reads and seeks as the file it was made from.
///
/// Reading fails with `InvalidData` where the file is not as it was sealed, or was sealed with another key.
pub struct SealedFile {
    file: File,
    stream: Stream,
    layout: Layout,
    position: u64,
    /// The block read last, and its number.
    block: Zeroizing<Vec<u8>>,
    number: Option<u32>,
}

/// What the length of a sealed file says.
#[derive(Clone, Copy)]
struct Layout {
    content: u64,
    blocks: u32,
}

impl Layout {
    fn of(length: u64) -> io::Result<Self> {
        const SEALED: u64 = (BLOCK + TAG) as u64;
        let sealed = length.checked_sub(MAGIC.len() as u64).ok_or_else(broken)?;
        let blocks = sealed.div_ceil(SEALED);
        let tags = blocks * TAG as u64;
        // The last block has its tag whole; only the first may hold nothing else.
        let last = sealed - blocks.saturating_sub(1) * SEALED;
        if last < TAG as u64 || (last == TAG as u64 && blocks > 1) {
            return Err(broken());
        }
        Ok(Self { content: sealed - tags, blocks: u32::try_from(blocks).map_err(|_| broken())? })
    }
}

impl SealedFile {
    /// Opens one.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` where it is no sealed file.
    pub fn open(path: &Path, key: &FileKey) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let layout = Layout::of(file.metadata()?.len())?;
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(broken());
        }
        let block = Zeroizing::new(Vec::with_capacity(BLOCK + TAG));
        Ok(Self { file, stream: stream(key), layout, position: 0, block, number: None })
    }

    /// How many bytes it holds.
    pub fn length(&self) -> u64 {
        self.layout.content
    }

    /// Makes block `number` the one at hand.
    fn turn_to(&mut self, number: u32) -> io::Result<()> {
        if self.number == Some(number) {
            return Ok(());
        }
        self.number = None;
        self.block.clear();
        let start = MAGIC.len() as u64 + u64::from(number) * (BLOCK + TAG) as u64;
        self.file.seek(SeekFrom::Start(start))?;
        (&mut self.file).take((BLOCK + TAG) as u64).read_to_end(&mut self.block)?;
        let last = number + 1 == self.layout.blocks;
        self.stream.decrypt_in_place(number, last, MAGIC, &mut *self.block).map_err(|_| broken())?;
        self.number = Some(number);
        Ok(())
    }
}

impl Read for SealedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // That an empty file is one, and the right one, is looked at as well.
        if buffer.is_empty() || (self.position >= self.layout.content && self.layout.content > 0) {
            return Ok(0);
        }
        let number = u32::try_from(self.position / BLOCK as u64).map_err(|_| broken())?;
        self.turn_to(number)?;
        let within = usize::try_from(self.position % BLOCK as u64).map_err(|_| broken())?;
        let ready = self.block.get(within..).unwrap_or_default();
        let length = ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ready[..length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for SealedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.layout.content.checked_add_signed(by),
        };
        self.position = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

fn stream(key: &FileKey) -> Stream {
    Stream::new(&key.0.into(), &Nonce::<ChaCha20Poly1305, Stream>::default())
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the sealed file is not as it was sealed")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Sealed {
        folder: tempfile::TempDir,
        key: FileKey,
    }

    impl Sealed {
        fn of(content: &[u8]) -> Self {
            let sealed = Self { folder: tempfile::tempdir().unwrap(), key: FileKey::random() };
            assert_eq!(seal(&sealed.path(), &sealed.key, content).unwrap(), content.len() as u64);
            sealed
        }

        fn path(&self) -> std::path::PathBuf {
            self.folder.path().join("file")
        }

        fn read(&self) -> io::Result<Vec<u8>> {
            let mut content = Vec::new();
            SealedFile::open(&self.path(), &self.key)?.read_to_end(&mut content)?;
            Ok(content)
        }

        fn change(&self, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<Vec<u8>> {
            let whole = std::fs::read(self.path()).unwrap();
            let mut changed = whole.clone();
            change(&mut changed);
            std::fs::write(self.path(), &changed).unwrap();
            let outcome = self.read();
            std::fs::write(self.path(), whole).unwrap();
            outcome
        }
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
    }

    #[test]
    fn a_file_of_any_length_comes_back_and_shows_nothing_of_itself() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 5] {
            let content = content(length);
            let sealed = Sealed::of(&content);
            assert_eq!(sealed.read().unwrap(), content, "{length} bytes");
            let open = SealedFile::open(&sealed.path(), &sealed.key).unwrap();
            assert_eq!(open.length(), length as u64, "its length is known before it is read");
            assert!(is_sealed(&sealed.path()).unwrap(), "it is known for what it is");
        }
        let name = "王䶮 13800138000".repeat(1000);
        let sealed = Sealed::of(name.as_bytes());
        let bytes = std::fs::read(sealed.path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"13800138000"), "nothing of it can be read");
    }

    #[test]
    fn what_was_changed_cut_continued_or_reordered_is_refused() {
        let sealed = Sealed::of(&content(3 * BLOCK + 5));
        let start = MAGIC.len();
        let one = BLOCK + TAG;
        let refused = |what: &str, outcome: io::Result<Vec<u8>>| {
            let kind = outcome.map(|content| content.len()).map_err(|error| error.kind());
            assert_eq!(kind, Err(io::ErrorKind::InvalidData), "{what} is refused");
        };
        for at in [0, start, start + one / 2, start + one - 1, start + 3 * one, start + 3 * one + 5 + TAG - 1] {
            refused("a changed byte", sealed.change(|bytes| bytes[at] ^= 1));
        }
        for length in [
            0,
            start - 1,
            start,
            start + 5,
            start + one,
            start + 3 * one,
            start + 3 * one + TAG,
            start + 3 * one + TAG + 4,
        ] {
            refused("a file cut off", sealed.change(|bytes| bytes.truncate(length)));
        }
        refused("a file continued", sealed.change(|bytes| bytes.extend_from_slice(&[0; TAG + 1])));
        refused(
            "two blocks exchanged",
            sealed.change(|bytes| {
                let (left, right) = bytes[start..].split_at_mut(one);
                left.swap_with_slice(&mut right[..one]);
            }),
        );
        let other = Sealed { folder: tempfile::tempdir().unwrap(), key: FileKey::random() };
        std::fs::copy(sealed.path(), other.path()).unwrap();
        refused("another key", other.read());
        let empty = Sealed::of(b"");
        refused("an empty file with a changed tag", empty.change(|bytes| bytes[start] ^= 1));
    }

    #[test]
    fn a_key_seals_one_file_and_a_broken_one_is_taken_away() {
        let sealed = Sealed::of(b"first");
        let again = seal(&sealed.path(), &sealed.key, &b"second"[..]);
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(sealed.read().unwrap(), b"first");
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }
        let path = sealed.folder.path().join("broken");
        assert!(seal(&path, &FileKey::random(), Broken).is_err() && !path.exists());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_place_reads_as_in_the_plain_file(length in 0usize..200_000, places in proptest::collection::vec((0usize..210_000, 0usize..70_000), 1..8)) {
            let content = content(length);
            let sealed = Sealed::of(&content);
            let mut file = SealedFile::open(&sealed.path(), &sealed.key).unwrap();
            for (at, most) in places {
                file.seek(SeekFrom::Start(at as u64)).unwrap();
                let mut piece = Vec::new();
                (&mut file).take(most as u64).read_to_end(&mut piece).unwrap();
                let end = (at + most).min(length);
                prop_assert_eq!(&piece[..], content.get(at..end).unwrap_or_default());
            }
        }
    }
}
