//! Declares the commands, so that each window needs a permission for each (see `capabilities/`).

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&[
        "call",
        "desk_call",
        "submit_pin",
        "form_pdf",
        "preview",
        "print",
        "ui_ready",
    ]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands)).expect("tauri.conf.json is valid");
}
