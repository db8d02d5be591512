//! The head of a library file: which system and which processors it is for (ELF, PE/COFF, Mach-O).
//!
//! Read before a module is loaded, so that "this driver is 32-bit" is said instead of a loader's riddle. Reads bytes,
//! runs nothing. The same reading of the helper program itself says what is needed.

use crate::error::TokenError;
use std::{fmt, path::Path};
use tokio::io::AsyncReadExt;

/// Kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Linux.
    Elf,
    /// Windows.
    Pe,
    /// macOS.
    MachO,
}

/// Processor and bitness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X86_64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Arm64,
    /// Any other, by the format's own number.
    Other(u32),
}

impl Machine {
    /// Name for people.
    pub fn name(self) -> String {
        match self {
            Self::X86 => "x86".into(),
            Self::X86_64 => "x86-64".into(),
            Self::Arm => "ARM".into(),
            Self::Arm64 => "ARM64".into(),
            Self::Other(number) => format!("0x{number:x}"),
        }
    }

    /// 32 or 64; 0 where it is not known.
    pub fn bits(self) -> u8 {
        match self {
            Self::X86 | Self::Arm => 32,
            Self::X86_64 | Self::Arm64 => 64,
            Self::Other(_) => 0,
        }
    }
}

/// What a file is for. A universal Mach-O file is for several machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Kind of file.
    pub format: Format,
    /// Processors, at least one.
    pub machines: Vec<Machine>,
}

/// Bytes that suffice: in real files the PE header starts within the first page.
const ENOUGH: u64 = 4096;

impl Header {
    /// Reads the head of a file's bytes; `None` where it is no library or program of a known kind.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x7fELF") {
            elf(bytes)
        } else if bytes.starts_with(b"MZ") {
            pe(bytes)
        } else {
            mach_o(bytes)
        }
    }

    /// Whether code with this header can be loaded into a program with that one.
    pub fn fits(&self, program: &Header) -> bool {
        self.format == program.format && self.machines.iter().any(|machine| program.machines.contains(machine))
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = match self.format {
            Format::Elf => "Linux",
            Format::Pe => "Windows",
            Format::MachO => "macOS",
        };
        write!(f, "{system}")?;
        for machine in &self.machines {
            match machine {
                Machine::X86 => write!(f, " x86 (32-bit)")?,
                Machine::X86_64 => write!(f, " x86-64")?,
                Machine::Arm => write!(f, " ARM (32-bit)")?,
                Machine::Arm64 => write!(f, " ARM64")?,
                Machine::Other(number) => write!(f, " processor 0x{number:x}")?,
            }
        }
        Ok(())
    }
}

/// Judges whether `program` can load `module`, without loading it.
///
/// # Errors
/// [`TokenError::CannotLoad`] for a path that is not absolute or no library, [`TokenError::NoSuchModule`],
/// [`TokenError::WrongArchitecture`], and [`TokenError::NoHelper`] where the program itself cannot be read.
pub async fn check(module: &Path, program: &Path) -> Result<(), TokenError> {
    // A bare name would be searched for, and a search can be led to a planted file.
    if !module.is_absolute() {
        return Err(TokenError::CannotLoad { reason: "its path is not absolute".into() });
    }
    let needed = match read(program).await {
        Ok(bytes) => Header::parse(&bytes).ok_or(TokenError::NoHelper { reason: "it is damaged".into() })?,
        Err(error) => return Err(TokenError::NoHelper { reason: error.to_string() }),
    };
    let bytes = read(module).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => TokenError::NoSuchModule,
        _ => TokenError::CannotLoad { reason: error.to_string() },
    })?;
    let Some(found) = Header::parse(&bytes) else {
        return Err(TokenError::CannotLoad { reason: "it is not a library".into() });
    };
    if !found.fits(&needed) {
        return Err(TokenError::WrongArchitecture { found: found.to_string(), needed: needed.to_string() });
    }
    Ok(())
}

async fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    tokio::fs::File::open(path).await?.take(ENOUGH).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// System V ABI, "ELF Header": class at 4, data encoding at 5, `e_machine` at 18.
fn elf(bytes: &[u8]) -> Option<Header> {
    let machine: [u8; 2] = bytes.get(18..20)?.try_into().ok()?;
    let number = match bytes[5] {
        1 => u16::from_le_bytes(machine),
        2 => u16::from_be_bytes(machine),
        _ => return None,
    };
    let machine = match (number, bytes[4]) {
        (3, 1) => Machine::X86,
        (62, 2) => Machine::X86_64,
        (40, 1) => Machine::Arm,
        (183, 2) => Machine::Arm64,
        _ => Machine::Other(number.into()),
    };
    Some(Header { format: Format::Elf, machines: vec![machine] })
}

