//! What is to be said to WebKitGTK itself, because neither Tauri nor wry does.

use tauri::WebviewWindow;

/// Spares WebKit what this computer draws badly with, unless its person said how to draw. Called while the program is one
/// thread: WebKit's processes ask the environment.
///
/// NVIDIA's own driver and buffers shared by DMA-BUF leave the window blank (tauri issue 9304).
#[cfg(target_os = "linux")]
pub(crate) fn spare_shared_buffers() {
    if !std::path::Path::new("/sys/module/nvidia").exists() || is_driven() {
        return;
    }
    if let Err(failure) = gtk::glib::setenv("WEBKIT_DISABLE_DMABUF_RENDERER", "1", false) {
        tracing::warn!(%failure, "WebKit shares buffers with NVIDIA's driver");
    }
}

/// Makes typed pinyin show in the field, and draws without OpenGL where no graphics processor would do it.
///
/// wry turns preedit off. Layers composited by OpenGL would be computed by Mesa's software renderer, which costs memory for
/// pages that are text and boxes; WebKit paints them by itself just as fast. Not by the environment
/// (`WEBKIT_DISABLE_COMPOSITING_MODE`), which would save its loading too: in some starts nothing moved for half a second
/// then (2.50), and why was not found.
#[cfg(target_os = "linux")]
pub(crate) fn adjust(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::{HardwareAccelerationPolicy, InputMethodContextExt, SettingsExt, WebViewExt};
    window.with_webview(|web_view| {
        let web_view = web_view.inner();
        if let Some(context) = web_view.input_method_context() {
            context.set_enable_preedit(true);
        }
        if let Some(settings) = web_view.settings().filter(|_| !has_graphics_processor() && !is_driven()) {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn adjust(_: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}

/// The kernel offers one to draw with (Direct Rendering Manager, render nodes).
#[cfg(target_os = "linux")]
fn has_graphics_processor() -> bool {
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    nodes.into_iter().any(|node| node.file_name().as_encoded_bytes().starts_with(b"renderD"))
}

/// WebKitWebDriver waits for ever for a picture of a window that is not composited (2.50).
#[cfg(target_os = "linux")]
fn is_driven() -> bool {
    cfg!(feature = "e2e") && std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some()
}
