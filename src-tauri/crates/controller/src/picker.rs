//! How the program asks for files. The window answers with the system's own dialogs, tests and the command line with a
//! list. Paths never pass through the web view.

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;

use crate::failure::{Failure, LocalCode};

/// A question for files to open.
#[derive(Clone, Debug)]
pub struct OpenQuestion {
    /// Title of the dialog.
    pub title: String,
    /// Name of the one filter, and the endings it lets through.
    pub filter: (String, Vec<String>),
    /// Whether more than one may be chosen.
    pub many: bool,
}

/// A question where to save.
#[derive(Clone, Debug)]
pub struct SaveQuestion {
    /// Title of the dialog.
    pub title: String,
    /// Name that is offered.
    pub file_name: String,
}

/// Asks a person for files. `None`: the person cancelled.
pub trait Picker: Send + Sync {
    /// Files to open.
    fn open(&self, question: OpenQuestion) -> BoxFuture<'_, Result<Option<Vec<PathBuf>>, Failure>>;
    /// Where to save.
    fn save(&self, question: SaveQuestion) -> BoxFuture<'_, Result<Option<PathBuf>, Failure>>;
    /// Hands a file to the program that the system has for it. May block for as long as that takes to begin.
    ///
    /// # Errors
    /// `open_failed` where there is none, or no desktop.
    fn hand_over(&self, _file: &Path) -> Result<(), Failure> {
        Err(LocalCode::OpenFailed.into())
    }
}

/// For those who have nobody to ask: every question is cancelled.
pub struct NoPicker;

impl Picker for NoPicker {
    fn open(&self, _: OpenQuestion) -> BoxFuture<'_, Result<Option<Vec<PathBuf>>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn save(&self, _: SaveQuestion) -> BoxFuture<'_, Result<Option<PathBuf>, Failure>> {
        Box::pin(async { Ok(None) })
    }
}
