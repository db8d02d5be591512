//! Damages specimens and hands them to a target, as long as it may take. The same seed makes the same storm.

use std::{
    collections::HashSet,
    fs,
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fastrand::Rng;
use mutatis::Session;
use sha2::{Digest as _, Sha256};

use crate::Target;

/// A case may take this long. Far more than any needs, for the machine may be busy.
const LONGEST: Duration = Duration::from_secs(5);
/// And the storm over one target may add so much to the memory in use, bytes.
const MOST_MEMORY: u64 = 384 << 20;
/// Inputs that came where none came before, kept to be damaged further.
const MOST_KEPT: usize = 512;

/// What a storm over one target came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The target's name.
    pub target: &'static str,
    /// Inputs that were tried, the specimens themselves among them.
    pub cases: u64,
    /// How long it took.
    pub took: Duration,
    /// Different places that inputs came to.
    pub places: usize,
    /// What went wrong; empty when nothing did.
    pub findings: Vec<String>,
}

/// Lets the storm rage over a target for so long. The specimens themselves come first, however little time there is. Each
/// input that does harm is kept under `target/fuzz/findings`.
///
/// # Errors
/// When specimens cannot be read, or a finding cannot be kept.
pub fn rage(target: &Target, time: Duration, seed: u64) -> Result<Outcome> {
    let mut pool = target.specimens()?;
    let mut rng = Rng::with_seed(seed ^ u64::from_le_bytes(Sha256::digest(target.name)[..8].try_into()?));
    let mut session = Session::new().seed(rng.u64(..));
    let (began, memory) = (Instant::now(), peak_memory());
    let mut outcome = Outcome { target: target.name, cases: 0, took: Duration::ZERO, places: 0, findings: Vec::new() };
    let mut places = HashSet::new();
    let specimens = pool.len();
    let mut next = 0;
    while next < specimens || began.elapsed() < time {
        let input = match pool.get(next) {
            Some(specimen) if next < specimens => specimen.clone(),
            _ => damaged(&pool, target.most, &mut rng, &mut session),
        };
        next += 1;
        outcome.cases += 1;
        match tried(target, &input) {
            Ok(place) => {
                if places.insert(place) && next > specimens && pool.len() < specimens + MOST_KEPT {
                    pool.push(input);
                }
            }
            Err(harm) => {
                outcome.findings.push(kept(target, &input, &harm)?);
                if outcome.findings.len() >= 10 {
                    break;
                }
            }
        }
    }
    outcome.took = began.elapsed();
    outcome.places = places.len();
    if let (Some(before), Some(after)) = (memory, peak_memory())
        && after.saturating_sub(before) > MOST_MEMORY
    {
        let mib = (after - before) >> 20;
        outcome.findings.push(format!("{}: {mib} MiB of memory for inputs of a few KiB", target.name));
    }
    Ok(outcome)
}

/// One input. Where it does harm: what kind.
pub fn tried(target: &Target, input: &[u8]) -> Result<u64, String> {
    let began = Instant::now();
    let answer = panic::catch_unwind(AssertUnwindSafe(|| (target.read)(input)));
    let took = began.elapsed();
    match answer {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panics: {}", text.unwrap_or_default()))
        }
        Ok(_) if took > LONGEST => Err(format!("takes {took:?}")),
        Ok(place) => Ok(place),
    }
}

/// A specimen with some damage: single bytes by `mutatis`, blocks by us.
fn damaged(pool: &[Vec<u8>], most: usize, rng: &mut Rng, session: &mut Session) -> Vec<u8> {
    let mut bytes = if pool.is_empty() { Vec::new() } else { pool[rng.usize(..pool.len())].clone() };
    for _ in 0..=rng.usize(..5) {
        match rng.u8(..8) {
            // Costs a look at every byte: for what is small.
            0..=2 if bytes.len() < 4096 => {
                let _ = session.mutate(&mut bytes);
            }
            0..=3 => overwrite(&mut bytes, rng),
            4 => {
                let (from, to) = range(bytes.len(), rng);
                bytes.drain(from..to);
            }
            5 => {
                let (from, to) = range(bytes.len(), rng);
                let block = bytes[from..to].to_vec();
                let at = rng.usize(..=bytes.len());
                bytes.splice(at..at, block);
            }
            6 if !pool.is_empty() => {
                let other = &pool[rng.usize(..pool.len())];
                let (from, to) = range(other.len(), rng);
                let (at, end) = range(bytes.len(), rng);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => bytes.truncate(rng.usize(..=bytes.len())),
        }
    }
    bytes.truncate(most);
    bytes
}

/// Numbers that lengths and counts go wrong at, as one to eight bytes of either order; or a bit.
fn overwrite(bytes: &mut [u8], rng: &mut Rng) {
    if bytes.is_empty() {
        return;
    }
    let at = rng.usize(..bytes.len());
    if rng.bool() {
        bytes[at] ^= 1 << rng.u8(..8);
        return;
    }
    const EDGES: [u64; 12] =
        [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, i64::MAX as u64, u64::MAX];
    let edge = EDGES[rng.usize(..EDGES.len())];
    let width = [1, 2, 4, 8][rng.usize(..4)].min(bytes.len() - at);
    let number =
        if rng.bool() { edge.to_le_bytes()[..width].to_vec() } else { edge.to_be_bytes()[8 - width..].to_vec() };
    bytes[at..at + width].copy_from_slice(&number);
}

fn range(length: usize, rng: &mut Rng) -> (usize, usize) {
    let from = rng.usize(..=length);
    (from, from + rng.usize(..=(length - from).min(256)))
}

fn kept(target: &Target, input: &[u8], harm: &str) -> Result<String> {
    let folder = stage::project_root()?.join("target/fuzz/findings").join(target.name);
    fs::create_dir_all(&folder)?;
    let name: String = Sha256::digest(input)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(folder.join(&name), input).context("a finding could not be kept")?;
    Ok(format!("{} {name} ({} bytes): {harm}", target.name, input.len()))
}

/// The most memory this process ever had, bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}
