//! `faults`: the campaigns of faults. Of kills and of disks, as one table of journey × victim × part; with `--network` of
//! the line, as the same table of journey × fault; with `--token` of a key and its driver, as a table of fault × act.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    report::Report,
    terminal::{Terminal, cargo},
};

const COLUMNS: &[&str] = &["fault", "list", "login", "sign", "generate", "write", "change_pin"];
const CASES: &str = "target/faults/cases.json";
const CELLS: &[&str] = &["journey", "victim", "phase", "runs", "losses", "duplicates", "orphans", "else"];
const RUNS: &str = "target/faults/runs.json";
const DISKS: &str = "target/faults/disks.json";
const LINES: &str = "target/faults/lines.json";
/// One of each journey and fault, and some of all faults mixed.
const LINE_RUNS: u32 = 96;
const KILL_RUNS: u32 = 40;
/// Journeys that are played on failing disks too: they write all there is to write.
const ON_DISKS: &[&str] = &["register", "apply", "renew"];
/// Of so many cases at most one may have been late at first.
const MOST_AGAIN: usize = 50;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Of the key and its driver: each act, and in it each call, with each fault.
    #[arg(long)]
    token: bool,
    /// Of the line between program and service: each request of each journey, with each fault.
    #[arg(long, conflicts_with = "token")]
    network: bool,
    /// How often something is killed (40), or journeys over a bad line (96: one of each journey and fault, and some of all
    /// mixed).
    #[arg(long, conflicts_with = "token")]
    runs: Option<u32>,
    /// What all choices come from; by default another each time. It is printed.
    #[arg(long, conflicts_with = "token")]
    seed: Option<u64>,
    /// Refusals of each kind of a failing disk, for each journey played on it; more than it has changes: one at each.
    #[arg(long, default_value_t = 6, conflicts_with = "token")]
    refusals: u32,
    /// Power cuts of each journey besides those at every sync and every acknowledgement.
    #[arg(long, default_value_t = 100, conflicts_with = "token")]
    cuts: u32,
    /// Journeys at a time.
    #[arg(long, default_value_t = 2, conflicts_with = "token")]
    parallel: u32,
    /// One journey alone, by its name in the table.
    #[arg(long, conflicts_with = "token")]
    only: Option<String>,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    if arguments.token {
        return token(terminal);
    }
    terminal.run(cargo().args([
        "build",
        "-p",
        "faults",
        "-p",
        "faulty-disk",
        "-p",
        "certdesk-service",
        "-p",
        "certdesk-token-host",
    ]))?;
    fs::create_dir_all("target/faults")?;
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => u64::from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.subsec_nanos()),
    };
    let mut tally = Tally::new();
    if arguments.network {
        let runs = arguments.runs.unwrap_or(LINE_RUNS).to_string();
        let mut campaign = Command::new("target/debug/network");
        campaign.args([LINES, &runs, &seed.to_string(), &arguments.parallel.to_string()]).args(&arguments.only);
        terminal.run(&mut campaign)?;
        tally.lines(&read(LINES)?);
    } else {
        kills_and_disks(terminal, &arguments, seed, &mut tally)?;
    }
    let mut report = tally.report();
    report.fact("seed", seed);
    Ok(report)
}

fn kills_and_disks(terminal: &Terminal, arguments: &Arguments, seed: u64, tally: &mut Tally) -> Result<()> {
    let (runs, parallel) = (arguments.runs.unwrap_or(KILL_RUNS), arguments.parallel.to_string());
    if runs > 0 {
        let mut campaign = Command::new("target/debug/kills");
        campaign.args([RUNS, &runs.to_string(), &seed.to_string(), &parallel]).args(&arguments.only);
        terminal.run(&mut campaign)?;
        tally.kills(&read(RUNS)?);
    }
    let played_on_disks = arguments.only.as_deref().is_none_or(|only| ON_DISKS.contains(&only));
    if played_on_disks && arguments.refusals > 0 {
        let mut campaign = Command::new("target/debug/disk");
        campaign.args([
            DISKS,
            &arguments.refusals.to_string(),
            &arguments.cuts.to_string(),
            &seed.to_string(),
            &parallel,
        ]);
        campaign.args(&arguments.only);
        terminal.run(&mut campaign)?;
        tally.disks(&read(DISKS)?);
    }
    Ok(())
}

fn read(file: &str) -> Result<Value> {
    let played = fs::read(file).with_context(|| format!("the campaign wrote no {file}"))?;
    Ok(serde_json::from_slice(&played)?)
}

/// What was found, by journey, victim and part: runs, losses, duplicates, orphans, and what else fell short.
struct Tally {
    cells: BTreeMap<[String; 3], [usize; 5]>,
    report: Report,
    kills: usize,
}

impl Tally {
    fn new() -> Self {
        Self { cells: BTreeMap::new(), report: Report::new(CELLS), kills: 0 }
    }

