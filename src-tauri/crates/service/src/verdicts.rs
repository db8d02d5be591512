//! Who looks at a case and who decides it: looks that others see, decisions bound to what was looked at, and the rule
//! that a certificate takes two. What a decision does to the case is for [`crate::review`].

use certdesk_contract::{
    ProblemCode,
    application::{Application, RemarkTarget, Review, Verdict},
};
use certdesk_domain::{Act, State, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::{
    applications as acts,
    audit::{self, Actor, Event, Subject},
    ca::Ca,
    failure::Outcome,
    review,
    store::{
        applications::{self, Case},
        first_decisions::{self, FirstDecision},
        looks::{self, Look},
        settings,
    },
};

/// Who has not moved for this long is not taken to be at the case any more.
const LOOK: Duration = Duration::minutes(15);

/// Keeps whether the rule of two holds, where the commands beside the service find it.
pub(crate) fn set_two_persons(db: &Connection, on: bool, now: Timestamp) -> Outcome<()> {
    if settings::two_persons(db)? == on {
        return Ok(());
    }
    settings::set_two_persons(db, on)?;
    let details = json!({ "two_persons": on });
    audit::note(db, &Actor::Administrator, Event::SettingChanged, Subject::default(), details, now)
}

/// Whether deciding this takes two members of staff: every certificate that is to be made. To revoke takes one, for a
/// lost key does not wait for a second, and to send back takes one, for it settles nothing.
pub(crate) fn takes_two(db: &Connection, case: &Case) -> rusqlite::Result<bool> {
    Ok(case.business.issues() && settings::two_persons(db)?)
}

/// Opens a case to decide it: from now on it is in review, and its applicant cannot take it back.
pub(crate) fn open(db: &Connection, case: &mut Case, actor: &Actor, now: Timestamp) -> Outcome<()> {
    audit::note(db, actor, Event::CaseOpened, subject(db, case.id)?, json!({}), now)?;
    start_review(db, case, now)
}

/// Brings a case that was just handed in into review.
pub(crate) fn start_review(db: &Connection, case: &mut Case, now: Timestamp) -> Outcome<()> {
    if case.state == State::Submitted {
        acts::advance(db, case, Act::StartReview, None, now)?;
    }
    Ok(())
}

/// What a row of the log about a case as it is now names.
pub(crate) fn subject(db: &Connection, id: Uuid) -> rusqlite::Result<Subject> {
    Ok(Subject::case(id, applications::count_submissions(db, id)?))
}

/// The look of a member of staff at a case, where they are still at it.
pub(crate) fn look(db: &Connection, staff: i64, application: Uuid, now: Timestamp) -> rusqlite::Result<Option<Look>> {
    Ok(looks::of(db, staff)?.filter(|look| look.application == application && look.seen_at >= now - LOOK))
}

/// Who else is at cases now: the case, and their names for people.
pub(crate) fn others(db: &Connection, staff: i64, now: Timestamp) -> rusqlite::Result<Vec<(Uuid, String, Timestamp)>> {
    let at_cases = looks::since(db, now - LOOK)?.into_iter();
    Ok(at_cases.filter(|(_, id, ..)| *id != staff).map(|(application, _, name, at)| (application, name, at)).collect())
}

/// What came of a decision.
pub(crate) enum Decided {
    /// It took effect.
    Done(Application),
    /// It is the first of two: another member of staff must decide the same.
    WaitsForSecond(Application),
}

impl Decided {
    /// The case after it.
    pub(crate) fn application(self) -> Application {
        match self {
            Self::Done(application) | Self::WaitsForSecond(application) => application,
        }
    }
}

/// The first of two decisions about a case as it is now, where there is one.
pub(crate) fn first(db: &Connection, case: &Case) -> Outcome<Option<FirstDecision>> {
    if !matches!(case.state, State::Submitted | State::InReview) {
        return Ok(None);
    }
    let handed_in = applications::count_submissions(db, case.id)?;
    Ok(first_decisions::of(db, case.id)?.filter(|first| first.submissions == handed_in))
}

/// Decides a case in somebody's name.
///
/// Of two who decide differently the later one counts as the first, and the case waits for another who agrees.
pub(crate) fn decide(
    db: &Connection,
    ca: &Ca,
    mut case: Case,
    verdict: Verdict,
    actor: &Actor,
    now: Timestamp,
) -> Outcome<Decided> {
    let about = subject(db, case.id)?;
    let handed_in = about.submission.unwrap_or_default();
    if verdict.submissions.is_some_and(|seen| seen != handed_in) {
        return Err(ProblemCode::CaseChanged.into());
    }
    if !matches!(case.state, State::Submitted | State::InReview) {
        return Err(ProblemCode::WrongState.into());
    }
    let first = first(db, &case)?;
    let is_return = matches!(verdict.review, Review::Return { .. });
    if takes_two(db, &case)? && !is_return {
        review::check(db, &case, &verdict.review)?;
        let same = first.as_ref().filter(|first| word(&first.review) == word(&verdict.review));
        if same.is_none_or(|first| first.actor == actor.name()) {
            start_review(db, &mut case, now)?;
            if same.is_none() {
                let details = details(&verdict.review);
                let review = verdict.review;
                let first = FirstDecision { submissions: handed_in, actor: actor.name().to_owned(), review, at: now };
                first_decisions::set(db, case.id, &first)?;
                audit::note(db, actor, Event::FirstDecision, about, details, now)?;
            }
            return Ok(Decided::WaitsForSecond(applications::view(db, case)?));
        }
    }
    let mut details = details(&verdict.review);
    if let Some(first) = first {
        details["after"] = json!({ "actor": first.actor, "decision": word(&first.review) });
    }
    let id = case.id;
    let application = review::decide(db, ca, case, verdict.review, now)?;
    first_decisions::forget(db, id)?;
    audit::note(db, actor, Event::Decided, about, details, now)?;
    Ok(Decided::Done(application))
}

/// The name of a decision.
pub(crate) fn word(review: &Review) -> &'static str {
    match review {
        Review::Approve => "approve",
        Review::Return { .. } => "return",
        Review::Reject { .. } => "reject",
    }
}

/// What the log tells of a decision: never the words of a remark, which may name a person.
fn details(review: &Review) -> Value {
    let target = |target: &RemarkTarget| match target {
        RemarkTarget::Field(name) => format!("field:{name}"),
        RemarkTarget::Files(id) => format!("files:{}", id.0),
        RemarkTarget::Case => "case".to_owned(),
    };
    match review {
        Review::Return { remarks } => {
            json!({ "decision": "return", "remarks": remarks.iter().map(|r| target(&r.target)).collect::<Vec<_>>() })
        }
        other => json!({ "decision": word(other) }),
    }
}
