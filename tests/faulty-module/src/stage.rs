//! The folder a copy of this module plays in: `FAULTY_DIR`, else the one the library lies in.
//!
//! | file | |
//! |---|---|
//! | `script` | see `script.rs` |
//! | `calls` | written where it exists: `PID C_Login user` before a call, `PID C_Login = 0x0` after it; never a PIN |
//! | `away` | there while the key is out; what sessions answer meanwhile |
//! | `inserted` | `COUNT LABEL`: changes with each insertion; the label is of the key in slot 42, if it is not the script's |
//! | `used RULE` | one byte for each use of a rule that counts |
//! | `tries`, `so-tries`, `flags`, `pin-changed`, `sm2` | what the key remembers |

use crate::script::{Rule, Script, When};
use cryptoki_sys::CK_RV;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The script of this moment, and the folder.
pub(crate) struct Stage {
    pub(crate) script: Script,
}

impl Stage {
    pub(crate) fn now() -> Self {
        let text = fs::read_to_string(folder().join("script")).unwrap_or_default();
        Self { script: Script::read(&text) }
    }

    /// Adds a line to the log of calls, in one write, so that two processes do not mix theirs.
    pub(crate) fn log(&self, words: &str) {
        if let Ok(mut log) = OpenOptions::new().append(true).open(folder().join("calls")) {
            // A log that cannot be written fails the test that reads it.
            let _ = log.write_all(format!("{} {words}\n", std::process::id()).as_bytes());
        }
    }

    /// Whether a rule applies to this call. Counts the call where the rule counts.
    pub(crate) fn applies(&self, rule: &Rule) -> bool {
        let count = |n: u64| {
            let file = folder().join(format!("used {}", rule.line.replace('/', "_")));
            let mut uses = OpenOptions::new().create(true).append(true).open(file).ok()?;
            uses.write_all(b".").ok()?;
            uses.metadata().ok().map(|metadata| (metadata.len(), n))
        };
        match rule.when {
            When::Always => true,
            When::Nth(n) => count(n).is_some_and(|(uses, n)| uses == n),
            When::From(n) => count(n).is_some_and(|(uses, n)| uses >= n),
        }
    }

    /// What sessions answer while the key is out; `None` while it is in.
    pub(crate) fn away(&self) -> Option<CK_RV> {
        let code = fs::read_to_string(folder().join("away")).ok()?;
        Some(crate::codes::return_value(code.trim()).unwrap_or(cryptoki_sys::CKR_DEVICE_REMOVED))
    }

    pub(crate) fn pull(&self, code: CK_RV) {
        self.write("away", &format!("0x{code:x}"));
    }

    /// Another key is in the slot: a new insertion.
    pub(crate) fn swap(&self, label: &str) {
        let inserted = self.inserted();
        let count: u64 = inserted.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
        self.write("inserted", &format!("{} {label}", count + 1));
    }

    /// Which insertion this is. Another than before means that the key was out meanwhile.
    pub(crate) fn inserted(&self) -> String {
        self.read("inserted").unwrap_or_default()
    }

    /// The label of the one real token that is shown; `None` where all are.
    pub(crate) fn shown(&self) -> Option<String> {
        let inserted = self.inserted();
        let swapped = inserted.split_once(' ').map(|(_, label)| label.trim()).filter(|label| !label.is_empty());
        swapped.map(str::to_owned).or_else(|| self.script.shows.clone())
    }

    pub(crate) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(folder().join(name)).ok()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        // Renamed into place: a test may read it this moment. What cannot be written fails the test that reads it.
        let new = folder().join(format!("{name}.{}", std::process::id()));
        let _ = fs::write(&new, text).and_then(|()| fs::rename(&new, folder().join(name)));
    }

    /// The tries that are left of `most`.
    pub(crate) fn tries_left(&self, of: &str, most: u32) -> u32 {
        self.read(of).and_then(|tries| tries.trim().parse().ok()).unwrap_or(most)
    }
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| match std::env::var_os("FAULTY_DIR") {
        Some(folder) => folder.into(),
        None => own_folder().unwrap_or_default(),
    })
}

#[cfg(unix)]
fn own_folder() -> Option<PathBuf> {
    use std::{ffi::CStr, os::unix::ffi::OsStrExt};
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let within = own_folder as fn() -> Option<PathBuf> as *const std::ffi::c_void;
    #[expect(unsafe_code, reason = "the system's only way to tell where a library lies")]
    // SAFETY: `info` is a place for the answer, all zero (null pointers) before it; `dladdr` takes any address. The name
    // it gives ends with NUL and lives as long as the library is loaded, which is as long as this code runs.
    let name = unsafe {
        if libc::dladdr(within, info.as_mut_ptr()) == 0 {
            return None;
        }
        let name = info.assume_init().dli_fname;
        if name.is_null() {
            return None;
        }
        CStr::from_ptr(name)
    };
    Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).parent().map(Path::to_owned)
}

#[cfg(windows)]
fn own_folder() -> Option<PathBuf> {
    use std::{os::windows::ffi::OsStringExt, ptr};
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
        GetModuleHandleExW,
    };
    const BY_ADDRESS: u32 = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let within = own_folder as fn() -> Option<PathBuf> as *const u16;
    let (mut library, mut path) = (ptr::null_mut(), [0_u16; 1024]);
    #[expect(unsafe_code, reason = "the system's only way to tell where a library lies")]
    // SAFETY: with these flags the first takes any address, and `library` is a place for its answer; the second writes as
    // many units into `path` as it is told there is room for, and gives their number, 0 where it failed.
    let length = unsafe {
        if GetModuleHandleExW(BY_ADDRESS, within, &mut library) == 0 {
            return None;
        }
        GetModuleFileNameW(library, path.as_mut_ptr(), path.len() as u32)
    };
    let path = PathBuf::from(std::ffi::OsString::from_wide(path.get(..length as usize)?));
    path.parent().map(Path::to_owned)
}
