//! How the program is started: arguments, then the file the administrator left, then the defaults.
//!
//! `certdesk [--service URL] [--data DIR] [--module PATH]... [--demo READY_FILE [--desk]]`

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use certdesk_controller::{
    Demo, Options, installed,
    storage::{DemoKeyStore, KeyStore, SystemKeyStore},
};
use tauri::AppHandle;

use crate::{dialogs::Dialogs, environment};

/// A start that was understood.
pub(crate) struct Start {
    /// One window per person: a second start brings up the first. Off where `--data` names another store.
    pub(crate) single: bool,
    /// Open the demo desk too.
    pub(crate) desk: bool,
    service: Option<String>,
    demo: Option<Demo>,
    data: PathBuf,
    modules: Vec<PathBuf>,
}

/// Reads the arguments.
///
/// # Errors
/// A sentence for the person at the terminal.
pub(crate) fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<Start, String> {
    let mut service = None;
    let mut data = None;
    let mut ready = None;
    let mut modules = Vec::new();
    let mut desk = false;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{} needs a value", argument.to_string_lossy()));
        match argument.to_str() {
            Some("--service") => service = Some(value()?.to_string_lossy().into_owned()),
            Some("--data") => data = Some(PathBuf::from(value()?)),
            Some("--module") => modules.push(PathBuf::from(value()?)),
            Some("--demo") => ready = Some(PathBuf::from(value()?)),
            Some("--desk") => desk = true,
            _ => return Err(format!("unknown argument {}", argument.to_string_lossy())),
        }
    }
    let demo = ready.map(|file| Demo::read(&file)).transpose()?;
    let (address, demo) = demo.unzip();
    Ok(Start {
        single: data.is_none(),
        desk: desk && demo.is_some(),
        service: service.or(address).or_else(installed::service),
        demo,
        data: match data {
            Some(data) => data,
            None => dirs::data_local_dir().ok_or("there is no folder for local data")?.join("certdesk"),
        },
        modules,
    })
}

impl Start {
    /// What the controller is started with.
    pub(crate) fn options(self, app: AppHandle) -> Options {
        let key_store: Arc<dyn KeyStore> = match self.demo {
            // A demo asks nobody's key store.
            Some(_) => Arc::new(DemoKeyStore::new(&self.data)),
            None => Arc::new(SystemKeyStore),
        };
        Options {
            key_store,
            data: self.data,
            service: self.service,
            demo: self.demo,
            modules: self.modules,
            token_host: installed::token_host(),
            token_environment: Vec::new(),
            picker: Arc::new(Dialogs::new(app)),
            machine: environment::machine(),
        }
    }
}
