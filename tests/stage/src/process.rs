//! A child process that is ended when its owner goes, by its own id and never by a name.

use std::{
    fs,
    io::Read,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::until;

/// A running child. Dropping it ends it and whatever it started.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts `command`.
    ///
    /// # Errors
    /// When the program cannot be started; the message names it.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The child, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The exit status, if it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Ends it at once, as a power cut would (SIGKILL), without its children.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Everything it has still to say on its standard error. Ends it first, if need be.
    pub fn last_words(mut self) -> String {
        let pipe = self.child.stderr.take();
        drop(self);
        let mut words = String::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_string(&mut words);
        }
        words.trim().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        let children = descendants(self.pid());
        signal(self.pid(), Signal::TERM);
        let child = &mut self.child;
        if until("the end", Duration::from_secs(3), || child.try_wait().ok().flatten()).is_err() {
            self.kill();
        }
        children.into_iter().for_each(end);
    }
}

/// All processes below `pid`, nearest first. Empty where there is no `/proc`.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // `pid (name) state parent …`: the name may hold spaces and brackets, so read from its last bracket.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (process, parent)));
    }
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(process, _)| *process));
        next += 1;
    }
    found.split_off(1)
}

/// Ends a process that is not our own child, and all below it.
pub fn end_tree(pid: u32) {
    let mut all = vec![pid];
    all.extend(descendants(pid));
    all.into_iter().for_each(end);
}

fn end(pid: u32) {
    if !alive(pid) {
        return;
    }
    signal(pid, Signal::TERM);
    if until("the end", Duration::from_secs(2), || (!alive(pid)).then_some(())).is_err() {
        signal(pid, Signal::KILL);
    }
}

/// Whether it runs; a zombie does not.
fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_a_child_ends_it_and_its_children() {
        let shell = Running::start(Command::new("sh").args(["-c", "sleep 600 & sleep 600; true"])).unwrap();
        let pid = shell.pid();
        let below = until("both sleepers", Duration::from_secs(5), || {
            let below = descendants(pid);
            (below.len() == 2).then_some(below)
        })
        .unwrap();
        drop(shell);
        assert!(!alive(pid), "the child outlived its owner");
        assert!(below.iter().all(|pid| !alive(*pid)), "a grandchild outlived its owner");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Running::start(&mut Command::new("no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start no-such-program");
    }
}