    fn kills(&mut self, runs: &Value) {
        let (mut late, mut broken) = (0, 0);
        for run in runs.as_array().into_iter().flatten() {
            if run["key_broke"] == true {
                broken += 1;
                continue;
            }
            let in_time = run["after_ms"].is_u64();
            self.kills += usize::from(in_time) + usize::from(run["second"].is_string());
            late += usize::from(!in_time);
            self.add(["journey", "victim", "phase"].map(|name| text(run, name)), usize::from(in_time), run);
        }
        self.report.fact("kills, those while things were being put right counted", self.kills);
        self.report.fact("runs whose journey was over before the kill, compared all the same", late);
        self.report.fact("runs that SoftHSM's own files did not outlive, not counted", broken);
        self.report.fact("every run", RUNS);
    }

    fn disks(&mut self, played: &Value) {
        for refusal in played["refusals"].as_array().into_iter().flatten() {
            self.add([text(refusal, "journey"), "disk".to_owned(), text(refusal, "error")], 1, refusal);
        }
        for cut in played["cuts"].as_array().into_iter().flatten() {
            let cuts = cut["cuts"].as_u64().and_then(|cuts| usize::try_from(cuts).ok()).unwrap_or_default();
            self.add([text(cut, "journey"), "disk".to_owned(), "power cut".to_owned()], cuts, cut);
        }
        self.report.fact("every disk", DISKS);
    }

    /// What was done to requests counts, not journeys.
    fn lines(&mut self, runs: &Value) {
        let mut requests = 0;
        for run in runs.as_array().into_iter().flatten() {
            let struck: u64 =
                run["struck"].as_object().into_iter().flatten().filter_map(|(_, times)| times.as_u64()).sum();
            let fault = run["fault"].as_str().unwrap_or("all mixed").to_owned();
            self.add([text(run, "journey"), "line".to_owned(), fault], usize::try_from(struck).unwrap_or(0), run);
            requests += run["requests"].as_u64().unwrap_or_default();
        }
        self.report.fact("requests that came by", requests);
        self.report.fact("every journey over a bad line", LINES);
    }

    fn add(&mut self, cell: [String; 3], runs: usize, found: &Value) {
        let place = cell.join(", ");
        let sums = self.cells.entry(cell).or_default();
        sums[0] += runs;
        for (at, name) in ["losses", "duplicates", "orphans"].into_iter().enumerate() {
            for sentence in found[name].as_array().into_iter().flatten() {
                sums[at + 1] += 1;
                let number = found["number"].as_u64().map_or(String::new(), |number| format!(", run {number}"));
                self.report.falls_short(format!("{place}{number}: {}", sentence.as_str().unwrap_or_default()));
            }
        }
        if let Some(complaint) = found["complaint"].as_str() {
            sums[4] += 1;
            self.report.falls_short(format!("{place}: {complaint}"));
        }
    }

