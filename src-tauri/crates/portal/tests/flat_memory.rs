//! An upload's memory does not grow with its file. Alone in its file, because memory is the process's.

#![allow(clippy::unwrap_used, reason = "a test may fall over")]
#![cfg(target_os = "linux")]

mod real;

use certdesk_domain::{AccountKind, Business, FileKind};
use real::{Real, announced, catalogue, opened, registered, silent};
use tokio_util::sync::CancellationToken;

/// Most memory the process ever had resident, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_upload_takes_no_more_memory_than_a_small_one() {
    let real = Real::start().await;
    let portal = real.portal();
    registered(&portal).await;
    let case = opened(&portal).await;
    let offer = catalogue(&portal).await.offer(Business::New, AccountKind::Enterprise).unwrap().clone();
    let takes_video = offer.requirements.into_iter().filter(|r| r.kinds.contains(&FileKind::Mp4));
    let largest = takes_video.max_by_key(|r| r.max_bytes).expect("新办 asks for a video");
    let before = peak();
    let path = real.file("video.mp4", FileKind::Mp4, largest.max_bytes.min(256 << 20), false);
    let (upload, guard) = announced(&portal, case, &largest.id, &path).await;
    portal.send(upload, &path, guard, 0, silent(), &CancellationToken::new()).await.expect("a large file goes through");
    let grown = peak() - before;
    println!("{} MiB sent, {} KiB more memory at the peak", guard.bytes >> 20, grown / 1024);
    // Client and service together; the client's own share is what the design bounds.
    assert!(grown <= 32 << 20, "{} bytes took {} KiB more", guard.bytes, grown / 1024);
}
