//! The part of the suite that every test run has time for: modules that are there anyway or are quickly missed. The rest
//! is `cargo xtask tokens`.

use std::path::Path;
use tokens::{expected, lab::Lab, suite};

#[test]
fn modules_that_are_there_anyway_do_what_is_known_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::new(folder.path(), softhsm_lab::host_program().into()).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tokens"));
    let everyday: Vec<_> = expected::modules().into_iter().filter(|module| module.everyday).collect();
    let rows: Vec<_> = everyday.iter().map(|module| suite::examine(&lab, module, program)).collect();
    let failures: Vec<String> = rows.iter().flat_map(|row| row.failures()).collect();
    assert!(failures.is_empty(), "a module does not do what is known of it:\n{}", failures.join("\n"));
    let softhsm = &rows[0];
    assert_eq!(softhsm.skipped, None, "SoftHSM is part of every test machine");
    assert!(softhsm.findings.len() > 10, "SoftHSM was asked for everything: {softhsm:?}");
}
