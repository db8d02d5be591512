//! What lies on this computer, and how it is locked.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::failure::Failure;

/// Where the data of this computer stands, and what is to be told about it.
#[derive(Clone, Debug, Serialize, TS)]
pub struct StorageView {
    /// Now.
    pub state: StorageState,
    /// What happened to it, until it was read.
    pub notice: Option<StorageNotice>,
}

/// Whether what is kept on this computer can be used.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StorageState {
    /// The key store is being asked, or the file opened.
    Opening,
    /// A person decides.
    Asking {
        /// What is asked.
        question: StorageQuestion,
        /// Why.
        failure: Option<Failure>,
    },
    /// The disk is full, or does not let us.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// It can.
    Open {
        /// Where its key is kept.
        kept: KeyKeeping,
    },
}

/// What a person decides about what is kept on this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StorageQuestion {
    /// No key store takes a key: a passphrase, or keep nothing.
    ChooseKeeping,
    /// The passphrase.
    Passphrase,
    /// The key is in a key store that stays locked or does not answer: ask it again, keep nothing, or begin anew.
    KeyStoreAway,
    /// A later version of the program wrote it: keep nothing until this one is renewed, or begin anew.
    Newer,
}

/// Where the key of what is kept on this computer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeyKeeping {
    /// In the system's key store.
    KeyStore,
    /// Under a passphrase.
    Passphrase,
    /// In memory: nothing is kept beyond this run.
    Memory,
    /// In a file of the demo.
    Demo,
}

/// What was kept could not be used and was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct StorageNotice {
    /// Why.
    pub trouble: StorageTrouble,
    /// Name of the file it is now, in the folder of the program's data.
    pub file: String,
    /// Of a damaged file: what could be read of it and is here again.
    pub salvaged: Option<SalvagedView>,
}

/// What was brought over from a damaged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SalvagedView {
    /// Drafts, with what was typed.
    pub drafts: u32,
    /// Picked files.
    pub files: u32,
    /// Applications as last seen.
    pub applications: u32,
    /// Whether all that there was could be read.
    pub all: bool,
}

/// Why it was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StorageTrouble {
    /// Its key is not in the key store any more.
    KeyLost,
    /// The file is damaged.
    Damaged,
    /// A person wished to begin anew.
    BegunAnew,
}

/// What this program keeps on this computer about one account, or of no account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct LocalData {
    /// In the order to show them; kinds that are not there are left out.
    pub items: Vec<LocalDataItem>,
}

/// One kind of what is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct LocalDataItem {
    /// Kind.
    pub kind: LocalDataKind,
    /// How many.
    pub count: u32,
    /// Size, bytes.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Kinds of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LocalDataKind {
    /// Drafts with what was typed.
    Drafts,
    /// Application forms (PDF).
    Forms,
    /// Names and places of picked files; the files themselves are where they were.
    Attachments,
    /// Applications as last seen.
    Applications,
    /// Certificates as last seen.
    Certificates,
    /// Notices as last seen.
    Notices,
    /// Consents and whatever else the service said of the account last.
    Records,
    /// Journals of 制证.
    Issuances,
    /// The catalogue, the revocation list, downloaded drivers: of nobody.
    Public,
    /// Language and look.
    Settings,
}
