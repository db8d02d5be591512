//! The windows. Nothing remote is ever shown in them, nothing opens beside them.

use certdesk_controller::Controller;
use tauri::{
    AppHandle, DragDropEvent, Emitter, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    webview::NewWindowResponse,
};
use tokio::sync::broadcast::error::RecvError;

use crate::{notification, web_view};

/// Name of the one event that carries all of [`certdesk_controller::view::Event`].
const EVENT: &str = "certdesk";

/// The page's first question, asked as its document begins: the answer is there before the page's own scripts are.
/// `ui/src/doors.ts` takes it.
const FIRST_QUESTION: &str =
    r#"window.certdeskHome = window.__TAURI_INTERNALS__.invoke("call", { name: "home", args: {} });"#;

/// Opens the main window.
pub(crate) fn open_main(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let window = WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()))
        .title("证办通 Certdesk")
        .inner_size(1280.0, 800.0)
        .min_inner_size(900.0, 640.0)
        .initialization_script(FIRST_QUESTION)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    web_view::adjust(&window)?;
    Ok(window)
}

/// Hands files that are dropped on the window to the controller.
pub(crate) fn hand_over_dropped(window: &WebviewWindow, controller: &Controller) {
    let controller = controller.clone();
    let handle = window.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::DragDrop(DragDropEvent::Drop { paths, position }) = event {
            // Called physical, but GTK and AppKit speak of points, which are CSS pixels already.
            let scale = if cfg!(windows) { handle.scale_factor().unwrap_or(1.0) } else { 1.0 };
            controller.dropped(paths.clone(), position.x / scale, position.y / scale);
        }
    });
}

/// Opens the demo desk: a phone and a reviewer, so that one person can play all parts.
pub(crate) fn open_desk(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, "desk", WebviewUrl::App("index.html#desk".into()))
        .title("演示台 Demo desk")
        .inner_size(460.0, 760.0)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    web_view::adjust(&window)
}

/// Brings the main window to the front.
pub(crate) fn bring_up(app: &AppHandle) {
    let Some(window) = app.get_webview_window("main") else { return };
    let shown = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
    if let Err(failure) = shown {
        tracing::warn!(%failure, "the window did not come up");
    }
}

/// Passes the controller's events on to the page and, what is news, to the system; until the program ends.
pub(crate) fn forward_events(app: AppHandle, controller: &Controller) {
    let mut events = controller.events();
    let controller = controller.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => {
                    notification::show(&app, &controller, &event);
                    if let Err(failure) = app.emit(EVENT, event) {
                        tracing::warn!(%failure, "an event did not reach the page");
                    }
                }
                // The page asks anew for what it shows; a burst of progress may be thinned out.
                Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "events thinned out"),
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// Only our own pages: `tauri://localhost`, on Windows `http://tauri.localhost`.
fn is_ours(url: &tauri::Url) -> bool {
    if cfg!(windows) {
        return matches!(url.scheme(), "http" | "https") && url.host_str() == Some("tauri.localhost");
    }
    url.scheme() == "tauri" && url.host_str() == Some("localhost")
}
