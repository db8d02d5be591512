//! A software key behind the faulty module, asked through the helper.

use certdesk_token::{Deadlines, HostProgram, Module, Pin, TokenError, TokenInfo};
use softhsm_lab::{FaultyModule, SoftHsm};

/// Its label.
pub(crate) const LABEL: &str = "福州云帆";
/// Its PIN.
pub(crate) const PIN: &str = "135790";

pub(crate) struct Key {
    #[allow(dead_code, reason = "some tests look past the faulty module; the others hold it to be removed in the end")]
    pub store: SoftHsm,
    pub faulty: FaultyModule,
    pub module: Module,
}

impl Key {
    /// Behind a module of this file name, which misbehaves as the script says.
    pub(crate) fn behind(name: &str, script: &str, deadlines: Deadlines) -> Self {
        let store = SoftHsm::new();
        store.add_token(LABEL, PIN);
        let faulty = FaultyModule::named(name, &store.module, &store.environment).showing(LABEL);
        faulty.play(script);
        let host = HostProgram { path: softhsm_lab::host_program().into(), environment: Vec::new() };
        let module = Module::with_deadlines(host, faulty.path.clone(), deadlines);
        Self { store, faulty, module }
    }

    pub(crate) async fn token(&self) -> TokenInfo {
        let tokens = self.module.list().await.expect("it is listed");
        tokens.into_iter().next().expect("a token is there")
    }

    pub(crate) async fn log_in(&self, typed: &str) -> Result<(), TokenError> {
        let id = self.token().await.id;
        self.module.login(&id, pin(typed)).await
    }
}

pub(crate) fn pin(text: &str) -> Pin {
    Pin::from_bytes(text.into())
}
