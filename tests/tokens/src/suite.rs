//! One row of the table: set up, visited, judged, cleared away.

use crate::{
    expected::Expected,
    finding::{Finding, Verdict},
    lab::{Lab, Missing, Standing},
    visit::{Hands, Subject, visit},
};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// What came of one module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Name in the table.
    pub name: String,
    /// Why it was left out, where it was.
    pub skipped: Option<String>,
    /// What came of each act.
    pub findings: Vec<Finding>,
    /// Why it came to no findings, where it should have.
    pub failure: Option<String>,
}

impl Row {
    /// What is not as it should be, as sentences.
    pub fn failures(&self) -> Vec<String> {
        let acts = self.findings.iter().filter_map(|finding| match &finding.verdict {
            Verdict::Fails(reason) => Some(format!("{}, {:?}: {reason}", self.name, finding.act)),
            _ => None,
        });
        acts.chain(self.failure.iter().map(|reason| format!("{}: {reason}", self.name))).collect()
    }
}

/// A whole visit takes a minute at most; more is a hang that no deadline of ours caught.
const LONGEST: Duration = Duration::from_secs(300);

/// Sets the module up, visits it and clears it away. `program` is this suite's own, for visits that run inside
/// surroundings of their own.
pub fn examine(lab: &Lab, expected: &Expected, program: &Path) -> Row {
    let mut row = Row { name: expected.name.clone(), skipped: None, findings: Vec::new(), failure: None };
    let answer = lab.set_up(&expected.name).and_then(|mut standing| {
        if standing.inside.is_empty() {
            let hands = standing.hands.take();
            visit_here(&standing.subject, expected, hands)
        } else {
            visit_inside(&standing, program)
        }
    });
    match answer {
        Ok(findings) => row.findings = findings,
        Err(error) => match error.downcast_ref::<Missing>() {
            Some(Missing(what)) => row.skipped = Some(format!("this machine lacks {what}")),
            None => row.failure = Some(format!("{error:#}")),
        },
    }
    row
}

/// The visit in this process.
///
/// # Errors
/// When it did not end, or could not begin.
pub fn visit_here(subject: &Subject, expected: &Expected, hands: Hands) -> Result<Vec<Finding>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::time::timeout(LONGEST, visit(subject, expected, hands)).await.context("the visit did not end")?
    })
}

/// The visit in a process of its own, inside the surroundings the module needs.
fn visit_inside(standing: &Standing, program: &Path) -> Result<Vec<Finding>> {
    let note = standing.subject.folder.join("subject.json");
    fs::write(&note, serde_json::to_vec(&standing.subject)?)?;
    let [first, more @ ..] = standing.inside.as_slice() else { bail!("there is nothing to run it inside of") };
    let output = Command::new(first)
        .args(more)
        .arg(program)
        .arg("visit")
        .arg(&note)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the visit cannot be started")?;
    ensure!(output.status.success(), "the visit ended with {}", output.status);
    let last = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
    serde_json::from_str(&last).with_context(|| format!("the visit said {last:?}"))
}
