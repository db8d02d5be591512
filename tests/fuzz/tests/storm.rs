//! A short storm, each time the tests run.

use std::time::Duration;

use anyhow::Result;
use fuzz::{TARGETS, storm};

#[test]
fn every_parser_bears_a_short_storm() -> Result<()> {
    let mut findings = Vec::new();
    for target in TARGETS {
        let outcome = storm::rage(target, Duration::from_millis(500), 20261123)?;
        assert!(outcome.cases > 0, "{} read nothing", target.name);
        findings.extend(outcome.findings);
    }
    assert!(findings.is_empty(), "bytes from outside did harm:\n{}", findings.join("\n"));
    Ok(())
}

#[test]
fn every_target_has_small_specimens_of_its_own() -> Result<()> {
    for target in TARGETS {
        let specimens = target.specimens()?;
        assert!(!specimens.is_empty(), "{} has nothing to damage", target.name);
        for file in std::fs::read_dir(target.folder()?).into_iter().flatten() {
            let file = file?;
            assert!(file.metadata()?.len() <= 64 << 10, "{} is too large to be kept", file.path().display());
        }
    }
    Ok(())
}
