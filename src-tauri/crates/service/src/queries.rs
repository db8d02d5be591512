//! 查询服务: how an application stands, for whoever knows two things about it.
//!
//! Whoever asks is a stranger. No answer tells "there is none" from "these two do not belong together": same body, same
//! work, and none comes before [`ANSWER_TIME`]. Questions are counted for each item whether or not anybody has it, so a
//! limit tells nothing either; what is counted are keyed hashes. The pace of one address is [`crate::pace`]'s matter.

use std::{sync::Arc, time::Duration};

use certdesk_contract::{
    Problem, ProblemCode,
    query::{Query, QueryAnswer},
};
use certdesk_domain::{Timestamp, check, mask};
use tokio::time::Instant;

use crate::{
    failure::Outcome,
    portal::Portal,
    store::queries::{self, Found},
};

/// No answer comes earlier, so that its time does not tell what was found on the way.
const ANSWER_TIME: Duration = Duration::from_millis(150);
/// Questions with one item within an hour. Somebody who waits for news asks less; somebody who tries out the other item
/// asks more.
const MOST_PER_ITEM: u32 = 20;
/// Questions of everybody within an hour: bounds what is kept of them.
const MOST_IN_ALL: u32 = 20_000;
const HOUR: i64 = 60 * 60;

/// Answers one question.
pub(crate) async fn ask(portal: &Arc<Portal>, query: Query) -> Outcome<Vec<QueryAnswer>> {
    let earliest = Instant::now() + ANSWER_TIME;
    let faults = check::query(&query);
    if !faults.is_empty() {
        return Err(Problem::new(ProblemCode::InvalidFields).with_faults(faults).into());
    }
    let items: Vec<_> = query.given().map(|(name, value)| portal.hidden.hash(name, value)).collect();
    let now = portal.now();
    let too_often = portal.store.act(move |db| Ok(is_too_often(db, &items, now)?)).await?;
    if too_often {
        let rest = HOUR - now.unix_timestamp().rem_euclid(HOUR);
        let problem = Problem::new(ProblemCode::TooManyRequests);
        return Err(problem.with_retry_after(u32::try_from(rest).unwrap_or(u32::MAX)).into());
    }
    let found = portal.store.read(move |db| Ok(queries::find(db, &query)?)).await?;
    let answers = found.into_iter().map(|found| answer(portal, found)).collect();
    tokio::time::sleep_until(earliest).await;
    Ok(answers)
}

/// The hour that questions are counted in.
pub(crate) fn hour(now: Timestamp) -> i64 {
    now.unix_timestamp().div_euclid(HOUR)
}

/// Counts a question for all it names. What is refused counts too, but for itself alone.
fn is_too_often(db: &rusqlite::Connection, items: &[Vec<u8>], now: Timestamp) -> rusqlite::Result<bool> {
    let hour = hour(now);
    if queries::count(db, hour, &[])? > MOST_IN_ALL {
        return Ok(true);
    }
    let mut too_often = false;
    for item in items {
        too_often |= queries::count(db, hour, item)? > MOST_PER_ITEM;
    }
    Ok(too_often)
}

fn answer(portal: &Portal, found: Found) -> QueryAnswer {
    let usual = portal.catalogue.usual_times.iter().find(|usual| usual.state == found.state);
    QueryAnswer {
        number: mask::application_number(&found.number),
        business: found.business,
        state: found.state,
        next_actor: found.state.next_actor(),
        usual_time: usual.map(|usual| usual.text.clone()),
        updated_at: found.updated_at,
    }
}
