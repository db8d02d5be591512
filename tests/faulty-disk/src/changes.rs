//! The calls that change a disk. Each does what the C library does, by the system call itself, so that nothing here calls
//! what stands here.

#![expect(unsafe_code, reason = "it stands before the C library")]

use std::{
    ffi::{CStr, c_char, c_int, c_long, c_uint, c_void},
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use libc::{
    AT_FDCWD, O_CREAT, O_DIRECTORY, O_PATH, O_RDWR, O_TRUNC, O_WRONLY, SYS_fdatasync, SYS_fsync, SYS_ftruncate,
    SYS_lseek, SYS_mkdirat, SYS_openat, SYS_pwrite64, SYS_readlinkat, SYS_renameat2, SYS_unlinkat, SYS_write, mode_t,
    off_t, size_t, ssize_t, syscall,
};

/// What is to happen, by environment.
struct Script {
    /// Folder on the disk; absolute, links resolved.
    folder: Vec<u8>,
    fail_at: u64,
    error: c_int,
    healed: Vec<u8>,
    /// Descriptor of the log.
    log: Option<c_int>,
}

static SCRIPT: LazyLock<Option<Script>> = LazyLock::new(|| {
    let text = |name: &CStr| {
        // SAFETY: `name` ends with a zero; the answer is null or a text that nobody in these programs changes.
        let value = unsafe { libc::getenv(name.as_ptr()) };
        // SAFETY: checked for null; the environment's texts end with a zero.
        (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_bytes().to_vec())
    };
    let folder = text(c"CERTDESK_DISK_FOLDER")?;
    let number = |bytes: Vec<u8>| std::str::from_utf8(&bytes).ok()?.parse().ok();
    let mut log = text(c"CERTDESK_DISK_LOG");
    let log = log.as_mut().map(|path| {
        path.push(0);
        let flags = O_WRONLY | O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
        // SAFETY: the path ends with a zero.
        unsafe { syscall(SYS_openat, AT_FDCWD, path.as_ptr(), flags, 0o600) as c_int }
    });
    let error = match text(c"CERTDESK_DISK_ERROR").as_deref() {
        Some(b"EROFS") => libc::EROFS,
        Some(b"EIO") => libc::EIO,
        _ => libc::ENOSPC,
    };
    let mut healed = text(c"CERTDESK_DISK_HEALED").unwrap_or_default();
    healed.push(0);
    Some(Script {
        folder,
        fail_at: text(c"CERTDESK_DISK_FAIL_AT").and_then(number).unwrap_or(u64::MAX),
        error,
        healed,
        log,
    })
});

static CHANGES: AtomicU64 = AtomicU64::new(0);
/// One change at a time, so that the log has them in the order they happened.
static ORDER: Mutex<()> = Mutex::new(());

fn in_order() -> MutexGuard<'static, ()> {
    ORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kinds of change, as the log names them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Create = b'C' as isize,
    Write = b'W' as isize,
    Truncate = b'T' as isize,
    Rename = b'R' as isize,
    Unlink = b'U' as isize,
    Sync = b'S' as isize,
    /// Not of the disk: what the program said.
    Said = b'A' as isize,
}

impl Script {
    fn holds(&self, path: &[u8]) -> bool {
        path.strip_prefix(self.folder.as_slice()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            && !path.ends_with(b" (deleted)")
    }

    /// Whether the disk refuses this change, which is counted.
    fn refuses(&self, change: Change) -> bool {
        let number = CHANGES.fetch_add(1, Ordering::SeqCst) + 1;
        if number < self.fail_at {
            return false;
        }
        // A full disk still forgets, and writes out what it took.
        if self.error == libc::ENOSPC && matches!(change, Change::Unlink | Change::Sync | Change::Rename) {
            return false;
        }
        // SAFETY: the path ends with a zero.
        unsafe { syscall(libc::SYS_faccessat, AT_FDCWD, self.healed.as_ptr(), libc::F_OK) != 0 }
    }

    /// `kind, length of path (u32), path, place (u64), length of data (u32), data`, little-endian.
    fn note(&self, change: Change, path: &[u8], at: u64, data: &[u8]) {
        let Some(log) = self.log else { return };
        let mut record = Vec::with_capacity(17 + path.len() + data.len());
        record.push(change as u8);
        record.extend((path.len() as u32).to_le_bytes());
        record.extend(path);
        record.extend(at.to_le_bytes());
        record.extend((data.len() as u32).to_le_bytes());
        record.extend(data);
        // SAFETY: the record lives through the call.
        unsafe { syscall(SYS_write, log, record.as_ptr(), record.len()) };
    }
}

/// Where an open file lies; `None` where it is not on the disk.
fn path_of(script: &Script, file: c_int) -> Option<Vec<u8>> {
    let link = format!("/proc/self/fd/{file}\0");
    let mut path = vec![0_u8; 4096];
    // SAFETY: the link ends with a zero, and the buffer is as long as told.
    let length = unsafe { syscall(SYS_readlinkat, AT_FDCWD, link.as_ptr(), path.as_mut_ptr(), path.len()) };
    path.truncate(usize::try_from(length).ok()?);
    script.holds(&path).then_some(path)
}

/// The path a caller gave, where it is absolute and on the disk.
///
/// # Safety
/// `path` is a C string.
unsafe fn named(script: &Script, path: *const c_char) -> Option<Vec<u8>> {
    // SAFETY: the caller vouches for it.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes().to_vec();
    script.holds(&path).then_some(path)
}

fn refused(error: c_int) -> c_int {
    // SAFETY: the place of this thread's errno.
    unsafe { *libc::__errno_location() = error };
    -1
}

/// Declares a function of the C library.
macro_rules! stands_before {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// As the C library asks of it.
        #[expect(unsafe_code, reason = "a function of the C library")]
        // SAFETY: it stands before the C library's own on purpose, and does the same.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $kind),*) -> $answer $body
    )*};
}

