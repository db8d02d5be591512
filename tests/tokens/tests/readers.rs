//! Smart card readers, asked through the program's own helper: of a daemon that runs, of none, of one that hangs.

#![cfg(target_os = "linux")]

use certdesk_token::{Card, CardReader, CardServiceError, HostProgram, card_readers::card_readers};
use std::{
    ffi::OsString,
    os::unix::net::UnixListener,
    path::Path,
    time::{Duration, Instant},
};
use tokens::lab::{Lab, Missing};

const PATIENCE: Duration = Duration::from_secs(5);

async fn asked(socket: &Path, patience: Duration) -> Result<Vec<CardReader>, CardServiceError> {
    with(vec![("PCSCLITE_CSOCK_NAME".into(), socket.into())], patience).await
}

async fn with(environment: Vec<(OsString, OsString)>, patience: Duration) -> Result<Vec<CardReader>, CardServiceError> {
    card_readers(&HostProgram { path: softhsm_lab::host_program().into(), environment }, patience).await
}

/// Said, and true: the machine has no such library.
fn is_left_out(answer: &Result<Vec<CardReader>, CardServiceError>) -> bool {
    let missing = matches!(answer, Err(CardServiceError::NoLibrary { .. }));
    if missing {
        eprintln!("left out: this machine lacks libpcsclite, which is told: {answer:?}");
    }
    missing
}

#[tokio::test]
async fn a_smart_card_service_that_does_not_run_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let answer = asked(&folder.path().join("nobody"), PATIENCE).await;
    if !is_left_out(&answer) {
        assert_eq!(answer, Err(CardServiceError::NotRunning));
    }
}

#[tokio::test]
async fn a_smart_card_service_that_hangs_costs_its_deadline_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("pcscd");
    let _never_answers = UnixListener::bind(&socket).unwrap();
    let patience = Duration::from_millis(700);
    // Built before the clock runs.
    let _host = softhsm_lab::host_program();
    let start = Instant::now();
    let answer = asked(&socket, patience).await;
    if !is_left_out(&answer) {
        assert_eq!(answer, Err(CardServiceError::Hung { after: patience }));
        assert!(start.elapsed() < PATIENCE, "the helper is stopped at its deadline, not waited for");
    }
}

#[tokio::test]
async fn readers_of_a_daemon_that_runs_are_named_with_nothing_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::new(folder.path(), softhsm_lab::host_program().into()).unwrap();
    let standing = match lab.empty_reader() {
        Ok(standing) => standing,
        Err(error) => match error.downcast_ref::<Missing>() {
            Some(Missing(what)) => return eprintln!("left out: this machine lacks {what}"),
            None => panic!("{error:#}"),
        },
    };
    let readers = with(standing.subject.environment.clone(), PATIENCE).await.unwrap();
    assert_eq!(readers.len(), 2, "the lab's reader has two slots: {readers:?}");
    assert!(readers.iter().all(|reader| reader.name.starts_with("Yubico YubiKey Lab") && reader.card == Card::Absent));
}

#[tokio::test]
async fn a_helper_that_is_missing_is_told() {
    let host = HostProgram { path: "/no-helper-lies-here".into(), environment: Vec::new() };
    assert!(matches!(card_readers(&host, PATIENCE).await, Err(CardServiceError::NoHelper { .. })));
}
