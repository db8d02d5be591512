//! The supervisor against a helper that misbehaves: the right words within the deadline, a new helper afterwards, and
//! nothing ever done twice.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use certdesk_token::{Deadlines, HostProgram, Module, Pin, SignatureScheme, TokenError};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const SHORT: Duration = Duration::from_millis(400);

/// The helper that plays a script, beside this test. Told at run time: built on one system and run on another, the path
/// of the build is none here.
fn scripted_host() -> PathBuf {
    let own = std::env::current_exe().expect("a running test has a path");
    let folder = own.parent().and_then(Path::parent).expect("cargo puts tests two folders deep");
    folder.join(format!("scripted-host{}", std::env::consts::EXE_SUFFIX))
}

/// One scripted module. Each line is the life of one helper process: its greeting, then its answers.
struct Script {
    folder: tempfile::TempDir,
    module: Module,
}

fn script(lives: &[&str]) -> Script {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script"), lives.join("\n")).unwrap();
    let path = scripted_host();
    // Any file of this machine's kind does for a module: the scripted helper loads nothing.
    let module = path.clone();
    let host = HostProgram { path, environment: vec![("SCRIPT_DIR".into(), folder.path().into())] };
    let deadlines = Deadlines { list: SHORT, login: SHORT, ..Deadlines::default() };
    Script { module: Module::with_deadlines(host, module, deadlines), folder }
}

impl Script {
    fn calls(&self) -> Vec<String> {
        let noted = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        noted.lines().map(String::from).collect()
    }

    fn helpers_started(&self) -> usize {
        (0..).take_while(|n| self.folder.path().join(format!("started.{n}")).exists()).count()
    }
}

fn pin() -> Pin {
    Pin::from_bytes(b"24681357".to_vec())
}

#[tokio::test]
async fn a_helper_is_started_once_and_serves_many_calls() {
    let script = script(&["ok ok"]);
    assert_eq!(script.helpers_started(), 0, "nothing is started before the first call");
    for _ in 0..5 {
        script.module.list().await.expect("a sound helper lists");
    }
    let signature = script.module.sign("t", b"k", SignatureScheme::RsaPkcs1Sha256, b"abc".to_vec()).await.unwrap();
    assert_eq!(signature[..4], [0xba, 0x78, 0x16, 0xbf], "the helper gets the SHA-256 of the message");
    assert_eq!(script.helpers_started(), 1, "one helper serves all calls");
}

/// An update puts another helper in the place of the one that this program was built with, or takes it away.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_helper_that_is_replaced_on_disk_is_started_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script"), "ok crash\nok ok").unwrap();
    let path = folder.path().join("certdesk-token-host");
    std::fs::copy(scripted_host(), &path).unwrap();
    let host = HostProgram { path: path.clone(), environment: vec![("SCRIPT_DIR".into(), folder.path().into())] };
    let module = Module::new(host.clone(), scripted_host());
    assert_eq!(module.list().await, Err(TokenError::Crashed), "the first helper does as the script says");

    let newer = folder.path().join("newer");
    std::fs::write(&newer, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&newer, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&newer, &path).unwrap();
    module.list().await.expect("the second is the one of before, not the newer one");
    std::fs::remove_file(&path).unwrap();
    let another = Module::new(host, scripted_host());
    another.list().await.expect("and the third, although its file has no name any more");
    assert!(folder.path().join("started.2").exists(), "three were started");
}

#[tokio::test]
async fn every_way_to_fail_has_its_word_and_a_new_helper_follows() {
    for life in ["ok crash", "ok garbage", "ok version", "ok huge", "ok half", "ok wrong-id"] {
        let script = script(&[life, "ok ok"]);
        let started = Instant::now();
        assert_eq!(script.module.list().await, Err(TokenError::Crashed), "{life}: the driver crashed");
        assert!(started.elapsed() < SHORT * 4, "{life}: a crash is told at once");
        script.module.list().await.unwrap_or_else(|error| panic!("{life}: a new helper must serve, not {error}"));
        assert_eq!(script.helpers_started(), 2, "{life}: exactly one new helper");
        assert_eq!(script.calls(), ["list", "list"], "{life}: no call is made twice");
    }
}

