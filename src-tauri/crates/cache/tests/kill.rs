//! The promise of the cache, put to the proof: a writer is killed at random moments, and nothing it had been told
//! is saved may be missing.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use certdesk_cache::{Attachment, AttachmentPhase, Cache, CacheKey, Draft};
use certdesk_domain::{Business, FileKind, RequirementId, Timestamp};
use uuid::Uuid;

const FILE: &str = "CERTDESK_TEST_KILLED_WRITER";
const DRAFT: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
const ROUNDS: u32 = 20;

#[test]
fn nothing_acknowledged_is_lost_when_the_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certdesk.db");
    let cache = Cache::open(&path, &key()).unwrap();
    cache.create_draft(&Draft::new(DRAFT, "acct", Business::New, "handler", Timestamp::UNIX_EPOCH)).unwrap();
    drop(cache);
    for round in 1..=ROUNDS {
        let acknowledged = write_until_killed(&path, Duration::from_micros(random(60_000)));
        let cache = Cache::open(&path, &key()).expect("the file opens after its writer was killed");
        let draft = cache.draft(DRAFT).unwrap().expect("the draft is there");
        let typed: u64 = draft.handler.address.detail.parse().unwrap_or(0);
        assert!(typed >= acknowledged, "round {round}: {acknowledged} was acknowledged as saved, {typed} is there");
        let files = cache.attachments(DRAFT).unwrap().len() as u64;
        assert!(files >= acknowledged, "round {round}: {acknowledged} files were acknowledged, {files} are there");
        assert!(files <= typed + 1, "round {round}: nothing is there that was never written");
    }
}

/// Not a test by itself: what the test above runs and kills.
#[test]
fn writer() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let cache = Cache::open(&PathBuf::from(path), &key()).unwrap();
    let mut number = cache.attachments(DRAFT).unwrap().len() as u64;
    loop {
        number += 1;
        // A kill between these two leaves a file more than was typed, as the reader allows for.
        cache.add_attachment(&attachment(number)).unwrap();
        cache
            .update_draft(DRAFT, Timestamp::UNIX_EPOCH, |draft| draft.handler.address.detail = number.to_string())
            .unwrap();
        println!("saved {number}");
        std::io::stdout().flush().unwrap();
    }
}

/// Runs the writer until `life` after its first word, kills it, and returns the last number it acknowledged.
fn write_until_killed(path: &Path, life: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("a test knows its own program"))
        .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can run itself");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let (mut last, mut since) = (0, None::<Instant>);
    for line in lines.map_while(Result::ok) {
        let Some(number) = line.strip_prefix("saved ").and_then(|number| number.parse().ok()) else { continue };
        last = number;
        if since.get_or_insert_with(Instant::now).elapsed() >= life {
            // SIGKILL. Lines still in the pipe are acknowledgements too: read on to its end.
            child.kill().expect("it may be killed");
        }
    }
    child.wait().expect("it ends");
    assert!(last > 0, "the writer wrote");
    last
}

fn key() -> CacheKey {
    CacheKey::from_bytes(&[7; 32]).expect("32 bytes are a key")
}

fn random(below: u64) -> u64 {
    RandomState::new().build_hasher().finish() % below
}

fn attachment(number: u64) -> Attachment {
    Attachment {
        id: Uuid::now_v7(),
        draft: DRAFT,
        requirement: RequirementId("business_license".into()),
        path: PathBuf::from(format!("/tmp/文件 {number}.pdf")),
        name: format!("文件 {number}.pdf"),
        kind: FileKind::Pdf,
        bytes: number,
        modified_ns: 0,
        sha256: None,
        pixels: None,
        duration_ms: None,
        upload: None,
        sent: 0,
        phase: AttachmentPhase::Queued,
        failure: None,
        key: None,
    }
}
