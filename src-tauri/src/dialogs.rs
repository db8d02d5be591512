//! The system's own file dialogs, and its way to open a file.

use std::path::{Path, PathBuf};

use certdesk_controller::{
    Failure, LocalCode,
    picker::{OpenQuestion, Picker, SaveQuestion},
};
use futures_util::future::BoxFuture;
use rfd::AsyncFileDialog;
use tauri::{AppHandle, Manager};
use tokio::sync::oneshot;

/// Asks with dialogs that belong to the main window.
pub(crate) struct Dialogs {
    app: AppHandle,
}

impl Dialogs {
    pub(crate) fn new(app: AppHandle) -> Self {
        Self { app }
    }

    /// Shows a dialog. It must be made on the main thread on every system; its answer is awaited elsewhere.
    async fn show<T, F>(&self, ask: impl FnOnce(AsyncFileDialog) -> F + Send + 'static) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let app = self.app.clone();
        let shown = self.app.run_on_main_thread(move || {
            let mut dialog = AsyncFileDialog::new();
            if let Some(window) = app.get_webview_window("main") {
                dialog = dialog.set_parent(&window);
            }
            let asked = ask(dialog);
            tauri::async_runtime::spawn(async move {
                let _ = answer.send(asked.await);
            });
        });
        shown.map_err(|_| LocalCode::DialogUnavailable)?;
        Ok(answered.await.map_err(|_| LocalCode::DialogUnavailable)?)
    }
}

impl Picker for Dialogs {
    fn open(&self, question: OpenQuestion) -> BoxFuture<'_, Result<Option<Vec<PathBuf>>, Failure>> {
        Box::pin(async move {
            let many = question.many;
            let files =
                self.show(move |dialog| {
                    let (name, endings) = question.filter;
                    // Cameras and scanners write `.JPG` as often as `.jpg`.
                    let endings: Vec<_> = endings.iter().flat_map(|e| [e.clone(), e.to_uppercase()]).collect();
                    let dialog = dialog.set_title(question.title).add_filter(name, &endings);
                    async move {
                        if many { dialog.pick_files().await } else { dialog.pick_file().await.map(|file| vec![file]) }
                    }
                });
            Ok(files.await?.map(|files| files.iter().map(|file| file.path().to_owned()).collect()))
        })
    }

    fn save(&self, question: SaveQuestion) -> BoxFuture<'_, Result<Option<PathBuf>, Failure>> {
        Box::pin(async move {
            let file =
                self.show(move |dialog| dialog.set_title(question.title).set_file_name(question.file_name).save_file());
            Ok(file.await?.map(|file| file.path().to_owned()))
        })
    }

    fn hand_over(&self, file: &Path) -> Result<(), Failure> {
        opener::open(file).map_err(|error| Failure::new(LocalCode::OpenFailed).with_detail(error.to_string()))
    }
}
