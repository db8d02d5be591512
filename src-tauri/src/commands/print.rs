//! Printing what the page shows for print.

use certdesk_controller::{Failure, LocalCode};
use tauri::WebviewWindow;

/// Opens the system's print dialog. The page's own `window.print()` does nothing on macOS.
#[tauri::command]
pub(crate) fn print(window: WebviewWindow) -> Result<(), Failure> {
    window.print().map_err(|error| Failure::new(LocalCode::DialogUnavailable).with_detail(error.to_string()))
}
