//! 查询服务: how an application stands, for whoever knows two things about it. Says no more than an outsider may know.

use certdesk_domain::{Business, NextActor, State, Timestamp};
use serde::{Deserialize, Serialize};

use crate::catalogue::Text;

pub use certdesk_domain::form::Query;

/// One application that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct QueryAnswer {
    /// 申办编号, masked: `CD20261122****17`.
    pub number: String,
    /// Business.
    pub business: Business,
    /// State.
    pub state: State,
    /// Who acts next.
    pub next_actor: NextActor,
    /// How long this state usually takes, where the catalogue says so.
    pub usual_time: Option<Text>,
    /// When the state was reached.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}
