//! The system's smart card service (PC/SC): which readers there are and what is in them.
//!
//! Its library is opened when it is asked for, so that the program starts on a computer without one. The functions and
//! structures are those of pcsclite.h and winscard.h.
#![expect(unsafe_code, reason = "calls into the system's library")]

use certdesk_token::card_readers::{Answer, Card, CardReader, CardServiceError};
use libloading::Library;
use std::{ffi::c_void, ptr};

/// All readers and what is in them.
pub(crate) fn readers() -> Answer {
    let library = library().map_err(|error| CardServiceError::NoLibrary { reason: error.to_string() })?;
    let context = Context::establish(&library)?;
    let mut readers = Vec::new();
    for name in context.names()? {
        match context.card(&name) {
            Ok(card) => readers.push(CardReader { name: text(&name), card }),
            // Pulled out since it was named.
            Err(UNKNOWN_READER | READER_UNAVAILABLE) => {}
            Err(code) => return Err(failure("SCardGetStatusChange", code)),
        }
    }
    Ok(readers)
}

#[cfg(windows)]
mod platform {
    /// `DWORD`
    pub(super) type Number = u32;
    /// `SCARDCONTEXT`
    pub(super) type Handle = usize;
    pub(super) type Character = u16;
    pub(super) const ATR: usize = 36;
    pub(super) const LIST: &[u8] = b"SCardListReadersW\0";
    pub(super) const STATUS: &[u8] = b"SCardGetStatusChangeW\0";
}

#[cfg(target_os = "macos")]
mod platform {
    pub(super) type Number = u32;
    pub(super) type Handle = i32;
    pub(super) type Character = u8;
    pub(super) const ATR: usize = 33;
    pub(super) const LIST: &[u8] = b"SCardListReaders\0";
    pub(super) const STATUS: &[u8] = b"SCardGetStatusChange\0";
}

#[cfg(all(unix, not(target_os = "macos")))]
mod platform {
    pub(super) type Number = std::ffi::c_ulong;
    pub(super) type Handle = std::ffi::c_long;
    pub(super) type Character = u8;
    pub(super) const ATR: usize = 33;
    pub(super) const LIST: &[u8] = b"SCardListReaders\0";
    pub(super) const STATUS: &[u8] = b"SCardGetStatusChange\0";
}

use platform::{ATR, Character, Handle, Number};

/// `SCARD_READERSTATE`
#[cfg_attr(target_os = "macos", repr(C, packed))]
#[cfg_attr(not(target_os = "macos"), repr(C))]
struct ReaderState {
    name: *const Character,
    user_data: *mut c_void,
    current: Number,
    event: Number,
    atr_length: Number,
    atr: [u8; ATR],
}

/// Return values are 32 bits wide; on Linux they come in a `LONG` of 64.
type Return = Number;
type Establish = unsafe extern "system" fn(Number, *const c_void, *const c_void, *mut Handle) -> Return;
type Release = unsafe extern "system" fn(Handle) -> Return;
type List = unsafe extern "system" fn(Handle, *const Character, *mut Character, *mut Number) -> Return;
type Status = unsafe extern "system" fn(Handle, Number, *mut ReaderState, Number) -> Return;

const SCOPE_SYSTEM: Number = 2;
const STATE_UNAVAILABLE: u32 = 0x8;
const STATE_PRESENT: u32 = 0x20;
const STATE_MUTE: u32 = 0x200;
const SUCCESS: u32 = 0;
const UNKNOWN_READER: u32 = 0x8010_0009;
const TIMEOUT: u32 = 0x8010_000a;
const READER_UNAVAILABLE: u32 = 0x8010_0017;
const NO_SERVICE: u32 = 0x8010_001d;
const SERVICE_STOPPED: u32 = 0x8010_001e;
const NO_READERS: u32 = 0x8010_002e;
const SECURITY_VIOLATION: u32 = 0x8010_006a;

/// Room for the names of all readers: pcsc-lite has 16 of 128 bytes.
const NAMES: usize = 16 << 10;

#[cfg(windows)]
fn library() -> Result<Library, libloading::Error> {
    use libloading::os::windows;
    use windows_sys::Win32::System::LibraryLoader::LOAD_LIBRARY_SEARCH_SYSTEM32;
    // SAFETY: a library of the system, from the system's folder.
    unsafe { windows::Library::load_with_flags("winscard.dll", LOAD_LIBRARY_SEARCH_SYSTEM32) }.map(Into::into)
}

#[cfg(unix)]
fn library() -> Result<Library, libloading::Error> {
    let name = match cfg!(target_os = "macos") {
        true => "/System/Library/Frameworks/PCSC.framework/PCSC",
        // Where it lies is the loader's to know; no folder of a user is among the places it looks.
        false => "libpcsclite.so.1",
    };
    // SAFETY: a library of the system, which does nothing when it is loaded.
    unsafe { Library::new(name) }
}

