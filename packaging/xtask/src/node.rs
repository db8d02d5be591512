//! Node, for building the window: the machine's if it is new enough for Vite, else one of the project's own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::terminal::{Terminal, output};

/// Vite asks for 20.19 in the 20s, else for 22.12.
const LEAST: [(u32, u32); 2] = [(20, 19), (22, 12)];
const OWN_FOLDER: &str = ".node";
const OWN_VERSION: &str = "22";

/// A Node that is new enough.
pub(crate) struct Node {
    /// Folders that come first in `PATH`.
    folders: Vec<PathBuf>,
    /// `v22.23.3`.
    pub(crate) version: String,
}

impl Node {
    /// The machine's, or the one fetched before.
    pub(crate) fn found() -> Option<Self> {
        let own = Path::new(OWN_FOLDER).join("node_modules");
        let own = vec![own.join(own_package()).join("bin"), own.join(".bin")];
        [own, Vec::new()].into_iter().find_map(|folders| {
            let node = Self { version: String::new(), folders };
            let version = output(node.command("node").arg("--version"))?;
            is_new_enough(&version).then_some(Self { version, ..node })
        })
    }

    /// Fetches one into the project.
    ///
    /// # Errors
    /// When npm cannot.
    pub(crate) fn fetch(terminal: &Terminal) -> Result<Self> {
        let here = output(Command::new("node").arg("--version")).unwrap_or_else(|| "none".to_owned());
        terminal.say(&format!(
            "this machine's Node ({here}) is too old to build the window: fetching {OWN_VERSION} into {OWN_FOLDER}/"
        ));
        fs::create_dir_all(OWN_FOLDER)?;
        // The program itself, as the package `node` would fetch it, but without running that package's script; and the
        // npm of its time, since the distribution's may not run on it.
        terminal.run(
            Command::new("npm")
                .args(["install", "--prefix", OWN_FOLDER, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"])
                .args([format!("{}@{OWN_VERSION}", own_package()), "npm@10".to_owned()]),
        )?;
        Self::found().context("the fetched Node does not run on this machine")
    }

    /// `name` (node, npm, npx) with this Node.
    pub(crate) fn command(&self, name: &str) -> Command {
        let folders = self.folders.iter().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
        let path: Vec<_> = folders.chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())).collect();
        let program = path.iter().map(|folder| folder.join(name)).find(|program| program.is_file());
        let mut command = Command::new(program.unwrap_or_else(|| name.into()));
        command.env("PATH", env::join_paths(path).unwrap_or_default());
        command
    }

    /// Installs a folder's packages exactly as its lock file says, unless that has been done. Answers whether it had to.
    ///
    /// # Errors
    /// Without a lock file, or when npm fails.
    pub(crate) fn install(&self, terminal: &Terminal, folder: &Path) -> Result<bool> {
        let lock = fs::read(folder.join("package-lock.json"))
            .with_context(|| format!("{} has no package-lock.json", folder.display()))?;
        let stamp = folder.join("node_modules/.installed-lock.json");
        if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
            return Ok(false);
        }
        terminal.run(self.command("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))?;
        ensure!(folder.join("node_modules").is_dir(), "npm installed nothing in {}", folder.display());
        fs::write(stamp, lock)?;
        Ok(true)
    }
}

fn own_package() -> String {
    let system = if env::consts::OS == "macos" { "darwin" } else { "linux" };
    let machine = if env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    format!("node-{system}-{machine}")
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else { return false };
    let [(old, old_minor), new] = LEAST;
    (major == old && minor >= old_minor) || (major, minor) >= new
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn node_is_judged_as_vite_judges_it() {
        for good in ["v20.19.0", "v20.20.2", "v22.12.0", "v24.0.0"] {
            assert!(is_new_enough(good), "{good} builds the window");
        }
        for old in ["v12.22.9", "v18.20.4", "v20.18.1", "v21.7.0", "v22.11.0", "", "nonsense"] {
            assert!(!is_new_enough(old), "{old} does not build the window");
        }
    }
}
