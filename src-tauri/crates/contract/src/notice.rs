//! 通知消息 (manual 1.3.4): what happened to a case, and certificates that end soon.

use certdesk_domain::{Business, State, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// All notices of the last year, newest first, at most [`MOST`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Notices {
    /// They.
    pub notices: Vec<Notice>,
}

/// Most notices of an answer.
pub const MOST: usize = 200;

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Notice {
    /// Its name.
    pub id: Uuid,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether its reader has seen it.
    pub read: bool,
    /// What about.
    pub subject: NoticeSubject,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum NoticeSubject {
    /// A case reached a state without its applicant.
    Application {
        /// Case.
        application: Uuid,
        /// 申办编号
        number: Option<String>,
        /// Business.
        business: Business,
        /// State reached.
        state: State,
    },
    /// A certificate ends soon, or has ended. Never one that was succeeded or revoked.
    Expiry {
        /// Serial number, lower-case hex.
        serial: String,
        /// Holder: common name.
        subject: String,
        /// Its last instant.
        #[serde(with = "time::serde::rfc3339")]
        #[ts(type = "string")]
        #[schema(value_type = String, format = DateTime)]
        not_after: Timestamp,
        /// Which of the catalogue's reminder days it is; 0: it has ended.
        days: u16,
    },
    /// A certificate was revoked.
    Revoked {
        /// Serial number, lower-case hex.
        serial: String,
        /// Holder: common name.
        subject: String,
    },
}

/// Notices that were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct NoticesRead {
    /// Which, at most [`MOST`].
    pub ids: Vec<Uuid>,
}
