//! Doors that answer bytes.

use certdesk_controller::{Controller, Failure, Uuid};
use tauri::{State, ipc::Response};

/// The form PDF of a draft.
#[tauri::command]
pub(crate) async fn form_pdf(controller: State<'_, Controller>, id: Uuid) -> Result<Response, Failure> {
    Ok(Response::new(controller.form_pdf(id).await?))
}

/// A picked picture or PDF.
#[tauri::command]
pub(crate) async fn preview(controller: State<'_, Controller>, attachment: Uuid) -> Result<Response, Failure> {
    Ok(Response::new(controller.preview(attachment).await?))
}
