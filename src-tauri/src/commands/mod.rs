//! Doors of the page into Rust. They forward and nothing more: what a command does is in the controller, which command
//! exists is in `certdesk_controller::command`. Beside the table stand the few doors that do not fit JSON.

mod bytes;
mod pin;
mod print;
mod table;

use tauri::{Wry, ipc::Invoke};

/// All doors.
pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        table::call,
        table::desk_call,
        table::ui_ready,
        print::print,
        pin::submit_pin,
        bytes::form_pdf,
        bytes::preview
    ]
}
