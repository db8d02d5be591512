//! 注销公告: certificates that were revoked, for everybody to look up.

use certdesk_domain::{RevocationReason, Timestamp};
use serde::{Deserialize, Serialize};

/// How many are on one page.
pub const PAGE: usize = 50;

/// What is looked for; all of it must fit. The query of the address, and the window's question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct AnnouncementQuery {
    /// Any part of the holder's name, or at least the first eight hex digits of the serial number. At most 100
    /// characters; empty: everything.
    #[serde(default)]
    pub search: String,
    /// Revoked then or later.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Revoked before.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// [`AnnouncementPage::next`] of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page of announcements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct AnnouncementPage {
    /// Newest first, at most [`PAGE`].
    pub announcements: Vec<Announcement>,
    /// Names the page after this one, where there is one.
    pub next: Option<String>,
}

/// A certificate that was revoked. No number of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Announcement {
    /// Serial number, lower-case hex.
    pub serial: String,
    /// Whose it was: the common name.
    pub subject: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub revoked_at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
    /// The first revocation list that has it.
    pub crl_number: u64,
}