#[tokio::test]
async fn a_driver_that_hangs_is_stopped_at_its_deadline() {
    let script = script(&["ok hang", "ok ok"]);
    let started = Instant::now();
    let error = script.module.list().await.unwrap_err();
    assert_eq!(error, TokenError::Hung { call: "list".into(), after: SHORT });
    let took = started.elapsed();
    assert!(took >= SHORT && took < SHORT * 5, "the deadline is {SHORT:?}, the call took {took:?}");
    script.module.list().await.expect("a new helper serves");
}

#[tokio::test]
async fn a_pin_is_never_sent_twice() {
    for life in ["ok hang", "ok crash", "ok garbage"] {
        let script = script(&[life, "ok ok"]);
        script.module.login("t", pin()).await.expect_err("the login is lost with its helper");
        script.module.list().await.expect("a new helper serves");
        assert_eq!(script.calls(), ["login", "list"], "{life}: the new helper must not be given the PIN again");
    }
}

#[tokio::test]
async fn one_module_that_hangs_does_not_hold_up_another() {
    let (bad, good) = (script(&["ok hang"]), script(&["ok ok"]));
    let hanging = tokio::spawn({
        let module = bad.module.clone();
        async move { module.list().await }
    });
    for _ in 0..3 {
        good.module.list().await.expect("the other module is not affected");
    }
    assert!(!hanging.is_finished(), "the good module answered while the bad one was hanging");
    assert!(matches!(hanging.await.unwrap(), Err(TokenError::Hung { .. })));
}

#[tokio::test]
async fn a_driver_that_cannot_be_loaded_says_why() {
    let script = script(&["cannot-load"]);
    let reason = TokenError::CannotLoad { reason: "undefined symbol: x".into() };
    assert_eq!(script.module.list().await, Err(reason.clone()));
    assert_eq!(script.module.list().await, Err(reason.clone()), "the second try is at once");
    for _ in 0..5 {
        assert_eq!(script.module.list().await, Err(reason.clone()));
    }
    assert!(script.helpers_started() <= 3, "a driver that fails each time is not started again and again");
}

#[tokio::test]
async fn a_driver_that_answers_and_crashes_in_turn_is_not_started_on_and_on() {
    let script = script(&["ok ok crash"]);
    let started = Instant::now();
    let mut calls = 0;
    while started.elapsed() < SHORT * 4 {
        let answer = script.module.list().await;
        assert!(matches!(answer, Ok(_) | Err(TokenError::Crashed)), "it answers or crashes: {answer:?}");
        calls += 1;
    }
    let helpers = script.helpers_started();
    assert!(helpers <= 6, "{helpers} helpers were started for {calls} calls in {:?}", started.elapsed());
    let told = script.module.list().await;
    assert_eq!(told, Err(TokenError::Crashed), "until the next start its last failure is its answer");
}

#[tokio::test]
async fn a_helper_that_hangs_or_dies_while_loading_is_told_apart() {
    let script = script(&["crash", "ok ok"]);
    assert_eq!(script.module.list().await, Err(TokenError::Crashed));
    script.module.list().await.expect("a new helper serves");
}

#[tokio::test]
async fn a_helper_that_died_between_calls_is_replaced_unseen() {
    let script = script(&["ok exit-after", "ok ok"]);
    script.module.list().await.expect("it answers, then dies");
    // The next call was not made yet, so making it with a new helper repeats nothing. It may also be made so soon that
    // the death is met within it; then it is told.
    let mut next = script.module.list().await;
    if next == Err(TokenError::Crashed) {
        next = script.module.list().await;
    }
    next.expect("a new helper serves");
    assert!(script.helpers_started() == 2);
}

