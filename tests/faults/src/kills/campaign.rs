//! Who kills, and when: chosen by a seed, spread over all cells of journey × victim × part.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use stage::{Running, descendants, end_tree, until};

use super::{
    Journey, Memory, Phase, Said, Seat, Victim,
    scene::{Scene, Snapshot},
    truth::{Findings, Truth},
};

/// How long a part takes that was never seen.
const UNSEEN: Duration = Duration::from_millis(200);
/// When a second kill comes, it comes within this after the first.
const SECOND_WITHIN: Duration = Duration::from_millis(600);
/// A run that is not over by then is stuck.
const LONGEST: Duration = Duration::from_secs(120);
/// How long a person tries before they are stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Sentences that a kill is no reason for: they say that the program or its store is at fault.
pub(crate) const NEVER_TOLD: &[&str] =
    &["internal", "bad_command", "storage_failed", "storage_damaged", "pin_incorrect", "pin_locked", "proof_failed"];

/// What is to be played.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Runs that count: of kills, those in which something was killed; of refusing disks, those of each kind.
    pub runs: usize,
    /// What all choices come from.
    pub seed: u64,
    /// Runs at a time.
    pub parallel: usize,
    /// One journey alone.
    pub only: Option<Journey>,
}

impl Plan {
    /// Where the choices of this run come from, whoever plays it.
    pub(crate) fn random(self, number: usize) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Has `work` done as often side by side as the plan says, each until it finds no more to do.
    pub(crate) fn side_by_side(self, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.parallel.max(1)).map(|_| scope.spawn(&work)).collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(outcome) => outcome,
                Err(_) => bail!("a run panicked"),
            })
        })
    }
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Its number; with the seed, all its choices.
    pub number: usize,
    /// What the person came for.
    pub journey: Journey,
    /// What was killed.
    pub victim: Victim,
    /// In which part.
    pub phase: Phase,
    /// How far into it, milliseconds; `None`: the journey was over before.
    pub after_ms: Option<u64>,
    /// What was killed besides while things were being put right.
    pub second: Option<Victim>,
    /// What came of it.
    #[serde(flatten)]
    pub findings: Findings,
    /// What else is wrong: the journey came to no end, or was told in words that do not fit.
    pub complaint: Option<String>,
    /// The software key did not outlive it: SoftHSM writes its files in place, and no program sees the token any more.
    /// Nothing can be said of such a run; it does not count.
    pub key_broke: bool,
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
}

/// All cells in an order of the seed's.
fn cells(plan: Plan) -> Vec<(Journey, Phase, Victim)> {
    let mut cells = Vec::new();
    for journey in Journey::ALL.into_iter().filter(|journey| plan.only.is_none_or(|only| only == *journey)) {
        for &phase in journey.phases() {
            cells.extend(Victim::ALL.map(|victim| (journey, phase, victim)));
        }
    }
    fastrand::Rng::with_seed(plan.seed).shuffle(&mut cells);
    cells
}

#[derive(Clone, Copy)]
struct Strikes {
    phase: Phase,
    victim: Victim,
    /// Part of the phase's usual length.
    at: f64,
    second: Option<Victim>,
    second_at: f64,
}

/// What the runs start from: a service, a key and a folder as they stand before each journey.
pub struct Ground {
    registered: Snapshot,
    approved: Snapshot,
    returned: Snapshot,
    certified: Snapshot,
    /// How long each part takes when nothing is killed.
    usual: Mutex<HashMap<(Journey, Phase), Duration>>,
}

impl Ground {
    /// Goes the way once without a kill, and keeps what it comes by.
    ///
    /// # Errors
    /// When a journey does not come to its end.
    pub fn prepare() -> Result<Self> {
        let usual = Mutex::default();
        let mut scene = Scene::blank()?;
        let mut memory = Memory::default();
        let go = |scene: &Scene, journey: Journey, memory: Memory| -> Result<Memory> {
            let mut truth = Truth::new(journey, memory.clone());
            let mut person = Person::sit_down(scene, journey, memory)?;
            let mut watch = Watch::default();
            loop {
                let said = person.said()?;
                truth.hear(&said);
                watch.hear(journey, &said, &usual);
                if said == Said::End {
                    break;
                }
            }
            person.leave();
            ensure!(truth.findings.is_clean(), "{journey:?} without a kill: {:?}", truth.findings);
            Ok(truth.memory())
        };
        memory = go(&scene, Journey::Register, memory)?;
        let registered = scene.keep(memory.clone())?;
        memory = go(&scene, Journey::Apply, memory)?;
        let handed_in = scene.keep(memory.clone())?;
        let returned = {
            let mut scene = Scene::again(&handed_in)?;
            review(
                &scene,
                &memory,
                certdesk_contract::application::Review::Return { remarks: super::person::remarks() },
            )?;
            scene.keep(memory.clone())?
        };
        review(&scene, &memory, certdesk_contract::application::Review::Approve)?;
        let approved = scene.keep(memory.clone())?;
        memory = go(&scene, Journey::Issue, memory)?;
        memory.certificate = Some(scene.active_certificate()?);
        memory.case = None;
        let certified = scene.keep(memory)?;
        Ok(Self { registered, approved, returned, certified, usual })
    }

