//! `tokens`: the suite over real PKCS#11 modules, as a table of module × act.

use std::{fs, process::Command};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    packages,
    report::Report,
    terminal::{Terminal, cargo},
};

/// Headings, as the suite names the acts.
const COLUMNS: &[&str] = &[
    "module",
    "list",
    "certificates",
    "wrong-pin",
    "login",
    "make-rsa",
    "make-ec",
    "make-p384",
    "sign-pkcs1",
    "sign-pss",
    "sign-ecdsa",
    "sign-p384",
    "objects",
    "write",
    "out",
    "in",
    "shown",
    "doctor",
    "lost",
    "remove",
    "logout",
    "change-pin",
    "journey",
    "lock",
    "unblock",
];
/// Acts whose course is worth telling beside the table.
const TOLD: &[&str] = &["sign-pkcs1", "out", "in", "shown", "doctor", "lost", "journey", "lock"];
const FINDINGS: &str = "target/tokens/findings.json";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only these modules, by their names in `tests/tokens/modules.toml`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Installs nothing: modules that are not there are left out.
    #[arg(long)]
    no_install: bool,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    let missing = packages::missing_for_token_lab();
    if !missing.is_empty() && !arguments.no_install {
        // Without them some modules are left out, each with its reason: no cause to stop.
        if let Err(error) = packages::install(terminal, &missing) {
            terminal.say(&format!("going on without them: {error:#}"));
        }
    }
    let packages = ["tokens", "certdesk-token-host", "certdesk-service", "certdesk-cli"];
    terminal.run(cargo().arg("build").args(packages.iter().flat_map(|name| ["-p", name])))?;
    let mut suite = Command::new("target/debug/tokens");
    if !arguments.only.is_empty() {
        suite.args(["--only", &arguments.only.join(",")]);
    }
    fs::create_dir_all("target/tokens")?;
    suite.args(["--out", FINDINGS]);
    terminal.run(&mut suite)?;
    let rows = fs::read(FINDINGS).with_context(|| format!("the suite wrote no {FINDINGS}"))?;
    Ok(table(&serde_json::from_slice(&rows)?))
}

fn table(rows: &Value) -> Report {
    let mut report = Report::new(COLUMNS);
    let mut counts = [0; 4];
    for row in rows.as_array().into_iter().flatten() {
        let name = row["name"].as_str().unwrap_or_default();
        let findings = || row["findings"].as_array().into_iter().flatten();
        let cells = COLUMNS[1..].iter().map(|act| match findings().find(|finding| finding["act"] == *act) {
            Some(finding) => said(&finding["verdict"]),
            None if row["skipped"].is_string() => "skipped",
            None => "–",
        });
        let cells: Vec<&str> = cells.collect();
        for (count, word) in counts.iter_mut().zip(["ok", "can't", "FAILS", "skipped"]) {
            *count += cells.iter().filter(|cell| **cell == word).count();
        }
        report.row(std::iter::once(json!(name)).chain(cells.into_iter().map(|cell| json!(cell))));

        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for finding in findings() {
            let act = finding["act"].as_str().unwrap_or_default();
            let verdict = |name: &str| finding["verdict"][name].as_str();
            if let Some(why) = verdict("cannot") {
                match reasons.iter_mut().find(|(reason, _)| *reason == why) {
                    Some((_, acts)) => acts.push(act),
                    None => reasons.push((why, vec![act])),
                }
            }
            if let Some(why) = verdict("fails") {
                report.falls_short(format!("{name}, {act}: {why}"));
            }
            if let (true, Some(note)) = (TOLD.contains(&act), finding["note"].as_str()) {
                report.fact(&format!("{name}, {act}"), note);
            }
        }
        for (why, acts) in reasons {
            report.fact(&format!("{name} can't {}", acts.join(", ")), why);
        }
        if let Some(why) = row["skipped"].as_str() {
            report.fact(&format!("{name} is left out"), why);
        }
        if let Some(why) = row["failure"].as_str() {
            report.falls_short(format!("{name}: {why}"));
        }
    }
    let [ok, cannot, fails, _] = counts;
    if ok == 0 {
        report.falls_short("no module was visited");
    }
    report.fact("every answer", FINDINGS);
    report.closing(format!("{ok} ok, {cannot} can't, {fails} fail"));
    report
}

fn said(verdict: &Value) -> &'static str {
    match verdict {
        Value::String(_) => "ok",
        verdict if verdict.get("cannot").is_some() => "can't",
        _ => "FAILS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_a_shortfall_and_what_a_module_cannot_is_not() {
        let finding = |act: &str, verdict: Value| json!({ "act": act, "verdict": verdict, "note": null });
        let rows = json!([
            { "name": "one", "skipped": null, "failure": null, "findings": [
                finding("list", json!("ok")), finding("make-ec", json!({ "cannot": "no curves" })) ] },
            { "name": "two", "skipped": "this machine lacks it", "failure": null, "findings": [] },
        ]);
        let report = table(&rows);
        assert!(report.holds(), "a module that is left out or known not to do an act is no shortfall: {report}");
        assert_eq!(report.json()["rows"][0]["make-ec"], "can't");
        assert_eq!(report.json()["rows"][1]["list"], "skipped");
        let rows = json!([{ "name": "one", "skipped": null, "failure": null,
            "findings": [finding("list", json!({ "fails": "nothing there" }))] }]);
        assert!(!table(&rows).holds(), "an act that fails must fail the verb");
    }
}