stands_before! {
    /// open(2)
    fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        // SAFETY: the caller's own arguments.
        unsafe { open_at(AT_FDCWD, path, flags, mode) }
    }

    /// open(2)
    fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        // SAFETY: the caller's own arguments.
        unsafe { open_at(AT_FDCWD, path, flags | libc::O_LARGEFILE, mode) }
    }

    /// openat(2)
    fn openat(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        // SAFETY: the caller's own arguments.
        unsafe { open_at(folder, path, flags, mode) }
    }

    /// openat(2)
    fn openat64(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        // SAFETY: the caller's own arguments.
        unsafe { open_at(folder, path, flags | libc::O_LARGEFILE, mode) }
    }

    /// write(2)
    fn write(file: c_int, data: *const c_void, length: size_t) -> ssize_t {
        // SAFETY: the caller's own arguments.
        unsafe { write_at(file, data, length, None) }
    }

    /// pwrite(2)
    fn pwrite(file: c_int, data: *const c_void, length: size_t, at: off_t) -> ssize_t {
        // SAFETY: the caller's own arguments.
        unsafe { write_at(file, data, length, Some(at)) }
    }

    /// pwrite(2)
    fn pwrite64(file: c_int, data: *const c_void, length: size_t, at: off_t) -> ssize_t {
        // SAFETY: the caller's own arguments.
        unsafe { write_at(file, data, length, Some(at)) }
    }

    /// ftruncate(2)
    fn ftruncate(file: c_int, length: off_t) -> c_int {
        let act = || {
            // SAFETY: the caller's own arguments.
            unsafe { syscall(SYS_ftruncate, file, length) }
        };
        changing(Change::Truncate, |script| path_of(script, file), length as u64, act) as c_int
    }

    /// ftruncate(2)
    fn ftruncate64(file: c_int, length: off_t) -> c_int {
        // SAFETY: the caller's own arguments.
        unsafe { ftruncate(file, length) }
    }

    /// fsync(2)
    fn fsync(file: c_int) -> c_int {
        let act = || {
            // SAFETY: the caller's own argument.
            unsafe { syscall(SYS_fsync, file) }
        };
        changing(Change::Sync, |script| path_of(script, file), 0, act) as c_int
    }

    /// fdatasync(2)
    fn fdatasync(file: c_int) -> c_int {
        let act = || {
            // SAFETY: the caller's own argument.
            unsafe { syscall(SYS_fdatasync, file) }
        };
        changing(Change::Sync, |script| path_of(script, file), 0, act) as c_int
    }

    /// rename(2)
    fn rename(from: *const c_char, to: *const c_char) -> c_int {
        let Some(script) = &*SCRIPT else {
            // SAFETY: the caller's own arguments.
            return unsafe { syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) } as c_int;
        };
        // SAFETY: the caller's own argument.
        let target = unsafe { named(script, to) };
        let _order = in_order();
        if target.is_some() && script.refuses(Change::Rename) {
            return refused(script.error);
        }
        // SAFETY: the caller's own arguments.
        let done = unsafe { syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) } as c_int;
        // SAFETY: the caller's own argument.
        if let (0, Some(target), Some(source)) = (done, target, unsafe { named(script, from) }) {
            script.note(Change::Rename, &source, 0, &target);
        }
        done
    }

    /// unlink(2)
    fn unlink(path: *const c_char) -> c_int {
        let act = || {
            // SAFETY: the caller's own argument.
            unsafe { syscall(SYS_unlinkat, AT_FDCWD, path, 0) }
        };
        // SAFETY: the caller's own argument.
        changing(Change::Unlink, |script| unsafe { named(script, path) }, 0, act) as c_int
    }

    /// mkdir(2). A folder is not written down: whoever makes the disk anew makes the folders that its files need.
    fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
        if let Some(script) = &*SCRIPT
            // SAFETY: the caller's own argument.
            && unsafe { named(script, path) }.is_some()
            && script.refuses(Change::Create)
        {
            return refused(script.error);
        }
        // SAFETY: the caller's own arguments.
        unsafe { syscall(SYS_mkdirat, AT_FDCWD, path, mode as c_uint) as c_int }
    }

    /// copy_file_range(2): not here, so that a copy is written as everything else is.
    fn copy_file_range(_from: c_int, _at: *mut off_t, _to: c_int, _place: *mut off_t, _length: size_t, _flags: c_uint) -> ssize_t {
        refused(libc::ENOSYS) as ssize_t
    }

    /// sendfile(2): not here, for the same reason.
    fn sendfile64(_to: c_int, _from: c_int, _at: *mut off_t, _length: size_t) -> ssize_t {
        refused(libc::ENOSYS) as ssize_t
    }
}

