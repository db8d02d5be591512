//! A desktop whose settings a test decides.

#![allow(unreachable_pub, reason = "each test file uses its part")]

use crate::scripted::in_environment;

/// The desktop's settings, told by a program of our own in a folder that is the whole `PATH`.
pub struct Desktop {
    bin: std::path::PathBuf,
}

impl Desktop {
    /// `None` where the test of this name ran in a process of its own, which this is not.
    pub fn of_test(test: &str) -> Option<Self> {
        let bin = tempfile::tempdir().unwrap();
        let path = bin.path().to_str().unwrap().to_owned();
        let host = softhsm_lab::host_program().to_str().unwrap().to_owned();
        let environment = [
            ("HTTPS_PROXY", ""),
            ("https_proxy", ""),
            ("ALL_PROXY", ""),
            ("all_proxy", ""),
            ("NO_PROXY", ""),
            ("PATH", &path),
            ("CERTDESK_TEST_BIN", &path),
            ("CERTDESK_TOKEN_HOST", &host),
        ];
        in_environment(test, &environment).then(|| Self { bin: std::env::var("CERTDESK_TEST_BIN").unwrap().into() })
    }

    pub fn says(&self, mode: &str, script: &str, port: u16) {
        use std::os::unix::fs::PermissionsExt as _;
        let script = format!(
            "#!/bin/sh\necho \"org.gnome.system.proxy mode '{mode}'\"\n\
             echo \"org.gnome.system.proxy autoconfig-url '{script}'\"\n\
             echo \"org.gnome.system.proxy.https host '127.0.0.1'\"\necho \"org.gnome.system.proxy.https port {port}\"\n"
        );
        let file = self.bin.join("gsettings");
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
