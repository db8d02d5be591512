//! What a person does beside the page, on the screen itself: pointer and keys, by `xdotool`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};
use stage::{Desktop, Running, program};

use crate::within::{PATIENCE, until};

/// Small steps, as a hand goes: what is passed over has time to say whether it takes files.
const STEPS: i64 = 40;
/// Within the window that is dragged from, which lies in the screen's first corner, over nothing that takes files.
const FROM: (i64, i64) = (20, 20);

/// Drags a file from another program's window to a point of the screen and lets it go there.
///
/// # Errors
/// When the other program does not start, or nothing takes the file.
pub(crate) async fn drag(desktop: &Desktop, file: &Path, to: (i64, i64)) -> Result<()> {
    let mut source = Running::start(desktop.command(program("drag-source")?)?.args(["0", "0"]).arg(file))?;
    until("the window to drag from", PATIENCE, async || {
        xdotool(desktop, &["search", "--onlyvisible", "--name", "^drag-source$"]).ok().filter(|found| !found.is_empty())
    })
    .await?;
    let go = |(x, y): (i64, i64)| xdotool(desktop, &["mousemove", &x.to_string(), &y.to_string()]).map(drop);
    go(FROM)?;
    xdotool(desktop, &["mousedown", "1"])?;
    for step in 1..=STEPS {
        go((FROM.0 + (to.0 - FROM.0) * step / STEPS, FROM.1 + (to.1 - FROM.1) * step / STEPS))?;
    }
    until("the drop", PATIENCE, async || {
        // It is let go once the window under it had its say.
        let _ = go((to.0 + 1, to.1)).and_then(|()| go(to));
        let _ = xdotool(desktop, &["mouseup", "1"]);
        source.ended()
    })
    .await
    .map(drop)
}

/// Runs `xdotool` on this desktop; its answer.
pub(crate) fn xdotool(desktop: &Desktop, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new("xdotool").args(arguments).env("DISPLAY", desktop.display()).stdin(Stdio::null()).output()?;
    ensure!(
        output.status.success(),
        "xdotool {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
