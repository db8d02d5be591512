//! 查询服务: how an application stands, for whoever knows two things about it.
//!
//! Whoever asks is a stranger. No answer tells "there is none" from "these two do not belong together": same body, same
//! work, and none comes before [`ANSWER_TIME`]. Questions are counted for each item whether or not anybody has it, so a
//! limit tells nothing either; what is counted are keyed hashes. The pace of one address is [`crate::pace`]'s matter.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use certdesk_contract::{
    Problem, ProblemCode,
    query::{Query, QueryAnswer},
};
use certdesk_domain::{Timestamp, check, mask};
use ring::hmac;
use tokio::time::Instant;

use crate::{
    failure::Outcome,
    portal::Portal,
    random,
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

/// What hides the items of questions that are counted.
pub(crate) struct Queries(hmac::Key);

impl Queries {
    /// Reads the key at `file`, or makes it.
    pub(crate) fn open(file: &Path) -> anyhow::Result<Self> {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key(file)?,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        anyhow::ensure!(bytes.len() == 32, "{} is no key", file.display());
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    fn hide(&self, name: &str, value: &str) -> Vec<u8> {
        hmac::sign(&self.0, format!("{name}\0{value}").as_bytes()).as_ref().to_vec()
    }
}

/// Answers one question.
pub(crate) async fn ask(portal: &Arc<Portal>, query: Query) -> Outcome<Vec<QueryAnswer>> {
    let earliest = Instant::now() + ANSWER_TIME;
    let faults = check::query(&query);
    if !faults.is_empty() {
        return Err(Problem::new(ProblemCode::InvalidFields).with_faults(faults).into());
    }
    let items: Vec<_> = query.given().map(|(name, value)| portal.queries.hide(name, value)).collect();
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

/// Whole or not at all, for its owner's eyes only.
fn make_key(file: &Path) -> anyhow::Result<Vec<u8>> {
    use std::io::Write as _;
    let bytes = random::bytes(32);
    let draft = file.with_extension("part");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut open| {
        open.write_all(&bytes)?;
        open.sync_all()?;
        fs::rename(&draft, file)
    });
    written.with_context(|| format!("cannot write {}", file.display()))?;
    Ok(bytes)
}
