//! How this computer reaches the service.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::failure::Failure;

/// Choices of the person, kept between starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NetworkSettings {
    /// Which proxy.
    pub proxy: ProxySetting,
    /// KiB a second that files may take, up and down together; `None` for all there is.
    pub kib_a_second: Option<u32>,
}

/// Which proxy carries requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProxySetting {
    /// As the system has it.
    #[default]
    System,
    /// None.
    Direct,
    /// This one (HTTP CONNECT).
    Manual {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// The way to the service as it is now.
#[derive(Clone, Debug, Serialize, TS)]
pub struct NetworkView {
    /// What was chosen.
    pub settings: NetworkSettings,
    /// Host and port of the proxy in use.
    pub in_use: Option<String>,
    /// The script (PAC) by which the system finds its proxy, where it goes by one.
    pub script: Option<ScriptView>,
    /// A name and password for the proxy are at hand.
    pub has_login: bool,
    /// They are kept for the next start.
    pub login_kept: bool,
    /// Why the service was not reached when it was tried just now.
    pub failure: Option<Failure>,
}

/// A proxy script of the system.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ScriptView {
    /// Its address; empty where the system is to search for it.
    pub address: String,
    /// Why it found no way; `None` where it did, be it the direct one.
    pub failure: Option<Failure>,
}