    /// Plays a campaign; each run is told when it is over. Runs in which the kill came too late are played besides, and
    /// compared like the others.
    ///
    /// # Errors
    /// When a run cannot be set up; what comes of it is its finding.
    pub fn play(&self, plan: Plan, told: impl Fn(&Run) + Sync) -> Result<Vec<Run>> {
        let cells = cells(plan);
        let (next, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let runs = Mutex::new(Vec::new());
        let work = || -> Result<()> {
            while hits.load(Ordering::SeqCst) < plan.runs {
                let number = next.fetch_add(1, Ordering::SeqCst);
                ensure!(number < plan.runs * 3 + 20, "hardly any kill comes in time");
                let (journey, phase, victim) = cells[number % cells.len()];
                let mut random = plan.random(number);
                let second = random.bool().then(|| *random.choice(&Victim::ALL).unwrap_or(&Victim::App));
                let strikes = Strikes { phase, victim, at: random.f64(), second, second_at: random.f64() };
                let run = self.run(number, journey, strikes).with_context(|| format!("run {number}, {journey:?}"))?;
                hits.fetch_add(usize::from(run.after_ms.is_some() && !run.key_broke), Ordering::SeqCst);
                told(&run);
                runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
            }
            Ok(())
        };
        plan.side_by_side(work)?;
        let mut runs = runs.into_inner().unwrap_or_else(PoisonError::into_inner);
        runs.sort_by_key(|run| run.number);
        Ok(runs)
    }

    /// A scene to play a journey on, and what the person knows.
    pub(crate) fn scene(&self, journey: Journey) -> Result<(Scene, Memory)> {
        self.scene_behind(journey, &[])
    }

    /// The same with a service that is started with more arguments.
    pub(crate) fn scene_behind(&self, journey: Journey, more: &[OsString]) -> Result<(Scene, Memory)> {
        let snapshot = match journey {
            Journey::Register => return Ok((Scene::blank_behind(more)?, Memory::default())),
            Journey::Apply => &self.registered,
            Journey::Correct => &self.returned,
            Journey::Issue => &self.approved,
            Journey::Renew | Journey::Revoke => &self.certified,
        };
        Ok((Scene::again_behind(snapshot, more)?, snapshot.memory.clone()))
    }

    fn run(&self, number: usize, journey: Journey, strikes: Strikes) -> Result<Run> {
        let begun = Instant::now();
        let (mut scene, memory) = self.scene(journey)?;
        let mut truth = Truth::new(journey, memory.clone());
        let mut person = Person::sit_down(&scene, journey, memory)?;
        let mut watch = Watch::default();
        let (mut due, mut after, mut second) = (None::<(Instant, Victim)>, None, None);
        let mut complaint = None;
        loop {
            let patience =
                due.map_or(Duration::from_millis(500), |(at, _)| at.saturating_duration_since(Instant::now()));
            match person.said.recv_timeout(patience) {
                Ok(said) => {
                    truth.hear(&said);
                    if after.is_none() {
                        watch.hear(journey, &said, &self.usual);
                    }
                    if said == Said::End {
                        break;
                    }
                    let begins = said == Said::Begins { phase: strikes.phase };
                    if begins && after.is_none() && due.is_none() {
                        let usual = self.usual().get(&(journey, strikes.phase)).copied().unwrap_or(UNSEEN);
                        due = Some((Instant::now() + usual.mul_f64(strikes.at), strikes.victim));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    complaint = Some(format!("{:#}; told {:?}, last {}", person.ended(), truth.told, truth.told_last));
                    break;
                }
            }
            if let Some((at, victim)) = due.filter(|(at, _)| *at <= Instant::now()) {
                let first = after.is_none();
                if first {
                    after = Some(u64::try_from(watch.since(at).as_millis())?);
                } else {
                    second = Some(victim);
                }
                strike(victim, &mut scene, &mut person, &mut truth, journey)?;
                let next = strikes.second.filter(|_| first);
                due = next.map(|next| (Instant::now() + SECOND_WITHIN.mul_f64(strikes.second_at), next));
            }
            if begun.elapsed() > LONGEST {
                complaint = Some(format!("it came to no end; told: {:?}", truth.told));
                break;
            }
        }
        person.leave();
        // What a kill left half done at the service is cleared up at its next start.
        scene.restart()?;
        let key_broke = !scene.key_is_there()?;
        if complaint.is_none() && !key_broke {
            truth.compare(&scene)?;
            let odd: Vec<_> = truth.told.keys().filter(|code| NEVER_TOLD.contains(&code.as_str())).collect();
            complaint = (!odd.is_empty()).then(|| format!("told as {odd:?}"));
        }
        if key_broke {
            (complaint, truth.findings) = (None, Findings::default());
        }
        Ok(Run {
            number,
            journey,
            victim: strikes.victim,
            phase: strikes.phase,
            after_ms: after,
            second,
            findings: truth.findings,
            complaint,
            key_broke,
            told: truth.told,
            took: u64::try_from(begun.elapsed().as_millis())?,
        })
    }

    fn usual(&self) -> std::sync::MutexGuard<'_, HashMap<(Journey, Phase), Duration>> {
        self.usual.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills, and puts right what a person or an operator would put right.
fn strike(victim: Victim, scene: &mut Scene, person: &mut Person, truth: &mut Truth, journey: Journey) -> Result<()> {
    match victim {
        Victim::App => {
            let helpers = descendants(person.process.pid());
            person.process.kill();
            // What was said before it died was said.
            while let Ok(said) = person.said.recv() {
                truth.hear(&said);
            }
            let gone = until("the end of the helpers", Duration::from_secs(15), || none_left(&helpers).then_some(()));
            if gone.is_err() {
                truth.outlived(helpers.len());
                helpers.into_iter().for_each(end_tree);
            }
            *person = Person::sit_down(scene, journey, truth.memory())?;
        }
        Victim::Helper => {
            for pid in descendants(person.process.pid()) {
                if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                    // It may have ended by itself.
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        }
        Victim::Service => {
            scene.kill_service();
            scene.restart()?;
        }
    }
    Ok(())
}

fn none_left(pids: &[u32]) -> bool {
    let runs = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
    };
    !pids.iter().any(runs)
}

/// When the part at hand began.
#[derive(Default)]
struct Watch(Option<(Phase, Instant)>);

impl Watch {
    fn hear(&mut self, journey: Journey, said: &Said, usual: &Mutex<HashMap<(Journey, Phase), Duration>>) {
        let next = match said {
            Said::Begins { phase } => Some(*phase),
            Said::End => None,
            _ => return,
        };
        if let Some((phase, since)) = self.0
            && Some(phase) != next
        {
            usual.lock().unwrap_or_else(PoisonError::into_inner).insert((journey, phase), since.elapsed());
        }
        self.0 = next.map(|phase| (phase, Instant::now()));
    }

    fn since(&self, at: Instant) -> Duration {
        self.0.map_or(Duration::ZERO, |(_, since)| at.saturating_duration_since(since))
    }
}

/// The process, and what it says.
pub(crate) struct Person {
    process: Running,
    said: mpsc::Receiver<Said>,
}

impl Person {
    fn sit_down(scene: &Scene, journey: Journey, memory: Memory) -> Result<Self> {
        Self::sit_down_with(scene, journey, memory, &[], PATIENCE)
    }

    /// The same with more in the environment, and another patience.
    pub(crate) fn sit_down_with(
        scene: &Scene,
        journey: Journey,
        memory: Memory,
        environment: &[(OsString, OsString)],
        patience: Duration,
    ) -> Result<Self> {
        let seat = Seat { patience, ..scene.seat(journey, memory)? };
        let seat = serde_json::to_string(&seat)?;
        let mut process = Running::start(
            Command::new(stage::program("person")?)
                .arg(seat)
                .envs(environment.iter().cloned())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped()),
        )?;
        let pipe = process.child().stdout.take().context("it has no stdout")?;
        let (tell, said) = mpsc::channel();
        std::thread::spawn(move || {
            // A line that a kill cut short was not said.
            let lines = BufReader::new(pipe).lines().map_while(Result::ok);
            for said in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                if tell.send(said).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, said })
    }

    /// What it says next.
    pub(crate) fn said(&mut self) -> Result<Said> {
        self.said.recv().map_err(|_| self.ended())
    }

    /// The same; `None`: nothing for so long.
    pub(crate) fn said_within(&mut self, patience: Duration) -> Result<Option<Said>> {
        match self.said.recv_timeout(patience) {
            Ok(said) => Ok(Some(said)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    /// Waits until the program is gone.
    pub(crate) fn leave(&mut self) {
        if until("the end of the program", Duration::from_secs(20), || self.process.ended()).is_err() {
            self.process.kill();
        }
    }

    /// Why it ended before its time.
    fn ended(&mut self) -> anyhow::Error {
        let mut words = String::new();
        if let Some(mut pipe) = self.process.child().stderr.take() {
            let _ = pipe.read_to_string(&mut words);
        }
        anyhow::anyhow!("the journey came to no end: {}", words.trim())
    }
}

/// The reviewer's word, spoken at the demo desk.
fn review(scene: &Scene, memory: &Memory, review: certdesk_contract::application::Review) -> Result<()> {
    let case = memory.case.context("there is no case to review")?;
    let seat = scene.seat(Journey::Apply, memory.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(super::person::review(&seat, case, review))
}
