//! Notices of the system: shown while nobody looks at the window. Their words name nobody; where the system shows none
//! (no notification service, or switched off), nothing is missing but this.

use certdesk_controller::{Controller, view::Event};
use tauri::{AppHandle, Manager};

/// Shows what is new, if an event brings something new and the window does not have the focus.
pub(crate) fn show(app: &AppHandle, controller: &Controller, event: &Event) {
    let notification = match event {
        Event::Notices { fresh, .. } => controller.notification(fresh),
        Event::Refused { withdrawal, .. } => Some(controller.refused_notification(*withdrawal)),
        _ => None,
    };
    let Some((title, text)) = notification else { return };
    let seen = app.get_webview_window("main").is_some_and(|window| window.is_focused().unwrap_or(false));
    if seen {
        return;
    }
    let identifier = app.config().identifier.clone();
    // Services of the desktop may take seconds to start, or never answer.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(failure) = post(&identifier, title, &text) {
            tracing::debug!(%failure, "the system showed no notice");
        }
    });
}

#[cfg(not(target_os = "macos"))]
fn post(identifier: &str, title: &str, text: &str) -> Result<(), notify_rust::error::Error> {
    let mut notice = notify_rust::Notification::new();
    notice.appname("Certdesk").summary(title).body(text);
    #[cfg(target_os = "windows")]
    notice.app_id(identifier);
    #[cfg(not(target_os = "windows"))]
    notice.icon("certdesk").hint(notify_rust::Hint::DesktopEntry(identifier.to_owned()));
    notice.show().map(drop)
}

/// Title and text are sentences of this program, without a quotation mark.
#[cfg(target_os = "macos")]
fn post(_: &str, title: &str, text: &str) -> Result<(), std::io::Error> {
    let script = format!("display notification \"{text}\" with title \"{title}\"");
    std::process::Command::new("/usr/bin/osascript").args(["-e", &script]).output().map(drop)
}
