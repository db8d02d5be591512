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

/// That a certificate has ended is said this long after it did; later it is no news.
pub const ENDED_LATELY: time::Duration = time::Duration::days(30);

/// Which reminder is due about a certificate in force that ends then: of the catalogue's days that have come, the nearest
/// to the end; 0 once it has ended. `None`: none yet, or none any more. The service and a client that cannot ask it remind
/// by this one rule.
pub fn due(not_after: Timestamp, reminder_days: &[u16], now: Timestamp) -> Option<u16> {
    if now > not_after {
        return (now <= not_after + ENDED_LATELY).then_some(0);
    }
    let has_come = |&days: &u16| now >= not_after - time::Duration::days(i64::from(days));
    reminder_days.iter().copied().filter(has_come).min()
}

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

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn of_the_days_that_have_come_the_nearest_reminds_and_for_a_while_the_end_does() {
        let end = Timestamp::UNIX_EPOCH + Duration::days(365);
        let at = |before: Duration| due(end, &[90, 30, 1], end - before);
        assert_eq!(at(Duration::days(90) + Duration::seconds(1)), None, "not a second too early");
        assert_eq!(at(Duration::days(90)), Some(90));
        assert_eq!(at(Duration::days(29)), Some(30), "of those that were missed, the nearest");
        assert_eq!(at(Duration::ZERO), Some(1), "its last instant is still its time");
        assert_eq!(at(-Duration::seconds(1)), Some(0));
        assert_eq!((at(-ENDED_LATELY), at(-ENDED_LATELY - Duration::seconds(1))), (Some(0), None), "no news any more");
    }
}
