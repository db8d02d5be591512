//! Smart card readers, as the system's smart card service (PC/SC) shows them: what a driver may not see.
//!
//! Asked in a helper process of its own, which ends with the answer: the service's library is the system's, but it talks
//! to a daemon that may hang, and that may have loaded any maker's driver of a reader.

use crate::{
    message,
    module::{HostProgram, helper},
};
use serde::{Deserialize, Serialize};
use std::{process::Stdio, time::Duration};
use tokio::{io::AsyncReadExt, time::timeout};

/// What the helper is given in place of a module.
pub const ARGUMENT: &str = "--card-readers";

/// One reader, or a key that is reached like one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardReader {
    /// As the service calls it; some names hold a serial number in parentheses.
    pub name: String,
    /// What is in it.
    pub card: Card,
}

/// What a reader says of its card. Nothing is connected to: who uses it is not disturbed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Card {
    /// There is none.
    Absent,
    /// There is one that does not answer: the wrong way round, dirty, or none at all.
    Mute,
    /// There is one.
    Present {
        /// Answer to reset (ISO 7816-3), 33 bytes at most.
        atr: Vec<u8>,
    },
}

/// Why the readers are not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CardServiceError {
    /// The library of the service is not on this computer.
    #[error("the library of the smart card service is missing: {reason}")]
    NoLibrary {
        /// The loader's words.
        reason: String,
    },
    /// The service does not run.
    #[error("the smart card service does not run")]
    NotRunning,
    /// It does not let this user in.
    #[error("the smart card service does not let this user in")]
    Forbidden,
    /// It did not answer in time, and whoever asked was stopped.
    #[error("the smart card service did not answer within {after:?}")]
    Hung {
        /// How long it was waited for.
        after: Duration,
    },
    /// Any other answer.
    #[error("{call} answered {code}")]
    Failed {
        /// Function of PC/SC.
        call: String,
        /// Its answer, as `0x8010001F`.
        code: String,
    },
    /// The helper cannot be started, or came to no answer.
    #[error("the readers could not be asked for: {reason}")]
    NoHelper {
        /// The system's words.
        reason: String,
    },
}

/// What the helper says.
pub type Answer = Result<Vec<CardReader>, CardServiceError>;

/// All readers and what is in them, waited for no longer than `patience`.
///
/// # Errors
/// Any [`CardServiceError`]. That there is no reader is none.
pub async fn card_readers(host: &HostProgram, patience: Duration) -> Answer {
    let broken = |error: &dyn std::fmt::Display| CardServiceError::NoHelper { reason: error.to_string() };
    let mut command = helper(host);
    // It ends with our end of its input, or at the latest with us.
    command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| broken(&error))?;
    let mut stdout = child.stdout.take().ok_or_else(|| broken(&"a pipe is missing"))?;
    let answer = timeout(patience, async {
        let mut length = [0; 4];
        stdout.read_exact(&mut length).await.map_err(|error| broken(&error))?;
        let mut body = vec![0; message::body_length(length).map_err(|error| broken(&error))?];
        stdout.read_exact(&mut body).await.map_err(|error| broken(&error))?;
        message::decode::<Answer>(&body).map_err(|error| broken(&error))?.body
    });
    let answer = answer.await.unwrap_or(Err(CardServiceError::Hung { after: patience }));
    // A process stuck in the kernel cannot be waited for.
    let _ = timeout(Duration::from_secs(2), child.kill()).await;
    answer
}
