//! What the environment may and may not do to the window.

use certdesk_controller::doctor::Machine;

/// What lets others script the page or put another browser under it: by Tauri, WebKitGTK and WebView2.
#[cfg(not(feature = "e2e"))]
const AUTOMATION: [&str; 7] = [
    "TAURI_WEBVIEW_AUTOMATION",
    "WEBKIT_INSPECTOR_SERVER",
    "WEBKIT_INSPECTOR_HTTP_SERVER",
    "WEBVIEW2_ADDITIONAL_BROWSER_ARGUMENTS",
    "WEBVIEW2_BROWSER_EXECUTABLE_FOLDER",
    "WEBVIEW2_PIPE_FOR_SCRIPT_DEBUGGER",
    "WEBVIEW2_WAIT_FOR_SCRIPT_DEBUGGER",
];

/// Whoever can set the environment could script the page, and with it the key. A release starts itself anew without
/// those variables; only a build with the feature `e2e` keeps them.
pub(crate) fn refuse_automation() {
    #[cfg(not(feature = "e2e"))]
    if AUTOMATION.iter().any(|name| std::env::var_os(name).is_some()) {
        let Ok(program) = std::env::current_exe() else { std::process::exit(1) };
        let mut clean = std::process::Command::new(program);
        clean.args(std::env::args_os().skip(1));
        for name in AUTOMATION {
            clean.env_remove(name);
        }
        let failure = become_it(clean);
        eprintln!("certdesk: {failure}");
        std::process::exit(1);
    }
}

/// Goes on as another process; comes back only where that cannot be started.
#[cfg(all(unix, not(feature = "e2e")))]
fn become_it(mut program: std::process::Command) -> std::io::Error {
    use std::os::unix::process::CommandExt;
    program.exec()
}

/// The same where a process cannot change into another.
#[cfg(all(not(unix), not(feature = "e2e")))]
fn become_it(mut program: std::process::Command) -> std::io::Error {
    match program.spawn() {
        Ok(_) => std::process::exit(0),
        Err(failure) => failure,
    }
}

/// The computer that the doctor looks at: this one, but for a driven window that is shown another.
pub(crate) fn machine() -> Machine {
    #[cfg(feature = "e2e")]
    if let Some(root) = std::env::var_os("CERTDESK_MACHINE") {
        return Machine { root: root.into(), ..Machine::here() };
    }
    Machine::here()
}

/// Logs to stderr, warnings and above unless `RUST_LOG` says otherwise. Nothing personal is ever logged.
pub(crate) fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Writes the moment the page became interactive (nanoseconds since the epoch) where a benchmark asked for it.
#[cfg(feature = "e2e")]
pub(crate) fn mark_interactive() {
    let Some(file) = std::env::var_os("CERTDESK_STARTUP_MARK") else { return };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    if let Err(failure) = std::fs::write(file, now.as_nanos().to_string()) {
        tracing::warn!(%failure, "startup mark not written");
    }
}
