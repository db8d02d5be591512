//! What the process owes its surroundings: no memory dumps, clean pipes, an end without detours.
#![expect(unsafe_code, reason = "system calls; nothing else in the workspace needs them")]

use std::{fs::File, io};

/// The pipes to the supervisor.
pub(crate) struct Pipes {
    /// Requests.
    pub(crate) input: File,
    /// Answers.
    pub(crate) output: File,
}

pub(crate) use platform::{confine, exit_now, harden, prepare, take_pipes};

#[cfg(unix)]
mod platform {
    use super::{File, Pipes, io};
    use std::{
        os::fd::{AsFd, AsRawFd},
        path::Path,
    };

    /// No core dump may hold a PIN.
    pub(crate) fn harden() {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `none` is a valid `rlimit` for the length of the call, which only reads it.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
    }

    /// Before somebody else's program is run: bounded memory and time, and no file can grow.
    pub(crate) fn confine() {
        const MEMORY: libc::rlim_t = 512 << 20;
        const SECONDS: libc::rlim_t = 10;
        for (what, most) in [(libc::RLIMIT_AS, MEMORY), (libc::RLIMIT_CPU, SECONDS), (libc::RLIMIT_FSIZE, 0)] {
            let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
            // SAFETY: `limit` is a valid `rlimit` for the length of the call, which only reads it.
            unsafe { libc::setrlimit(what, &limit) };
        }
    }

    /// Takes the pipes for ourselves and leaves the module harmless ends: a driver that prints to standard output
    /// would garble the answers, one that reads standard input would steal a request.
    pub(crate) fn take_pipes() -> io::Result<Pipes> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let nothing = File::open("/dev/null")?;
        replace(libc::STDIN_FILENO, nothing.as_raw_fd())?;
        replace(libc::STDOUT_FILENO, libc::STDERR_FILENO)?;
        Ok(Pipes { input, output })
    }

    fn replace(old: i32, new: i32) -> io::Result<()> {
        // SAFETY: both are open descriptors of this process; the standard streams are not owned by any Rust value.
        match unsafe { libc::dup2(new, old) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Nothing to do before loading a module by its absolute path.
    pub(crate) fn prepare(_module: &Path) {}

    /// Ends at once: exit handlers of a module may hang.
    pub(crate) fn exit_now() -> ! {
        // SAFETY: never returns and runs nothing of ours or the module's.
        unsafe { libc::_exit(0) }
    }
}

#[cfg(windows)]
mod platform {
    use super::{File, Pipes, io};
    use std::{
        os::windows::{ffi::OsStrExt, io::AsHandle},
        path::Path,
        ptr,
    };
    use windows_sys::Win32::System::{
        Console::{GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle},
        Diagnostics::Debug::{SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOOPENFILEERRORBOX, SetErrorMode},
        LibraryLoader::{LOAD_WITH_ALTERED_SEARCH_PATH, LoadLibraryExW, SetDllDirectoryW},
        Threading::{GetCurrentProcess, TerminateProcess},
    };

    /// No error box waits for a click nobody sees (it would also keep a crashed process), and no library is searched
    /// for in the current folder.
    pub(crate) fn harden() {
        let empty = [0u16];
        // SAFETY: the first takes flags only; the second reads a string that ends with NUL and lives through the call.
        unsafe {
            SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
            SetDllDirectoryW(empty.as_ptr());
        }
    }

    /// Nothing but the deadline of whoever asked: this system bounds a process from outside.
    pub(crate) fn confine() {}

    /// Takes the pipes for ourselves and leaves the module harmless ends: a driver that prints to standard output
    /// would garble the answers, one that reads standard input would steal a request.
    pub(crate) fn take_pipes() -> io::Result<Pipes> {
        let input = File::from(io::stdin().as_handle().try_clone_to_owned()?);
        let output = File::from(io::stdout().as_handle().try_clone_to_owned()?);
        // SAFETY: these calls only exchange entries in the process' table of standard handles.
        unsafe {
            SetStdHandle(STD_INPUT_HANDLE, ptr::null_mut());
            SetStdHandle(STD_OUTPUT_HANDLE, GetStdHandle(STD_ERROR_HANDLE));
        }
        Ok(Pipes { input, output })
    }

    /// Loads the module with its own folder searched for the libraries it needs; the later load by name finds it here.
    pub(crate) fn prepare(module: &Path) {
        let wide: Vec<u16> = module.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: `wide` ends with NUL and lives through the call. Loading runs the module's code, which is what this
        // process is for; a failure is met again, with its reason, by the load that follows.
        unsafe { LoadLibraryExW(wide.as_ptr(), ptr::null_mut(), LOAD_WITH_ALTERED_SEARCH_PATH) };
    }

    /// Ends at once: exit handlers of a module may hang.
    pub(crate) fn exit_now() -> ! {
        // SAFETY: ends this process without running anything of ours or the module's.
        unsafe { TerminateProcess(GetCurrentProcess(), 0) };
        std::process::abort()
    }
}