    fn report(mut self) -> Report {
        let mut total = [0; 5];
        for (cell, sums) in self.cells {
            (0..total.len()).for_each(|at| total[at] += sums[at]);
            self.report.row(cell.map(|word| json!(word)).into_iter().chain(sums.map(|sum| json!(sum))));
        }
        let [runs, losses, duplicates, orphans, others] = total;
        if runs == 0 {
            self.report.falls_short("nothing was killed, and neither disk nor line failed");
        }
        self.report.closing(format!(
            "{runs} runs: {losses} losses, {duplicates} duplicates, {orphans} orphans, {others} otherwise short"
        ));
        self.report
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn token(terminal: &Terminal) -> Result<Report> {
    terminal.run(cargo().args(["build", "-p", "faults", "-p", "faulty-module", "-p", "certdesk-token-host"]))?;
    fs::create_dir_all("target/faults")?;
    let own = |file: String| Ok::<_, anyhow::Error>(stage::project_root()?.join("target/debug").join(file));
    let (start, end) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let mut campaign = Command::new("target/debug/faults");
    campaign.arg(CASES);
    campaign.env("CERTDESK_TOKEN_HOST", own(format!("certdesk-token-host{}", std::env::consts::EXE_SUFFIX))?);
    campaign.env("CERTDESK_FAULTY_MODULE", own(format!("{start}faulty_module{end}"))?);
    terminal.run(&mut campaign)?;
    let cases = fs::read(CASES).with_context(|| format!("the campaign wrote no {CASES}"))?;
    Ok(table(&serde_json::from_slice(&cases)?))
}

fn table(cases: &Value) -> Report {
    let all: Vec<&Value> = cases.as_array().into_iter().flatten().collect();
    let mut faults: Vec<String> = Vec::new();
    for fault in all.iter().map(|case| text(case, "fault")) {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    let mut report = Report::new(COLUMNS);
    for fault in faults {
        let cells = COLUMNS[1..].iter().map(|act| {
            let mut answers: BTreeMap<String, usize> = BTreeMap::new();
            for case in all.iter().filter(|case| text(case, "fault") == fault && text(case, "act") == *act) {
                *answers.entry(text(case, "answer")).or_default() += 1;
            }
            let told: Vec<_> = answers.iter().map(|(answer, count)| format!("{answer} {count}")).collect();
            json!(told.join(", "))
        });
        report.row(std::iter::once(json!(fault)).chain(cells));
    }
    let mut again = 0;
    for case in &all {
        let place = ["act", "call", "fault"].map(|name| text(case, name)).join(", ");
        if let Some(complaint) = case["complaint"].as_str() {
            report.falls_short(format!("{place}: {complaint}"));
        } else if let Some(late) = case["at_first"].as_str() {
            again += 1;
            report.fact(&format!("{place}, played again"), late);
        }
    }
    if all.is_empty() {
        report.falls_short("no case was played");
    }
    if again * MOST_AGAIN > all.len() {
        report.falls_short(format!("{again} cases were late at first: this computer is too busy to tell what hangs"));
    }
    let slowest = all.iter().filter_map(|case| case["took"].as_u64()).max().unwrap_or_default();
    report.fact("slowest answer, ms", slowest);
    report.fact("every case", CASES);
    let short = all.iter().filter(|case| case["complaint"].is_string()).count();
    report.closing(format!("{} cases, {short} fall short, {again} played again for time alone", all.len()));
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_loss_fails_the_verb_and_a_kill_that_came_late_is_no_run() {
        let run = |number: u32, after: Value, losses: Value| {
            json!({ "number": number, "journey": "apply", "victim": "app", "phase": "type", "after_ms": after,
            "second": null, "losses": losses, "duplicates": [], "orphans": [], "complaint": null })
        };
        let killed = |runs: Value| {
            let mut tally = Tally::new();
            tally.kills(&runs);
            tally.report()
        };
        let report = killed(json!([run(0, json!(7), json!([])), run(1, Value::Null, json!([]))]));
        assert!(report.holds(), "runs in which nothing is wrong hold: {report}");
        assert_eq!(report.json()["rows"][0]["runs"], 1, "one kill came in time");
        assert!(!killed(json!([run(0, json!(7), json!(["a field"]))])).holds(), "a loss does not hold");
        assert!(!killed(json!([run(0, Value::Null, json!([]))])).holds(), "nor does a campaign without a kill");
    }

    #[test]
    fn of_a_bad_line_each_struck_request_counts_and_one_orphan_fails_the_verb() {
        let played = |orphans: Value| {
            let mut tally = Tally::new();
            tally.lines(&json!([{ "number": 3, "journey": "apply", "fault": "cut_after", "requests": 9, "losses": [],
                "struck": { "POST /v1/uploads": 2, "GET /v1/catalogue": 1 }, "duplicates": [], "orphans": orphans,
                "complaint": null }]));
            tally.report()
        };
        let report = played(json!([]));
        assert!(report.holds(), "a journey in which nothing is wrong holds: {report}");
        assert_eq!(report.json()["rows"][0]["runs"], 3, "three requests were struck");
        assert!(!played(json!(["an upload that no case names"])).holds(), "an orphan does not");
    }

    #[test]
    fn one_complaint_fails_the_verb_and_each_answer_is_counted() {
        let case = |act: &str, answer: &str, complaint: Value| {
            json!({ "act": act, "call": "C_Sign", "fault": "hang",
            "answer": answer, "took": 7, "pins": 0, "complaint": complaint })
        };
        let sound = json!([case("sign", "driver_hung", Value::Null), case("sign", "driver_hung", Value::Null)]);
        let report = table(&sound);
        assert!(report.holds(), "cases without a complaint hold: {report}");
        assert_eq!(report.json()["rows"][0]["sign"], "driver_hung 2");
        assert!(!table(&json!([case("sign", "ok", json!("a key pair is gone"))])).holds(), "a complaint does not");
        assert!(!table(&json!([])).holds(), "nor does a campaign of nothing");
    }

    #[test]
    fn a_case_that_was_late_once_is_told_and_many_are_no_campaign() {
        let late = json!({ "act": "sign", "call": "C_Sign", "fault": "hang", "answer": "driver_hung", "took": 7, "pins": 0,
            "complaint": null, "at_first": "the answer took 4 s" });
        let mut cases = vec![late.clone()];
        let punctual = json!({ "act": "sign", "fault": "hang", "answer": "driver_hung", "complaint": null });
        cases.resize(60, punctual);
        let report = table(&json!(cases));
        assert!(report.holds(), "one that was in time when it was played again holds: {report}");
        assert!(report.to_string().contains("the answer took 4 s"), "and what it was at first is told: {report}");
        cases.resize(80, late);
        assert!(!table(&json!(cases)).holds(), "where many are late, nothing was found out");
    }
}
