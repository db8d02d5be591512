//! A program that was killed leaves helpers that end the call they were at (`certdesk-token-host`: ten seconds at most).
//! What this program finds on a key before that is about to change: it would make a second key pair or certificate beside
//! the one that is being made, or miss one that is being removed. So no helper is started before those are gone.
//!
//! In the folder of local state each run of the program has a file that it holds locked while it lives, and one on which
//! each of its helpers has a shared lock. The system lets go of both when their processes end, however they end.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use certdesk_token::module::ALIVE;
use uuid::Uuid;

const FOLDER: &str = "helpers";
/// Ends the name of the file that a program holds.
const PROGRAM: &str = "program";
/// Ends the name of the file that its helpers hold.
const HELPERS: &str = "helpers";
/// A little more than a helper gives itself.
const LONGEST: Duration = Duration::from_secs(11);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// This run's files.
pub(crate) struct Place {
    helpers: PathBuf,
    /// Locked while the program lives.
    _program: File,
}

impl Place {
    /// Makes them, and waits for the helpers of programs that are gone. Blocks.
    ///
    /// # Errors
    /// Where the folder cannot be written; helpers then live unseen.
    pub(crate) fn take(data: &Path) -> io::Result<Self> {
        let folder = data.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let name = folder.join(Uuid::new_v4().to_string());
        let helpers = name.with_extension(HELPERS);
        File::create_new(&helpers)?;
        // Nobody sees it unlocked.
        let program = File::create_new(&name)?;
        program.lock()?;
        fs::rename(&name, name.with_extension(PROGRAM))?;
        let end = Instant::now() + LONGEST;
        for entry in fs::read_dir(&folder)? {
            let other = entry?.path();
            if other.extension().is_some_and(|end| end == PROGRAM) && other != name.with_extension(PROGRAM) {
                wait_for(&other, end);
            }
        }
        Ok(Self { helpers, _program: program })
    }

    /// What a helper finds in its environment.
    pub(crate) fn variable(&self) -> (OsString, OsString) {
        (ALIVE.into(), self.helpers.clone().into())
    }
}

/// Waits for the helpers of the program that held this file, unless it lives; removes its files.
fn wait_for(program: &Path, end: Instant) {
    // Held until its files are gone: two programs may start at once.
    let Ok(held) = File::open(program) else { return };
    if held.try_lock().is_err() {
        return;
    }
    let helpers = program.with_extension(HELPERS);
    if let Ok(file) = File::open(&helpers) {
        while matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            if Instant::now() >= end {
                tracing::warn!("a helper of an earlier start is still at work");
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }
    for file in [&helpers, program] {
        if let Err(error) = fs::remove_file(file) {
            tracing::debug!(%error, "a file of an earlier start stays for the next one");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, RecvTimeoutError};

    use super::*;

    fn files(data: &Path) -> usize {
        fs::read_dir(data.join(FOLDER)).map_or(0, Iterator::count)
    }

    #[test]
    fn helpers_of_a_program_that_is_gone_are_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let killed = Place::take(data.path()).unwrap();
        let helper = File::open(&killed.helpers).unwrap();
        helper.lock_shared().unwrap();
        drop(killed);

        let (tell, told) = mpsc::channel();
        let folder = data.path().to_owned();
        thread::spawn(move || tell.send(Place::take(&folder)));
        assert_eq!(
            told.recv_timeout(Duration::from_millis(200)).err(),
            Some(RecvTimeoutError::Timeout),
            "the next program went on while a helper was at work"
        );
        drop(helper);
        let next = told.recv_timeout(Duration::from_secs(5)).expect("the next program waits for nobody").unwrap();
        assert_eq!(files(data.path()), 2, "what the killed one left is gone");
        assert!(next.helpers.exists(), "the file that helpers are to hold is missing");
    }

    #[test]
    fn a_program_that_lives_is_not_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let window = Place::take(data.path()).unwrap();
        let helper = File::open(&window.helpers).unwrap();
        helper.lock_shared().unwrap();
        let begun = Instant::now();
        let _command_line = Place::take(data.path()).unwrap();
        assert!(begun.elapsed() < LONGEST / 2, "a second program waits for the first one's helpers");
        assert_eq!(files(data.path()), 4, "the files of the first are its own");
    }
}
