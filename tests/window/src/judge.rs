//! axe-core, the judge of accessibility.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Window;

/// One fault that axe-core found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its rule, for example `color-contrast`.
    pub rule: String,
    /// How bad: `minor`, `moderate`, `serious` or `critical`.
    pub impact: String,
    /// What is wrong with the first of them.
    pub why: String,
    /// The elements, as CSS selectors.
    pub where_seen: Vec<String>,
}

impl Window {
    /// Faults of the page as it is shown now, by the rules of WCAG 2.2 A and AA.
    ///
    /// # Errors
    /// When axe-core is not installed in `ui` or cannot run in the page.
    pub async fn accessibility(&self) -> Result<Vec<Finding>> {
        let script = stage::project_root()?.join("ui/node_modules/axe-core/axe.min.js");
        let script = fs::read_to_string(&script).with_context(|| format!("cannot read {}", script.display()))?;
        // The function's own scope, then the answer: no `eval`, so the page's policy need not allow it.
        let run = "const done = arguments[arguments.length - 1]; \
                   axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }) \
                   .then(r => done({ violations: r.violations }), e => done({ error: String(e) }));";
        let answer = self.script_async(&format!("{script}\n;{run}")).await?;
        let violations = answer["violations"].as_array().with_context(|| format!("axe-core: {}", answer["error"]))?;
        Ok(violations.iter().map(finding).collect())
    }
}

fn finding(violation: &Value) -> Finding {
    let nodes = violation["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let why = nodes.first().map(|node| text(&node["failureSummary"])).unwrap_or_default();
    Finding {
        rule: text(&violation["id"]),
        impact: text(&violation["impact"]),
        why: why.split_whitespace().collect::<Vec<_>>().join(" "),
        where_seen: nodes.iter().map(|node| node["target"].to_string()).collect(),
    }
}