/// Microsoft PE format: offset of the signature at 0x3c, `Machine` right after the signature.
fn pe(bytes: &[u8]) -> Option<Header> {
    let start = u32::from_le_bytes(bytes.get(0x3c..0x40)?.try_into().ok()?) as usize;
    let head = bytes.get(start..start.checked_add(6)?)?;
    if !head.starts_with(b"PE\0\0") {
        return None;
    }
    let machine = match u16::from_le_bytes([head[4], head[5]]) {
        0x014c => Machine::X86,
        0x8664 => Machine::X86_64,
        0x01c4 => Machine::Arm,
        0xaa64 => Machine::Arm64,
        other => Machine::Other(other.into()),
    };
    Some(Header { format: Format::Pe, machines: vec![machine] })
}

/// Apple `mach-o/loader.h` and `mach-o/fat.h`: `cputype` follows the magic; a universal file lists one per slice.
fn mach_o(bytes: &[u8]) -> Option<Header> {
    let word = |at: usize| -> Option<[u8; 4]> { bytes.get(at..at.checked_add(4)?)?.try_into().ok() };
    let cpu = |number: u32| match number {
        7 => Machine::X86,
        0x0100_0007 => Machine::X86_64,
        12 => Machine::Arm,
        0x0100_000c => Machine::Arm64,
        other => Machine::Other(other),
    };
    // A Java class file has the universal magic too; its "count" is a version number of 45 and more.
    let universal = |slice: usize| -> Option<Vec<Machine>> {
        let count = u32::from_be_bytes(word(4)?) as usize;
        if !(1..=16).contains(&count) {
            return None;
        }
        (0..count).map(|n| Some(cpu(u32::from_be_bytes(word(8 + n * slice)?)))).collect()
    };
    let machines = match word(0)? {
        [0xce | 0xcf, 0xfa, 0xed, 0xfe] => vec![cpu(u32::from_le_bytes(word(4)?))],
        [0xca, 0xfe, 0xba, 0xbe] => universal(20)?,
        [0xca, 0xfe, 0xba, 0xbf] => universal(32)?,
        _ => return None,
    };
    Some(Header { format: Format::MachO, machines })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elf_file(class: u8, machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1]);
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes
    }

    fn pe_file(machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 256];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        bytes[0x84..0x86].copy_from_slice(&machine.to_le_bytes());
        bytes
    }

    fn mach_file(cpus: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe];
        bytes.extend((cpus.len() as u32).to_be_bytes());
        for cpu in cpus {
            bytes.extend(cpu.to_be_bytes());
            bytes.extend([0; 16]);
        }
        bytes
    }

    fn header(format: Format, machines: &[Machine]) -> Header {
        Header { format, machines: machines.to_vec() }
    }

    #[test]
    fn the_three_kinds_are_told_apart() {
        assert_eq!(Header::parse(&elf_file(2, 62)), Some(header(Format::Elf, &[Machine::X86_64])));
        assert_eq!(Header::parse(&elf_file(1, 3)), Some(header(Format::Elf, &[Machine::X86])));
        assert_eq!(Header::parse(&pe_file(0x14c)), Some(header(Format::Pe, &[Machine::X86])));
        assert_eq!(Header::parse(&pe_file(0xaa64)), Some(header(Format::Pe, &[Machine::Arm64])));
        let universal = mach_file(&[0x0100_0007, 0x0100_000c]);
        assert_eq!(Header::parse(&universal), Some(header(Format::MachO, &[Machine::X86_64, Machine::Arm64])));
        assert_eq!(Header::parse(b"/* GNU ld script */"), None, "a text file is no library");
    }

    #[test]
    fn a_universal_module_fits_either_helper() {
        let universal = Header::parse(&mach_file(&[0x0100_0007, 0x0100_000c])).unwrap();
        assert!(universal.fits(&header(Format::MachO, &[Machine::Arm64])));
        assert!(!universal.fits(&header(Format::Elf, &[Machine::Arm64])), "a macOS driver does not load on Linux");
    }

    proptest! {
        #[test]
        fn any_file_is_judged_without_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), magic in 0usize..5) {
            let magics: [&[u8]; 5] = [b"", b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"];
            let magic = magics[magic];
            if bytes.len() >= magic.len() { bytes[..magic.len()].copy_from_slice(magic); }
            if let Some(header) = Header::parse(&bytes) {
                prop_assert!(!header.machines.is_empty(), "a header names at least one machine");
            }
        }
    }
}
