//! `faults`: the campaign of faults, as a table of fault × act.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    report::Report,
    terminal::{Terminal, cargo},
};

const COLUMNS: &[&str] = &["fault", "list", "login", "sign", "generate", "write", "change_pin"];
const CASES: &str = "target/faults/cases.json";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Of the key and its driver: each act, and in it each call, with each fault.
    #[arg(long)]
    token: bool,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    ensure!(arguments.token, "say which: --token");
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
    let text = |case: &Value, name: &str| case[name].as_str().unwrap_or_default().to_owned();
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
    for case in &all {
        if let Some(complaint) = case["complaint"].as_str() {
            let place = ["act", "call", "fault"].map(|name| text(case, name)).join(", ");
            report.falls_short(format!("{place}: {complaint}"));
        }
    }
    if all.is_empty() {
        report.falls_short("no case was played");
    }
    let slowest = all.iter().filter_map(|case| case["took"].as_u64()).max().unwrap_or_default();
    report.fact("slowest answer, ms", slowest);
    report.fact("every case", CASES);
    let short = all.iter().filter(|case| case["complaint"].is_string()).count();
    report.closing(format!("{} cases, {short} fall short", all.len()));
    report
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
