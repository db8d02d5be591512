//! What the window sees. TypeScript types are generated from here (see [`crate::bindings`]).
//!
//! Views hold what is shown and nothing else: personal data arrives masked unless its owner is editing it, no path of
//! the file system leaves Rust except as text to show, no secret is here at all.

mod case;
mod draft;
mod driver;
mod key;
mod network;
mod search;
mod storage;

pub use case::{ApplicationView, CertificateView, IssuanceStep, IssuanceView, QueuedWithdrawal, ReceiptView};
pub use certdesk_domain::token::{ModuleFault, ModuleOrigin, ObjectClass};
pub use draft::{
    AttachmentView, ChangeField, DraftSummary, DraftView, FieldConflict, FormSigning, FormView, QueuedState,
    QueuedView, RequirementView, Step, UploadState,
};
pub use driver::{
    DriverState, DriverView, DriversView, ModuleUse, ModuleView, ModulesView, ProfilesRefusal, ProfilesView,
};
pub use key::{
    CertificateEncoding, FailingDriver, KeyState, KeyStrip, KeyView, ObjectView, PinAdvice, PinCharacters, PinOutcome,
    PinPrompt, PinPurpose,
};
pub use network::{NetworkSettings, NetworkView, ProxySetting, ScriptView};
pub use search::{
    ApplicationCount, ApplicationHit, ApplicationPage, ApplicationQuery, ApplicationRow, CertificateHit, DraftHit,
    NoticeHit, SearchView,
};
pub use storage::{
    KeyKeeping, LocalData, LocalDataItem, LocalDataKind, SalvagedView, StorageNotice, StorageQuestion, StorageState,
    StorageTrouble, StorageView,
};

use certdesk_contract::{account::AccountView, notice::Notice, session::SessionKind};
use certdesk_domain::token::PinTries;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::failure::Failure;

/// Everything the home screen shows at once. Answered at once: waits for neither network nor token.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Home {
    /// Who is logged in.
    pub session: Option<SessionView>,
    /// The key strip.
    pub keys: KeyStrip,
    /// How the service is.
    pub service: ServiceState,
    /// Language and look.
    pub settings: Settings,
    /// True in the demo: a mark says so on every screen.
    pub demo: bool,
    /// Drafts that wait to be continued.
    pub drafts: Vec<DraftSummary>,
    /// Cases whose taking back is queued.
    pub withdrawals: Vec<QueuedWithdrawal>,
    /// Notices that were not read, as far as it is known.
    pub unread_notices: u32,
    /// What is kept on this computer, and the key to it.
    pub storage: StorageView,
}

/// Who is logged in, and what is open to them.
#[derive(Clone, Debug, Serialize, TS)]
pub struct SessionView {
    /// By password or by key.
    pub kind: SessionKind,
    /// The key that logged in ([`KeyView::id`]), whether it is still plugged in or not: legal acts ask for its PIN.
    pub key: Option<String>,
    /// The first login: nothing else goes before a new password.
    pub must_change_password: bool,
    /// The account, its owner's own data unmasked.
    pub account: AccountView,
    /// Read without the service, which knows nothing of this session: what is done waits for a login.
    pub offline: Option<OfflineReading>,
}

/// Reading what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct OfflineReading {
    /// When the service was heard of this account last.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub seen_at: certdesk_domain::Timestamp,
}

/// Who can read what was seen while the service is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct OfflineChoices {
    /// Somebody by account and password; who, is not told.
    pub by_password: bool,
    /// Keys that are plugged in and logged in here last ([`KeyView::id`]).
    pub keys: Vec<String>,
}

/// State of the service as last seen.
#[derive(Clone, Debug, Serialize, TS)]
pub struct ServiceState {
    /// Host and port, to show.
    pub address: String,
    /// Whether the last request was answered. `None` before the first.
    pub reachable: Option<bool>,
    /// Why it was not.
    pub failure: Option<Failure>,
    /// When it answered last: what is shown while it is away is of then.
    #[serde(with = "time::serde::rfc3339::option")]
    #[ts(type = "string | null")]
    pub seen_at: Option<certdesk_domain::Timestamp>,
}

/// Choices of the user, kept between starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Settings {
    /// Language.
    pub locale: Locale,
    /// Look.
    pub theme: Theme,
}

impl Default for Settings {
    fn default() -> Self {
        Self { locale: Locale::ZhCn, theme: Theme::System }
    }
}

/// Language of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum Locale {
    /// 简体中文
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English
    #[serde(rename = "en")]
    En,
}

/// Look of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the desktop has it.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// 通知消息: from the service, or from what is known here while it is away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
pub struct NoticesView {
    /// Newest first.
    pub notices: Vec<Notice>,
    /// How many of them were not read.
    pub unread: u32,
    /// The service was not asked: as last seen, expiry by the service's time.
    pub offline: bool,
}

/// What the window is told without asking. One Tauri event, `certdesk`, carries them all.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Event {
    /// What is kept on this computer was opened, or a person is asked how.
    Storage {
        /// Now.
        storage: StorageView,
    },
    /// An act under way signs with a key that wants its PIN for each signature: `submit_pin` or `withhold_pin`.
    PinAgain {
        /// What the dialog has to say.
        prompt: Box<PinPrompt>,
        /// The PIN given before this was refused.
        refused: Option<PinTries>,
    },
    /// The keys changed.
    Keys {
        /// Now.
        keys: KeyStrip,
    },
    /// Logged in or out.
    Session {
        /// Now.
        session: Option<Box<SessionView>>,
        /// Why it ended, where nobody asked for that.
        unasked: Option<Failure>,
    },
    /// The service came or went.
    Service {
        /// Now.
        service: ServiceState,
    },
    /// An upload moved.
    Upload {
        /// Case.
        draft: Uuid,
        /// File.
        attachment: Uuid,
        /// Now.
        upload: UploadState,
    },
    /// Applications at the service changed: ask again.
    Applications,
    /// A draft changed by itself: another computer worked on it, or its case moved on. Also one that is new here.
    Draft {
        /// Case.
        id: Uuid,
    },
    /// A queued act was refused: its draft or its case says why, and waits for a decision.
    Refused {
        /// Case.
        case: Uuid,
        /// It was to be taken back; else to be handed in.
        withdrawal: bool,
    },
    /// There are new notices, or some were read. `fresh`: those never told before, for notices of the system.
    Notices {
        /// How many are not read.
        unread: u32,
        /// Newest first.
        fresh: Vec<Notice>,
    },
    /// A driver moved.
    Driver {
        /// [`DriverPackage::id`].
        id: String,
        /// Now.
        state: DriverState,
    },
    /// The examination of this computer went on.
    Examination {
        /// Now.
        examination: crate::doctor::finding::Examination,
    },
    /// 制证 moved.
    Issuance {
        /// Now.
        issuance: IssuanceView,
    },
    /// Files were dropped on the window; the page knows what lies under the point (CSS pixels).
    Dropped {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
        /// How many.
        count: u32,
    },
    /// A second start of the program: this window came to the front.
    SecondStart,
}
