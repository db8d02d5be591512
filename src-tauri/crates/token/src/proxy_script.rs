//! Proxy scripts (PAC): a program from the network that says which proxy leads to an address.
//!
//! Run in a helper process of its own, which holds no key, loads no driver and ends with the answer: a script that runs
//! forever, eats memory or breaks its engine takes nothing of ours along.

use crate::{
    message::{self, Numbered},
    module::{HostProgram, helper},
};
use serde::{Deserialize, Serialize};
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// What the helper is given in place of a module.
pub const ARGUMENT: &str = "--proxy-script";

/// Longest answer and longest reason, characters.
pub const MAX_TEXT: usize = 2000;

/// What a script is asked: `FindProxyForURL(url, host)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The script. With the rest it fits into one frame ([`message::MAX_FRAME`]).
    pub script: String,
    /// Scheme and host alone: paths and queries are nobody's business.
    pub url: String,
    /// The host of it.
    pub host: String,
}

/// Why a script has no answer. The reasons are the engine's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ScriptError {
    /// It does not parse, or has no function of that name: most often another page in its place.
    #[error("this is no proxy script: {reason}")]
    NoScript {
        /// What is missing.
        reason: String,
    },
    /// It fell over.
    #[error("the script ended with an error: {reason}")]
    Threw {
        /// Its error.
        reason: String,
    },
    /// It went in circles, or took too long, and was stopped.
    #[error("the script does not come to an end")]
    Endless,
    /// Its answer is no text.
    #[error("the script answered no text: {what}")]
    NoText {
        /// What it is.
        what: String,
    },
    /// The helper ended without an answer: most often for want of memory.
    #[error("the script broke off what it ran in")]
    Broke,
    /// The helper cannot be started, or the script is too long for it.
    #[error("the script could not be run: {reason}")]
    NoHelper {
        /// The system's words.
        reason: String,
    },
}

/// The answer as the script wrote it, at most [`MAX_TEXT`] characters; empty where it named nothing.
pub type Answer = Result<String, ScriptError>;

/// Runs the script, for no longer than `patience`.
///
/// # Errors
/// Any [`ScriptError`].
pub async fn find_proxy(host: &HostProgram, question: Question, patience: Duration) -> Answer {
    let broken = |error: &dyn std::fmt::Display| ScriptError::NoHelper { reason: error.to_string() };
    let question = message::encode(&Numbered { id: 1, body: question }).map_err(|error| broken(&error))?;
    let mut command = helper(host);
    command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| broken(&error))?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(broken(&"a pipe is missing"));
    };
    let answer = timeout(patience, async {
        // Its end is seen at the other pipe. Ours stays open: with it the helper would end.
        let _ = stdin.write_all(&question).await;
        let mut length = [0; 4];
        stdout.read_exact(&mut length).await.map_err(|_| ScriptError::Broke)?;
        let mut body = vec![0; message::body_length(length).map_err(|_| ScriptError::Broke)?];
        stdout.read_exact(&mut body).await.map_err(|_| ScriptError::Broke)?;
        message::decode::<Answer>(&body).map_err(|_| ScriptError::Broke)?.body
    });
    let answer = answer.await.unwrap_or(Err(ScriptError::Endless));
    // A process stuck in the kernel cannot be waited for.
    let _ = timeout(Duration::from_secs(2), child.kill()).await;
    answer
}
