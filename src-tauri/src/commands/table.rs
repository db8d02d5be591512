//! The commands of the table, by name.

use certdesk_controller::{Controller, Failure, LocalCode, command};
use serde_json::Value;
use tauri::State;

/// Runs a command of the table for the main window. Those of the demo desk answer in the demo only, where the desk may
/// be a page of it.
#[tauri::command]
pub(crate) async fn call(controller: State<'_, Controller>, name: String, args: Value) -> Result<Value, Failure> {
    command::dispatch(&controller, &name, args).await
}

/// Runs a command of the table for the demo desk, which may do nothing but play phone and reviewer.
#[tauri::command]
pub(crate) async fn desk_call(controller: State<'_, Controller>, name: String, args: Value) -> Result<Value, Failure> {
    // Catalogue and regions are public: the names of files and places.
    const DESK: [&str; 6] = ["home", "catalogue", "regions", "demo_sms", "demo_queue", "demo_review"];
    if !DESK.contains(&name.as_str()) {
        return Err(Failure::new(LocalCode::BadCommand).with_detail(name));
    }
    command::dispatch(&controller, &name, args).await
}

/// The page is interactive. Tests and benchmarks read the mark; elsewhere nothing happens.
#[tauri::command]
pub(crate) fn ui_ready() {
    #[cfg(feature = "e2e")]
    crate::environment::mark_interactive();
}
