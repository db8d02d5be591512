//! A hundred thousand applications in the cache, encrypted on the disk as always: a search by two Chinese characters, the
//! first page of the list and one step further down, beside the same of an account with a hundred.

use std::time::Instant;

use anyhow::{Context, Result};
use certdesk_cache::{Cache, CacheKey, Page, Search, Wanted};
use certdesk_contract::{
    application::{Application, HistoryEntry},
    change::{Changes, Gone, Part},
};
use certdesk_domain::{Business, State, Timestamp, form::Handler};
use time::Duration;
use uuid::Uuid;

use crate::{
    announcements::UNITS,
    figure::{Figure, Limit, ms},
};

pub(crate) const ROWS: u32 = 100_000;
const FEW: u32 = 100;
const ROUNDS: usize = 40;
/// As a page of the window's list.
const PAGE: usize = 50;
/// As a group of the window's search.
const SHOWN: usize = 5;

/// In all names, in some, in few, in one, in none.
const QUESTIONS: [&str; 6] = ["测试", "有限", "云帆", "王䶮", "孤例", "查无"];

pub(crate) fn measure(rows: u32) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let cache = Cache::open(&folder.path().join("certdesk.db"), &CacheKey::random())?;
    fill(&cache, "many", rows)?;
    fill(&cache, "few", FEW)?;

    let mut searched = Vec::new();
    for round in 0..ROUNDS * QUESTIONS.len() {
        let question = QUESTIONS.get(round % QUESTIONS.len()).context("there are questions")?;
        let start = Instant::now();
        let search = Search::of(question).context("it is a question")?;
        cache.find_applications("many", &search, SHOWN)?;
        searched.push(ms(start.elapsed()));
    }
    let (mut first, mut first_of_few, mut step, mut step_of_few) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let everything = Wanted::default();
    // Far down, where somebody who scrolls for long is.
    let mut far = cache.list_applications("many", &everything, None, PAGE)?;
    for _ in 0..rows as usize / PAGE / 2 {
        far = next(&cache, "many", &far)?;
    }
    for _ in 0..ROUNDS * 4 {
        for (account, times) in [("many", &mut first), ("few", &mut first_of_few)] {
            let start = Instant::now();
            cache.list_applications(account, &everything, None, PAGE)?;
            times.push(ms(start.elapsed()));
        }
        let start = Instant::now();
        far = next(&cache, "many", &far)?;
        step.push(ms(start.elapsed()));
        let begin = cache.list_applications("few", &everything, None, PAGE)?;
        let start = Instant::now();
        next(&cache, "few", &begin)?;
        step_of_few.push(ms(start.elapsed()));
    }
    let at_most = |name, ours| Figure { name, ours, peer: None, unit: "ms", limit: Limit::AtMost(10.0) };
    let beside =
        |name, ours, peer| Figure { name, ours, peer: Some(peer), unit: "ms", limit: Limit::MoreByAtMost(5.0) };
    Ok(vec![
        at_most("search of two characters in 100 000 rows, p50", part(&mut searched, 50)),
        at_most("search of two characters in 100 000 rows, p95", part(&mut searched, 95)),
        beside("list of 100 000: first rows, p95 (peer: of 100)", part(&mut first, 95), part(&mut first_of_few, 95)),
        beside("list of 100 000: a step far down, p95 (peer: of 100)", part(&mut step, 95), part(&mut step_of_few, 95)),
    ])
}

/// What an account has seen, as the service tells it; the same for the same number.
pub(crate) fn fill(cache: &Cache, account: &str, rows: u32) -> Result<()> {
    let page = Changes {
        part: Part::WholeEnd,
        applications: (0..rows).map(|number| application(number, rows)).collect(),
        certificates: Vec::new(),
        notices: Vec::new(),
        drafts: Vec::new(),
        gone: Gone::default(),
        cursor: "filled".into(),
        more: false,
    };
    let applied = cache.apply_changes(account, None, &page, Timestamp::now_utc(), || true)?;
    applied.map(drop).context("the cache was filled before")
}

fn application(number: u32, rows: u32) -> Application {
    const STATES: [State; 5] =
        [State::Completed, State::Completed, State::InReview, State::Rejected, State::NeedsCorrection];
    let at = Timestamp::UNIX_EPOCH + Duration::days(365 * 50) + Duration::minutes(i64::from(number) * 20);
    let state = STATES[number as usize % STATES.len()];
    let holder = if number == rows / 3 { "孤例商行" } else { UNITS[number as usize % UNITS.len()] };
    let mut handler = Handler::default();
    for (field, value) in [
        ("person.name", "林小满"),
        ("person.id_number", "11010519491231002X"),
        ("phone", "13800138000"),
        ("email", "xiaoman@example.cn"),
        ("address.detail", "湖东路 88 号云帆大厦 12 层"),
    ] {
        handler.set(field, value);
    }
    let entry = |state, hours| HistoryEntry { state, at: at + Duration::hours(hours), note: None };
    Application {
        // Newer ones have greater ids.
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)),
        number: Some(format!("CD{}{:06}", at.date().to_string().replace('-', ""), number)),
        business: Business::ALL[number as usize % Business::ALL.len()],
        state,
        next_actor: state.next_actor(),
        handler: Some(handler),
        particulars: Default::default(),
        submissions: 1,
        receipts: Vec::new(),
        attachments: Vec::new(),
        remarks: Vec::new(),
        reason: (state == State::Rejected).then(|| "营业执照上的单位名称与注册信息不一致。".to_owned()),
        history: vec![entry(State::Submitted, 0), entry(State::InReview, 2), entry(state, 20)],
        certificate_subject: Some(holder.to_owned()),
    }
}

fn next(cache: &Cache, account: &str, page: &Page) -> Result<Page> {
    let next = page.next.as_ref();
    Ok(cache.list_applications(account, &Wanted::default(), next, PAGE)?)
}

fn part(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get((times.len().saturating_sub(1)) * percent / 100).copied().unwrap_or(f64::NAN)
}
