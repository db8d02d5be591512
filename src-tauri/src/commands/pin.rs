//! The PIN's own door: raw bytes, once, never JSON.

use certdesk_controller::{Controller, Failure, LocalCode, PinEntry, view::PinOutcome};
use tauri::{
    State,
    ipc::{InvokeBody, Request},
};

/// Takes a PIN for a prompt. Headers: `certdesk-ticket` names the prompt, `certdesk-confirmed: true` says yes to the
/// last try.
#[tauri::command]
pub(crate) async fn submit_pin(controller: State<'_, Controller>, request: Request<'_>) -> Result<PinOutcome, Failure> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let ticket = header("certdesk-ticket").ok_or(LocalCode::BadCommand)?;
    let confirmed = header("certdesk-confirmed").as_deref() == Some("true");
    // A web view that cannot send bytes would send the PIN as JSON text, which nobody can wipe: refused.
    let InvokeBody::Raw(bytes) = request.body() else { return Err(LocalCode::BadCommand.into()) };
    let pin = certdesk_controller::Pin::from_bytes(bytes.clone());
    controller.submit_pin(PinEntry { ticket, confirmed, pin }).await
}
