//! What the environment may and may not do to the window.

#[cfg(not(feature = "e2e"))]
const AUTOMATION: [&str; 2] = ["TAURI_WEBVIEW_AUTOMATION", "WEBKIT_INSPECTOR_SERVER"];

/// Whoever can set the environment could script the page, and with it the key. A release starts itself anew without
/// those variables; only a build with the feature `e2e` keeps them.
pub(crate) fn refuse_automation() {
    #[cfg(all(unix, not(feature = "e2e")))]
    if AUTOMATION.iter().any(|name| std::env::var_os(name).is_some()) {
        use std::os::unix::process::CommandExt;
        let Ok(program) = std::env::current_exe() else { std::process::exit(1) };
        let mut clean = std::process::Command::new(program);
        clean.args(std::env::args_os().skip(1));
        for name in AUTOMATION {
            clean.env_remove(name);
        }
        let failure = clean.exec();
        eprintln!("certdesk: {failure}");
        std::process::exit(1);
    }
    #[cfg(all(not(unix), not(feature = "e2e")))]
    if AUTOMATION.iter().any(|name| std::env::var_os(name).is_some()) {
        eprintln!("certdesk: does not start while {} is set", AUTOMATION.join(" or "));
        std::process::exit(1);
    }
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
