//! Drivers: those that are here, and those that can be had.

use certdesk_contract::driver::DriverPackage;
use certdesk_domain::{
    Timestamp,
    token::{ModuleFault, ModuleOrigin},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::failure::Failure;

/// The driver modules of this computer, the one to ask first first.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ModulesView {
    /// All that were found, used or not.
    pub modules: Vec<ModuleView>,
    /// What is known of tokens and drivers.
    pub profiles: ProfilesView,
}

/// Where the program's knowledge of tokens and drivers comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ProfilesView {
    /// When the published profiles in use were signed; `None`: none are, the packaged ones count.
    #[ts(type = "string | null")]
    #[serde(with = "time::serde::rfc3339::option")]
    pub signed_at: Option<Timestamp>,
    /// How many of them there are.
    pub published: u32,
    /// All that is known, packaged and published.
    pub known: u32,
    /// Why what the service publishes now was not taken; the last good ones stay.
    pub refused: Option<ProfilesRefusal>,
}

/// Why published profiles are not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ProfilesRefusal {
    /// Not signed by their publisher, or changed since.
    BadSignature,
    /// Signed before those in use.
    Older,
    /// Signed later than now: a clock was wrong.
    FromTheFuture,
    /// Made for a newer program.
    NewerFormat,
    /// They do not read, or make no sense.
    Unusable {
        /// What is wrong, for the helpdesk.
        detail: String,
    },
}

/// A driver module (PKCS#11).
#[derive(Clone, Debug, Serialize, TS)]
pub struct ModuleView {
    /// Where it lies; its name for commands.
    pub path: String,
    /// The last part of it.
    pub file_name: String,
    /// What it is for, as people call it.
    pub name: String,
    /// Maker of the tokens, where a profile knows it.
    pub vendor: Option<String>,
    /// Id of that profile.
    pub profile: Option<String>,
    /// What that profile tells whoever looks after such tokens.
    pub notes: Option<String>,
    /// Who pointed to it.
    pub origin: ModuleOrigin,
    /// A person added it, and may take it off the list again.
    pub added: bool,
    /// What a person wants of it.
    pub choice: ModuleUse,
    /// Why it is not used; `None` where it is.
    pub fault: Option<ModuleFault>,
    /// Keys it shows that another module shows better, so that they are on the strip once.
    pub folded_keys: u32,
}

/// What a person wants of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ModuleUse {
    /// As the program sees fit.
    Auto,
    /// Before all others, and although a library seems to be missing.
    Always,
    /// Not at all.
    Never,
}

/// 服务支持: drivers for this computer.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct DriversView {
    /// This computer's system and machine, to show, for example `Debian GNU/Linux 12 · x86_64`.
    pub system: String,
    /// Those that fit it, in the service's order.
    pub drivers: Vec<DriverView>,
    /// How many the service has for other systems.
    pub others: u32,
}

/// One driver.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct DriverView {
    /// What the service says of it.
    pub package: DriverPackage,
    /// How far it is here.
    pub state: DriverState,
    /// For a key that is plugged in and that no driver shows.
    pub for_key: bool,
}

/// How far a driver is on this computer.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum DriverState {
    /// Not fetched; `done` bytes of it are here from an earlier try.
    Available {
        /// Bytes.
        #[ts(type = "number")]
        done: u64,
    },
    /// On its way.
    Downloading {
        /// Bytes here.
        #[ts(type = "number")]
        done: u64,
    },
    /// Being compared with its SHA-256.
    Checking,
    /// Here, and its SHA-256 is right: it can be opened.
    Ready,
    /// Being installed; the system may be asking for an administrator.
    Installing,
    /// Installed.
    Installed {
        /// What the key still lacks; `None`: it is seen.
        missing: Option<crate::doctor::finding::FindingCode>,
    },
    /// Not fetched or not installed; the next try goes on where this one ended.
    Failed {
        /// Why.
        failure: Failure,
    },
}