/// A line to the service.
struct Context<'a> {
    library: &'a Library,
    handle: Handle,
}

impl<'a> Context<'a> {
    fn establish(library: &'a Library) -> Result<Self, CardServiceError> {
        let mut handle: Handle = 0;
        // SAFETY: the function has this signature; it writes one handle, which lives through the call.
        let code = unsafe {
            let establish = function::<Establish>(library, b"SCardEstablishContext\0")?;
            establish(SCOPE_SYSTEM, ptr::null(), ptr::null(), &mut handle)
        };
        match code as u32 {
            SUCCESS => Ok(Self { library, handle }),
            NO_SERVICE | SERVICE_STOPPED => Err(CardServiceError::NotRunning),
            SECURITY_VIOLATION => Err(CardServiceError::Forbidden),
            code => Err(failure("SCardEstablishContext", code)),
        }
    }

    /// Names of the readers, each with the NUL at its end.
    fn names(&self) -> Result<Vec<Vec<Character>>, CardServiceError> {
        let mut names: Vec<Character> = vec![0; NAMES];
        let mut length = names.len() as Number;
        // SAFETY: as above; pointer and length are those of a buffer that lives through the call.
        let code = unsafe {
            let list = function::<List>(self.library, platform::LIST)?;
            list(self.handle, ptr::null(), names.as_mut_ptr(), &mut length)
        };
        match code as u32 {
            SUCCESS => {
                names.truncate((length as usize).min(NAMES));
                Ok(parted(&names))
            }
            NO_READERS => Ok(Vec::new()),
            code => Err(failure("SCardListReaders", code)),
        }
    }

    fn card(&self, name: &[Character]) -> Result<Card, u32> {
        // Nothing is known of it yet (`SCARD_STATE_UNAWARE`): it is answered at once.
        let mut state = ReaderState {
            name: name.as_ptr(),
            user_data: ptr::null_mut(),
            current: 0,
            event: 0,
            atr_length: 0,
            atr: [0; ATR],
        };
        // SAFETY: as above; the name ends with NUL and, as the structure, lives through the call.
        let code = unsafe {
            let status = function::<Status>(self.library, platform::STATUS).map_err(|_| UNKNOWN_READER)?;
            status(self.handle, 0, &mut state, 1)
        } as u32;
        if !matches!(code, SUCCESS | TIMEOUT) {
            return Err(code);
        }
        let (event, length, atr) = (state.event as u32, state.atr_length as usize, state.atr);
        if event & STATE_UNAVAILABLE != 0 {
            return Err(READER_UNAVAILABLE);
        }
        Ok(match (event & STATE_PRESENT != 0, event & STATE_MUTE != 0) {
            (false, _) => Card::Absent,
            (true, true) => Card::Mute,
            (true, false) => Card::Present { atr: atr[..length.min(ATR)].to_vec() },
        })
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: as above; the handle is not used again.
        unsafe {
            if let Ok(release) = function::<Release>(self.library, b"SCardReleaseContext\0") {
                release(self.handle);
            }
        }
    }
}

/// A function of the library, known by its name.
///
/// # Safety
/// It must have the signature `F`.
unsafe fn function<'a, F>(library: &'a Library, name: &[u8]) -> Result<libloading::Symbol<'a, F>, CardServiceError> {
    // SAFETY: the caller's.
    unsafe { library.get(name) }.map_err(|error| CardServiceError::NoLibrary { reason: error.to_string() })
}

/// The texts of a list of them, each ended by NUL, and the list by one more.
fn parted(list: &[Character]) -> Vec<Vec<Character>> {
    let texts = list.split_inclusive(|character| *character == 0);
    texts.filter(|text| text.len() > 1 && text.ends_with(&[0])).map(<[Character]>::to_vec).collect()
}

#[cfg(windows)]
fn text(name: &[Character]) -> String {
    String::from_utf16_lossy(name).trim_end_matches('\0').to_owned()
}

#[cfg(unix)]
fn text(name: &[Character]) -> String {
    String::from_utf8_lossy(name).trim_end_matches('\0').to_owned()
}

fn failure(call: &str, code: u32) -> CardServiceError {
    CardServiceError::Failed { call: call.into(), code: format!("0x{code:08X}") }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_is_parted_at_its_ends() {
        let names = |list: &[u8]| parted(list).iter().map(|name| text(name)).collect::<Vec<_>>();
        assert_eq!(names(b"One 00 00\0Two (0042) 00 00\0\0"), ["One 00 00", "Two (0042) 00 00"]);
        assert_eq!(names(b"\0"), [""; 0], "an empty list");
        assert_eq!(names(b""), [""; 0], "no list");
        assert_eq!(names(b"One\0cut"), ["One"], "what has no end is none");
    }
}
