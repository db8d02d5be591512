//! A disk that takes nothing from some change on, until it does again.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::kills::{
    Journey, Said,
    campaign::{Ground, PATIENCE, Person, Plan},
    truth::{Findings, Truth},
};

use super::environment;

/// How a disk refuses.
const ERRORS: [&str; 3] = ["ENOSPC", "EROFS", "EIO"];
/// What a person may read of it: that the disk is full, that what is kept here cannot be read or written, or, of the key in
/// the demo's file, that its key store takes nothing.
const FITTING: &[&str] = &["disk_full", "storage_failed", "storage_damaged", "key_store_away"];

/// Nobody is told for so long: something waits by itself for room, as an upload does.
const UNTOLD: Duration = Duration::from_secs(4);
/// How long it may then take to try again: longer than the longest of its waits.
const AFTERWARDS: Duration = Duration::from_secs(45);

/// One refusal and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal {
    /// What the person came for.
    pub journey: Journey,
    /// How the disk refused.
    pub error: &'static str,
    /// From which change on.
    pub at: u64,
    /// Sentences that were read.
    pub told: BTreeMap<String, u32>,
    /// What is wrong.
    #[serde(flatten)]
    pub findings: Findings,
    /// What else is wrong.
    pub complaint: Option<String>,
}

impl Refusal {
    /// Whether all is as it should be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_clean() && self.complaint.is_none()
    }
}

/// Plays refusals of each kind, as many as the plan has runs, spread over all changes of a journey; where it has more runs than
/// the journey has changes, one at each change.
///
/// # Errors
/// When the journey does not come to its end on a sound disk.
pub fn refusals(ground: &Ground, journey: Journey, plan: Plan, told: impl Fn(&Refusal) + Sync) -> Result<Vec<Refusal>> {
    let changes = changes(ground, journey)?;
    ensure!(changes > 20, "only {changes} changes were seen: the disk is not the faulty one");
    let step = (changes / u64::try_from(plan.runs.max(1))?).max(1);
    let places = |error: &'static str| {
        // Not at the same places for each.
        let first = 1 + u64::from(error.as_bytes()[1]) % step;
        (first..=changes).step_by(step as usize).map(move |at| (error, at))
    };
    let places: Vec<_> = ERRORS.into_iter().flat_map(places).collect();
    let next = AtomicUsize::new(0);
    let played = Mutex::new(Vec::new());
    plan.side_by_side(|| {
        while let Some(&(error, at)) = places.get(next.fetch_add(1, Ordering::SeqCst)) {
            let refusal = play(ground, journey, error, at).with_context(|| format!("{error} from change {at} on"))?;
            told(&refusal);
            played.lock().unwrap_or_else(PoisonError::into_inner).push(refusal);
        }
        Ok(())
    })?;
    let mut played = played.into_inner().unwrap_or_else(PoisonError::into_inner);
    played.sort_by_key(|refusal| (refusal.error, refusal.at));
    Ok(played)
}

/// How many changes a journey makes on a sound disk.
fn changes(ground: &Ground, journey: Journey) -> Result<u64> {
    let (scene, memory) = ground.scene(journey)?;
    let log = scene.client().with_file_name("changes");
    let environment = environment(&scene.client(), &[("CERTDESK_DISK_LOG", log.clone().into())])?;
    let mut person = Person::sit_down_with(&scene, journey, memory, &environment, PATIENCE)?;
    while person.said()? != Said::End {}
    person.leave();
    Ok(super::cut::read(&fs::read(log)?)?.iter().filter(|change| change.is_of_the_disk()).count() as u64)
}

fn play(ground: &Ground, journey: Journey, error: &'static str, at: u64) -> Result<Refusal> {
    let (mut scene, memory) = ground.scene(journey)?;
    let healed = scene.client().with_file_name("healed");
    let environment = environment(
        &scene.client(),
        &[
            ("CERTDESK_DISK_FAIL_AT", at.to_string().into()),
            ("CERTDESK_DISK_ERROR", error.into()),
            ("CERTDESK_DISK_HEALED", healed.clone().into()),
        ],
    )?;
    let mut truth = Truth::new(journey, memory.clone());
    let mut person = Person::sit_down_with(&scene, journey, memory, &environment, PATIENCE)?;
    let mut complaint = None;
    loop {
        let patience = if healed.exists() { AFTERWARDS } else { UNTOLD };
        let said = match person.said_within(patience) {
            Ok(Some(said)) => said,
            Ok(None) if !healed.exists() => {
                fs::write(&healed, "")?;
                continue;
            }
            Ok(None) => {
                complaint = Some(format!("it came to no end; last {}", truth.told_last));
                break;
            }
            Err(error) => {
                complaint = Some(format!("{error:#}; last {}", truth.told_last));
                break;
            }
        };
        truth.hear(&said);
        match said {
            Said::End => break,
            Said::Told { .. } if !healed.exists() => fs::write(&healed, "")?,
            _ => {}
        }
    }
    person.leave();
    scene.restart()?;
    if complaint.is_none() {
        truth.compare(&scene)?;
        let odd: Vec<_> = truth.told.keys().filter(|code| !FITTING.contains(&code.as_str())).collect();
        complaint = (!odd.is_empty()).then(|| format!("told as {odd:?}; last {}", truth.told_last));
    }
    Ok(Refusal { journey, error, at, told: truth.told, findings: truth.findings, complaint })
}