#[tokio::test]
async fn a_caller_that_stops_waiting_tears_nothing_apart() {
    let script = script(&["ok ok"]);
    script.module.list().await.unwrap();
    for _ in 0..20 {
        let call = script.module.login("t", pin());
        // Polled once, so the call is under way, then dropped.
        let _ = tokio::time::timeout(Duration::ZERO, call).await;
    }
    script.module.list().await.expect("the calls stay in step");
    assert_eq!(script.helpers_started(), 1, "giving up on an answer is no reason to kill the helper");
}

#[tokio::test]
async fn after_a_write_that_failed_the_token_is_looked_at_afresh() {
    let script = script(&["ok device-removed", "ok ok"]);
    let written = script.module.put_certificate("t", b"k", vec![0x30], "label").await;
    assert_eq!(written, Err(TokenError::NoToken), "the failure keeps its word");
    script.module.list().await.expect("a new helper serves at once");
    assert_eq!(script.helpers_started(), 2, "what the old one thinks is on the token may not be true any more");
    let script = self::script(&["ok device-removed ok"]);
    script.module.key_pairs("t").await.unwrap_err();
    script.module.list().await.expect("it serves on");
    assert_eq!(script.helpers_started(), 1, "where nothing was written there is no doubt");
}

#[tokio::test]
async fn files_that_are_no_drivers_are_refused_unstarted() {
    let script = script(&["ok ok"]);
    let folder = script.folder.path();
    let host = scripted_host();
    let mut foreign = std::fs::read(&host).unwrap();
    foreign.truncate(4096);
    if foreign.starts_with(b"\x7fELF") {
        foreign[4] = 1;
        foreign[18] = 3;
    }
    std::fs::write(folder.join("32位 驱动 😀.so"), foreign).unwrap();
    std::fs::write(folder.join("text.so"), "INPUT(-lother)").unwrap();
    let list = |path: PathBuf| {
        let host = HostProgram { path: host.clone(), environment: vec![("SCRIPT_DIR".into(), folder.into())] };
        async move { Module::new(host, path).list().await.unwrap_err() }
    };
    assert_eq!(list(folder.join("missing.so")).await, TokenError::NoSuchModule);
    assert!(
        matches!(list("libsofthsm2.so".into()).await, TokenError::CannotLoad { .. }),
        "a bare name is never searched for"
    );
    assert!(matches!(list(folder.join("text.so")).await, TokenError::CannotLoad { .. }), "a text file is no library");
    assert!(matches!(list(folder.to_path_buf()).await, TokenError::CannotLoad { .. }), "a folder is no library");
    if cfg!(target_os = "linux") {
        let error = list(folder.join("32位 驱动 😀.so")).await;
        let TokenError::WrongArchitecture { found, .. } = error else { panic!("{error:?} is not about the processor") };
        assert_eq!(found, "Linux x86 (32-bit)");
    }
    assert_eq!(script.helpers_started(), 0, "no helper is started for such files");

    let missing = HostProgram { path: folder.join("no-helper"), environment: vec![] };
    let error = Module::new(missing, host.clone()).list().await.unwrap_err();
    assert!(
        matches!(error, TokenError::NoHelper { .. }),
        "our own missing helper is not the driver's fault: {error:?}"
    );
}

#[tokio::test]
async fn what_a_driver_prints_is_logged_until_it_knows_a_pin() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .without_time()
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let script = script(&["tell-stderr"]);
    script.module.list().await.unwrap();
    let heard = async {
        while !log.text().contains("driver says hello") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard).await.expect("a driver's words are logged for the helpdesk");
    script.module.login("t", pin()).await.unwrap();
    // The helper's end is the end of its words: nothing can come later.
    script.module.list().await.unwrap();
    drop(script);
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert!(!log.text().contains("24681357"), "a PIN stands in the log:\n{}", log.text());
    assert!(!log.text().contains("was given"), "a driver that knows a PIN is not quoted any more:\n{}", log.text());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
