//! Nothing stays behind that belongs to root when somebody ran us by `sudo`.

use std::{env, path::Path, process::Command};

use anyhow::{Result, ensure};

use crate::terminal::{Terminal, output};

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).as_deref() == Some("0")
}

/// Run by `sudo`: hands what root made in the project, and in that user's cargo folder, to the user. Else does nothing.
///
/// # Errors
/// When the system refuses.
pub(crate) fn give_back(terminal: &Terminal, root: &Path) -> Result<()> {
    let (Some(user), Some(group)) = (env::var_os("SUDO_UID"), env::var_os("SUDO_GID")) else { return Ok(()) };
    if !is_root() {
        return Ok(());
    }
    let to = format!("{}:{}", user.to_string_lossy(), group.to_string_lossy());
    let home = env::var_os("CARGO_HOME").map(Into::into).or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let folders = std::iter::once(root.to_owned()).chain(home.filter(|home| belongs_to(home, &user)));
    for folder in folders {
        let status = Command::new("find")
            .arg(&folder)
            .args(["-xdev", "-user", "root", "-exec", "chown", "--no-dereference", &to, "{}", "+"])
            .status()?;
        ensure!(status.success(), "cannot give {} back to {to}", folder.display());
    }
    terminal.say(&format!("run by sudo: what was made here belongs to {to}"));
    Ok(())
}

fn belongs_to(folder: &Path, user: &std::ffi::OsStr) -> bool {
    output(Command::new("stat").args(["-c", "%u"]).arg(folder)).is_some_and(|owner| user.to_str() == Some(&owner))
}