/// Does a change of something on the disk, unless the disk refuses; writes it down where it was done.
fn changing(change: Change, path: impl Fn(&Script) -> Option<Vec<u8>>, at: u64, act: impl Fn() -> c_long) -> c_long {
    let Some(script) = &*SCRIPT else { return act() };
    let Some(path) = path(script) else { return act() };
    let _order = in_order();
    if script.refuses(change) {
        return c_long::from(refused(script.error));
    }
    let done = act();
    if done == 0 {
        script.note(change, &path, at, &[]);
    }
    done
}

/// # Safety
/// As openat(2).
unsafe fn open_at(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    let open = || {
        // SAFETY: the caller vouches for them.
        unsafe { syscall(SYS_openat, folder, path, flags, mode as c_uint) as c_int }
    };
    let writes = flags & (O_WRONLY | O_RDWR) != 0 && flags & (O_PATH | O_DIRECTORY) == 0;
    let Some(script) = SCRIPT.as_ref().filter(|_| writes) else { return open() };
    // SAFETY: the caller vouches for it.
    let Some(path) = (unsafe { named(script, path) }) else { return open() };
    let mut text = path.clone();
    text.push(0);
    let _order = in_order();
    // SAFETY: the path ends with a zero.
    let there = unsafe { syscall(libc::SYS_faccessat, AT_FDCWD, text.as_ptr(), libc::F_OK) } == 0;
    let changes = (!there && flags & O_CREAT != 0) || (there && flags & O_TRUNC != 0);
    // A disk that is read-only lets nobody open for writing, whether or not it would come to that.
    if (changes || script.error == libc::EROFS) && script.refuses(Change::Create) {
        return refused(script.error);
    }
    let file = open();
    if file >= 0 && changes {
        script.note(if there { Change::Truncate } else { Change::Create }, &path, 0, &[]);
    }
    file
}

/// # Safety
/// As pwrite(2); without a place, as write(2).
unsafe fn write_at(file: c_int, data: *const c_void, length: size_t, at: Option<off_t>) -> ssize_t {
    let write = || {
        // SAFETY: the caller vouches for them.
        unsafe {
            match at {
                Some(at) => syscall(SYS_pwrite64, file, data, length, at) as ssize_t,
                None => syscall(SYS_write, file, data, length) as ssize_t,
            }
        }
    };
    let Some(script) = &*SCRIPT else { return write() };
    let said = file == 1 && script.log.is_some();
    let path = if said { None } else { path_of(script, file) };
    if !said && path.is_none() {
        return write();
    }
    let _order = in_order();
    if path.is_some() && script.refuses(Change::Write) {
        return refused(script.error) as ssize_t;
    }
    let place = match (at, &path) {
        (Some(at), _) => at as u64,
        (None, Some(_)) => place_of(file),
        (None, None) => 0,
    };
    let written = write();
    if let Ok(length) = usize::try_from(written) {
        // SAFETY: the system has just read as many bytes from there.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
        let change = if said { Change::Said } else { Change::Write };
        script.note(change, path.as_deref().unwrap_or_default(), place, bytes);
    }
    written
}

/// Where the next write goes: to the end where the file is appended to.
fn place_of(file: c_int) -> u64 {
    // SAFETY: no memory is touched.
    let flags = unsafe { libc::fcntl(file, libc::F_GETFL) };
    let from = if flags & libc::O_APPEND != 0 { libc::SEEK_END } else { libc::SEEK_CUR };
    // SAFETY: no memory is touched; what is appended to has no place that anybody relies on.
    unsafe { syscall(SYS_lseek, file, 0, from) as u64 }
}
