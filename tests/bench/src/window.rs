//! Start to interactive, and idle memory, against an empty Tauri window built beside it.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use certdesk_cache::Cache;
use certdesk_controller::storage::{DemoKeyStore, KeyStore as _};
use stage::{Desktop, Running, Service, SoftKey, descendants, program, until};

use crate::{
    figure::{Figure, Limit, median},
    rows,
};

/// Runs whose memory is looked at as well: each waits until nothing moves any more.
const MEMORY_RUNS: u32 = 3;

struct Contender {
    binary: PathBuf,
    arguments: Vec<PathBuf>,
    start_ms: Vec<f64>,
    pss_mib: Vec<f64>,
}

/// Start with an account's hundred thousand applications in the cache, against a start with none.
pub(crate) fn measure_full(runs: u32, rows: u32) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let desktop = Desktop::start(1400, 900)?;
    let service = Service::start(&folder.path().join("service"), "127.0.0.1:0")?;
    let key = SoftKey::blank(&folder.path().join("key"), "证办通测量锁", "135790")?;
    let contender = |name: &str| -> Result<Contender> {
        let data = folder.path().join(name);
        let arguments: [PathBuf; 6] =
            ["--demo".into(), service.ready.file.clone(), "--data".into(), data, "--module".into(), key.module.clone()];
        Ok(Contender {
            binary: program("certdesk")?,
            arguments: arguments.to_vec(),
            start_ms: Vec::new(),
            pss_mib: Vec::new(),
        })
    };
    let (mut peer, mut ours) = (contender("empty")?, contender("full")?);
    for contender in [&mut peer, &mut ours] {
        contender.start(&desktop, &key, false, true)?;
    }
    let data = folder.path().join("full");
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(data.join("demo-key.json"))?)?;
    let name = kept["name"].as_str().context("the demo's key has no name")?.parse()?;
    let cache_key = DemoKeyStore::new(&data).key(name)?.context("the demo's key is not there")?;
    rows::fill(&Cache::open(&data.join("certdesk.db"), &cache_key)?, "many", rows)?;
    (peer.pss_mib, ours.pss_mib) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        for contender in [&mut peer, &mut ours] {
            contender.start(&desktop, &key, run > 0, run > 0 && run <= MEMORY_RUNS)?;
        }
    }
    let beside = |name, ours: Vec<f64>, peer: Vec<f64>, unit| Figure {
        name,
        ours: median(ours),
        peer: Some(median(peer)),
        unit,
        limit: Limit::TimesAtMost(1.1),
    };
    Ok(vec![
        beside("start with 100 000 rows (peer: with none)", ours.start_ms, peer.start_ms, "ms"),
        beside("idle memory with 100 000 rows (peer: with none)", ours.pss_mib, peer.pss_mib, "MiB"),
    ])
}

pub(crate) fn measure(runs: u32) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let desktop = Desktop::start(1400, 900)?;
    let service = Service::start(&folder.path().join("service"), "127.0.0.1:0")?;
    let key = SoftKey::blank(&folder.path().join("key"), "证办通测量锁", "135790")?;
    let contender = |name: &str, arguments: Vec<PathBuf>| -> Result<Contender> {
        Ok(Contender { binary: program(name)?, arguments, start_ms: Vec::new(), pss_mib: Vec::new() })
    };
    let mut peer = contender("empty-window", Vec::new())?;
    let mut ours = contender(
        "certdesk",
        vec![
            "--demo".into(),
            service.ready.file.clone(),
            "--data".into(),
            folder.path().join("data"),
            "--module".into(),
            key.module.clone(),
        ],
    )?;
    // The first start of each makes folders and warms the caches, and is not counted.
    for run in 0..=runs {
        for contender in [&mut peer, &mut ours] {
            contender.start(&desktop, &key, run > 0, run > 0 && run <= MEMORY_RUNS)?;
        }
    }
    Ok(vec![
        Figure {
            name: "start to interactive",
            ours: median(ours.start_ms),
            peer: Some(median(peer.start_ms)),
            unit: "ms",
            limit: Limit::TimesAtMost(1.25),
        },
        Figure {
            name: "idle memory (PSS)",
            ours: median(ours.pss_mib),
            peer: Some(median(peer.pss_mib)),
            unit: "MiB",
            limit: Limit::TimesAtMost(1.25),
        },
    ])
}

impl Contender {
    fn start(&mut self, desktop: &Desktop, key: &SoftKey, counts: bool, weigh: bool) -> Result<()> {
        let mark = desktop.home().join("interactive");
        let _ = fs::remove_file(&mark);
        let mut command = desktop.command(&self.binary)?;
        command.args(&self.arguments).envs(key.environment()).env("CERTDESK_STARTUP_MARK", &mark);
        let before = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let window = Running::start(&mut command)?;
        let at = until("an interactive window", Duration::from_secs(60), || written(&mark))
            .with_context(|| format!("{}: {}", self.binary.display(), desktop.words()))?;
        if counts {
            self.start_ms.push((at.saturating_sub(before)).as_secs_f64() * 1000.0);
        }
        if weigh {
            settle(window.pid())?;
            self.pss_mib.push(pss_mib(window.pid()));
        }
        Ok(())
    }
}

/// The moment in the mark, once it is there.
fn written(mark: &Path) -> Option<Duration> {
    fs::read_to_string(mark).ok()?.trim().parse().ok().map(Duration::from_nanos)
}

/// Waits until the program has done next to nothing for two seconds.
fn settle(pid: u32) -> Result<()> {
    let mut last = processor_ticks(pid);
    until("an idle window", Duration::from_secs(40), || {
        thread::sleep(Duration::from_secs(2));
        let now = processor_ticks(pid);
        let idle = now.saturating_sub(last) <= 4;
        last = now;
        idle.then_some(())
    })
}

fn whole(pid: u32) -> impl Iterator<Item = u32> {
    std::iter::once(pid).chain(descendants(pid))
}

/// Clock ticks (1/100 s) of the program and all it started.
fn processor_ticks(pid: u32) -> u64 {
    let ticks = |pid: u32| -> Option<u64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
    };
    whole(pid).filter_map(ticks).sum()
}

/// Proportional set size of the program and all it started: shared pages are shared fairly.
pub(crate) fn pss_mib(pid: u32) -> f64 {
    let kib = |pid: u32| -> Option<f64> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse().ok()
    };
    whole(pid).filter_map(kib).sum::<f64>() / 1024.0
}
