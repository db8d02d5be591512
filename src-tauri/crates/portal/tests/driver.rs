//! A driver over lines that break, and from services that send something else.

#![allow(clippy::unwrap_used, reason = "a test may fall over")]

mod scripted;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use certdesk_contract::{
    catalogue::Text,
    driver::{DriverOs, DriverPackage},
};
use certdesk_portal::{Portal, PortalError};
use scripted::{Root, Server, portal};
use tokio_util::sync::CancellationToken;

const CONTENT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
/// `printf %s 0123…z | sha256sum`
const SHA256: &str = "74e7e5bb9d22d6db26bf76946d40fff3ea9f0346b884fd0694920fccfad15e33";

fn package() -> DriverPackage {
    let text = Text { zh: "驱动".into(), en: "Driver".into() };
    DriverPackage {
        id: "driver".into(),
        name: text.clone(),
        serves: text,
        publisher: "Maker".into(),
        version: "1".into(),
        os: DriverOs::LinuxDeb,
        architectures: Vec::new(),
        file_name: "driver_1_all.deb".into(),
        bytes: CONTENT.len() as u64,
        sha256: SHA256.into(),
        tokens: Vec::new(),
        signer: None,
        silent: Vec::new(),
    }
}

async fn fetch(portal: &Portal, file: &Path) -> Result<(), PortalError> {
    portal.fetch_driver(&package(), file, Arc::new(|_| ()), &CancellationToken::new()).await
}

async fn whole(file: &Path) -> bool {
    Portal::driver_is_whole(&package(), file, &CancellationToken::new()).await.unwrap()
}

/// Sends what was asked for, but breaks off after `most` bytes, and remembers where each request began.
fn breaking(most: usize, asked: Arc<Mutex<Vec<usize>>>) -> impl Fn(&str) -> Option<Vec<u8>> + Send + Sync {
    move |head| {
        let range = head.lines().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        let from: usize = range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
        asked.lock().unwrap().push(from);
        let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
        let (last, all) = (CONTENT.len() - 1, CONTENT.len());
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-range: bytes {from}-{last}/{all}\r\ncontent-length: {}\r\n\r\n",
            all - from
        );
        let sent = &CONTENT[from..all.min(from + most)];
        Some([head.as_bytes(), sent.as_bytes()].concat())
    }
}

#[tokio::test]
async fn a_download_goes_on_where_the_line_broke() {
    let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let server = Server::https(root.local(), breaking(15, asked.clone())).await;
    let (portal, file) = (portal(&server.url(), &root), folder.path().join("part"));
    for _ in 0..2 {
        let broken = fetch(&portal, &file).await;
        assert!(matches!(broken, Err(PortalError::Unreachable(_))), "a line that breaks is said to be: {broken:?}");
    }
    assert_eq!(fetch(&portal, &file).await, Ok(()), "the third piece is the last");
    assert_eq!(*asked.lock().unwrap(), [0, 15, 30], "nothing is fetched twice");
    assert!(whole(&file).await, "and all of it is there");
    assert_eq!(fetch(&portal, &file).await, Ok(()), "what is there is not fetched again");
    assert_eq!(asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn whoever_knows_no_ranges_sends_it_all_again() {
    let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
    let server = Server::https(root.local(), |_| scripted::http("200 OK", "", CONTENT)).await;
    let file = folder.path().join("part");
    std::fs::write(&file, &CONTENT[..10]).unwrap();
    assert_eq!(fetch(&portal(&server.url(), &root), &file).await, Ok(()));
    assert!(whole(&file).await, "what was there is not put before what comes");
}

#[tokio::test]
async fn what_is_not_what_was_announced_is_found() {
    let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("part");
    let other = Server::https(root.local(), |_| scripted::http("200 OK", "", &CONTENT.to_uppercase())).await;
    assert_eq!(fetch(&portal(&other.url(), &root), &file).await, Ok(()));
    assert!(!whole(&file).await, "the same size is not the same file");

    std::fs::write(&file, CONTENT.repeat(3)).unwrap();
    let right = Server::https(root.local(), |_| scripted::http("200 OK", "", CONTENT)).await;
    assert_eq!(fetch(&portal(&right.url(), &root), &file).await, Ok(()), "a part that is too long is begun anew");
    assert!(whole(&file).await);

    std::fs::remove_file(&file).unwrap();
    let endless = Server::https(root.local(), |_| {
        Some([b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), CONTENT.repeat(100).as_bytes()].concat())
    })
    .await;
    let refused = fetch(&portal(&endless.url(), &root), &file).await;
    assert!(matches!(refused, Err(PortalError::Garbled(_))), "more than was announced is not taken: {refused:?}");
    assert!(std::fs::metadata(&file).unwrap().len() <= CONTENT.len() as u64, "and does not fill the disk");

    let elsewhere = Server::https(root.local(), |_| {
        scripted::http("206 Partial Content", "content-range: bytes 5-35/36\r\n", &CONTENT[5..])
    })
    .await;
    std::fs::write(&file, &CONTENT[..10]).unwrap();
    let refused = fetch(&portal(&elsewhere.url(), &root), &file).await;
    assert!(matches!(refused, Err(PortalError::Garbled(_))), "another range is not put in its place: {refused:?}");
    assert_eq!(std::fs::read(&file).unwrap(), &CONTENT.as_bytes()[..10], "what was there stays");
}
