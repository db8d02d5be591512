//! The campaign of the network: a person goes a journey over a line ([`line`]) that cuts, delays, doubles and reorders
//! requests, or answers in the service's name what the contract does not know; in the end what there is is compared with
//! what the person had been told, as after a kill.
//!
//! A run of one fault strikes each request of its journey with it: the first of each kind, and of those that change
//! something one more. Runs of all faults mixed follow. Where exactly, for how long and with what comes from the seed.

mod line;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use self::line::Line;
use crate::kills::{
    Journey, Said,
    campaign::{Ground, NEVER_TOLD, Person, Plan},
    truth::{Findings, Truth},
};

/// A person who came to nothing after so long is stuck.
const PATIENCE: Duration = Duration::from_secs(150);
/// And a run that is not over by then.
const LONGEST: Duration = Duration::from_secs(240);

/// What the line does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Cut before the service saw any of it.
    CutBefore,
    /// Cut in the middle of it.
    CutWithin,
    /// Cut when the service had answered and nobody heard it.
    CutAfter,
    /// Cut in the middle of the answer.
    CutAnswer,
    /// Held up, and its answer too.
    Delayed,
    /// Sent twice: at once, or again when it is long answered.
    Duplicated,
    /// Held back until another one went.
    Reordered,
    /// Answered with another status.
    Status,
    /// Answered with another type of content, or none.
    Type,
    /// Answered with half of its JSON, or JSON of another shape.
    Truncated,
    /// Answered without end.
    Giant,
    /// Answered byte by byte.
    Drip,
    /// Sent to another address.
    Redirect,
    /// Answered by what is no HTTP.
    Nonsense,
}

impl Fault {
    /// All.
    pub const ALL: [Self; 14] = [
        Self::CutBefore,
        Self::CutWithin,
        Self::CutAfter,
        Self::CutAnswer,
        Self::Delayed,
        Self::Duplicated,
        Self::Reordered,
        Self::Status,
        Self::Type,
        Self::Truncated,
        Self::Giant,
        Self::Drip,
        Self::Redirect,
        Self::Nonsense,
    ];
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Its number; with the seed, all its choices.
    pub number: usize,
    /// What the person came for.
    pub journey: Journey,
    /// What the line did; `None`: whatever it knows.
    pub fault: Option<Fault>,
    /// Requests it did it to.
    pub struck: BTreeMap<String, u32>,
    /// Requests that came by.
    pub requests: u32,
    /// What came of it.
    #[serde(flatten)]
    pub findings: Findings,
    /// What else is wrong.
    pub complaint: Option<String>,
    /// The sentences that were read, and how often.
    pub told: BTreeMap<String, u32>,
    /// Milliseconds.
    pub took: u64,
}

impl Run {
    /// Whether all is as it should be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_clean() && self.complaint.is_none()
    }

    /// How often something was done to a request.
    #[must_use]
    pub fn strikes(&self) -> u32 {
        self.struck.values().sum()
    }
}

/// All cells in an order of the seed's.
fn cells(plan: Plan) -> Vec<(Journey, Fault)> {
    let journeys = Journey::ALL.into_iter().filter(|journey| plan.only.is_none_or(|only| only == *journey));
    let mut cells: Vec<_> =
        journeys.flat_map(|journey| Fault::ALL.into_iter().map(move |fault| (journey, fault))).collect();
    fastrand::Rng::with_seed(plan.seed).shuffle(&mut cells);
    cells
}

/// Plays a campaign; each run is told when it is over.
///
/// # Errors
/// When a run cannot be set up; what comes of it is its finding.
pub fn play(ground: &Ground, plan: Plan, told: impl Fn(&Run) + Sync) -> Result<Vec<Run>> {
    let cells = cells(plan);
    let next = AtomicUsize::new(0);
    let runs = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            if number >= plan.runs {
                return Ok(());
            }
            let random = plan.random(number);
            let (journey, fault) = match cells.get(number) {
                Some(&(journey, fault)) => (journey, Some(fault)),
                None => (cells[number % cells.len()].0, None),
            };
            let run = run(ground, number, journey, fault, random)
                .with_context(|| format!("run {number}, {journey:?}, {fault:?}"))?;
            told(&run);
            runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        }
    };
    plan.side_by_side(work)?;
    let mut runs = runs.into_inner().unwrap_or_else(PoisonError::into_inner);
    runs.sort_by_key(|run| run.number);
    Ok(runs)
}

fn run(ground: &Ground, number: usize, journey: Journey, fault: Option<Fault>, random: fastrand::Rng) -> Result<Run> {
    let begun = Instant::now();
    let line = Line::lay(fault, random)?;
    let (mut scene, memory) = ground.scene_behind(journey, &line.service_arguments())?;
    line.lead_to(scene.service_address()?);
    let mut truth = Truth::new(journey, memory.clone());
    let mut person = Person::sit_down_with(&scene, journey, memory, &[], PATIENCE)?;
    let mut complaint = None;
    while complaint.is_none() {
        match person.said_within(Duration::from_secs(1)) {
            Ok(Some(Said::End)) => break,
            Ok(Some(said)) => truth.hear(&said),
            Ok(None) if begun.elapsed() < LONGEST => {}
            Ok(None) => complaint = Some(format!("it came to no end; told {:?}", truth.told)),
            Err(error) => complaint = Some(format!("{error:#}; told {:?}, last {}", truth.told, truth.told_last)),
        }
    }
    person.leave();
    let seen = line.take_up();
    scene.restart()?;
    if complaint.is_none() {
        truth.compare(&scene)?;
        let odd: Vec<_> = truth.told.keys().filter(|code| NEVER_TOLD.contains(&code.as_str())).collect();
        complaint = if !odd.is_empty() {
            Some(format!("told as {odd:?}; last {}", truth.told_last))
        } else if seen.struck.is_empty() {
            Some("no request was struck".to_owned())
        } else if seen.elsewhere > 0 {
            Some(format!("{} connections to where a redirect sent", seen.elsewhere))
        } else {
            None
        };
    }
    Ok(Run {
        number,
        journey,
        fault,
        struck: seen.struck,
        requests: seen.requests,
        findings: truth.findings,
        complaint,
        told: truth.told,
        took: u64::try_from(begun.elapsed().as_millis())?,
    })
}
