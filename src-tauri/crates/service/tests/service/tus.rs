//! Uploads: what is refused, and a client that is not ours.

use std::{path::PathBuf, process::Command, time::Duration};

use certdesk_contract::{ProblemCode, path, upload as tus};
use certdesk_domain::AccountKind;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::world::{Applicant, World, file, hex, id_of};

async fn at_work() -> (World, Applicant, Uuid) {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.draft().await;
    (world, person, id)
}

/// The same with a tool that signs nothing.
async fn at_work_unsigned() -> (World, Applicant, Uuid) {
    let (world, tool) = World::unsigned().await;
    let person = crate::world::applicant(&tool, crate::world::registration(AccountKind::Enterprise)).await;
    let id = person.draft().await;
    (world, person, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_is_checked() {
    let (_world, person, id) = at_work().await;
    let refusal = async |requirement: &str, name: &str, length: u64, sha256: Option<&str>| {
        person.announce(id, requirement, name, length, sha256).await.unwrap_err().problem().code
    };
    assert_eq!(refusal("handler_id", "a.jpg", (10 << 20) + 1, None).await, ProblemCode::TooLarge);
    assert_eq!(
        refusal("handler_id", "a.jpg", 0, None).await,
        ProblemCode::WrongFileKind,
        "an empty file is no picture"
    );
    assert_eq!(refusal("shoe", "a.jpg", 10, None).await, ProblemCode::BadRequest);
    assert_eq!(refusal("handler_id", "a\nb.jpg", 10, None).await, ProblemCode::BadRequest);
    assert_eq!(refusal("handler_id", "a.jpg", 10, Some("abc")).await, ProblemCode::BadRequest);
    let client = &person.client;
    let unversioned = client.send("POST", path::UPLOADS, &[("upload-length", "5")], "").await;
    assert_eq!((unversioned.problem().status, unversioned.header("tus-version")), (412, "1.0.0"));
    let deferred =
        client.send("POST", path::UPLOADS, &[("tus-resumable", "1.0.0"), ("upload-defer-length", "1")], "").await;
    deferred.refused(ProblemCode::BadRequest);
    let options = client.send("OPTIONS", path::UPLOADS, &[], "").await.expect(204);
    assert_eq!(options.header("tus-extension"), tus::TUS_EXTENSIONS);
    assert_eq!(options.header("tus-checksum-algorithm"), "sha256,sha1");
    for _ in 0..64 {
        person.announce(id, "handler_id", "a.jpg", 10, None).await.map_err(|a| a.status).unwrap();
    }
    assert_eq!(
        refusal("handler_id", "a.jpg", 10, None).await,
        ProblemCode::TooManyRequests,
        "a case has room for 64 uploads"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_does_not_fill_the_disk() {
    let (_world, person, first) = at_work().await;
    let second = person.draft().await;
    let announce = async |case| person.announce(case, "commitment_video", "v.mp4", 100 << 20, None).await;
    for turn in 0..40 {
        let case = if turn % 2 == 0 { first } else { second };
        assert!(announce(case).await.is_ok(), "upload {turn} has room");
    }
    for case in [first, second, person.draft().await] {
        announce(case).await.unwrap_err().refused(ProblemCode::TooManyRequests);
    }
    person.client.send("DELETE", &path::application(first), &[], "").await.expect(200);
    announce(second).await.map_err(|a| a.status).expect("a withdrawn case makes room");

    // Nor does it leave cases without end.
    for _ in 0..47 {
        let id = person.draft().await;
        person.client.send("DELETE", &path::application(id), &[], "").await.expect(200);
    }
    let draft = certdesk_contract::application::ApplicationDraft::new(certdesk_domain::Business::New);
    let again = path::application(Uuid::now_v7());
    person.client.put(&again, &draft).await.refused(ProblemCode::TooManyRequests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_never_a_path() {
    let (world, person, id) = at_work().await;
    for name in ["../../evil", "..\\evil.pdf", "/etc/passwd", "C:\\evil.pdf", "a\u{202E}fdp.exe", "..", "👨‍👩‍👧.pdf"]
    {
        let upload = person.announce(id, "application_form", name, 100, None).await.map_err(|a| a.status).unwrap();
        person.patch(&upload, 0, true, &file("pdf", 100)).await.expect(204);
        assert!(
            world.data.path().join("uploads").join(id_of(&upload).to_string()).exists(),
            "{name} lies in its place"
        );
    }
    assert_eq!(std::fs::read_dir(world.data.path().join("uploads")).unwrap().count(), 7, "and nowhere else");
    for strange in ["/v1/uploads/..%2f..%2fportal.db", "/v1/uploads/%2e%2e", "/v1/uploads/"] {
        assert_eq!(person.head(strange).await.status, 404, "{strange} is nobody's upload");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_not_right_changes_nothing() {
    let (world, person, id) = at_work_unsigned().await;
    let client = &person.client;
    let bytes = file("pdf", 4000);
    let Ok(upload) = person.announce(id, "application_form", "申请表 签字 📄.pdf", 4000, None).await else {
        panic!()
    };
    person.patch(&upload, 0, true, &bytes[..1000]).await.expect(204);

    person.patch(&upload, 0, true, &bytes[..1000]).await.refused(ProblemCode::OffsetMismatch);
    person.patch(&upload, 2000, true, &bytes[..1000]).await.refused(ProblemCode::OffsetMismatch);
    person.patch(&upload, 1000, true, &bytes).await.refused(ProblemCode::TooLarge);
    let headers = |checksum: &'static str, media: &'static str| {
        [("tus-resumable", "1.0.0"), ("content-type", media), ("upload-offset", "1000"), ("upload-checksum", checksum)]
    };
    let right = tus::OFFSET_OCTET_STREAM;
    let wrong_sum = client.send("PATCH", &upload, &headers("sha256 AAAA", right), bytes[1000..].to_vec()).await;
    assert_eq!(wrong_sum.refused(ProblemCode::ChecksumMismatch).status, 460);
    client
        .send("PATCH", &upload, &headers("crc32 AAAA", right), bytes[1000..].to_vec())
        .await
        .refused(ProblemCode::BadRequest);
    let wrong_media = client.send("PATCH", &upload, &headers("sha256 AAAA", "text/plain"), "x").await;
    assert_eq!(wrong_media.problem().status, 415);
    let unversioned = client.send("PATCH", &upload, &[("upload-offset", "1000"), ("content-type", right)], "x").await;
    assert_eq!(unversioned.problem().status, 412);
    let huge = vec![0; tus::CHUNK_BYTES as usize + 1];
    let Ok(video) = person.announce(id, "commitment_video", "v.mp4", 20 << 20, None).await else { panic!() };
    person.patch(&video, 0, false, &huge).await.refused(ProblemCode::TooLarge);

    let head = person.head(&upload).await.expect(200);
    assert_eq!(
        (head.header("upload-offset"), head.header("upload-length"), head.header("cache-control")),
        ("1000", "4000", "no-store")
    );
    assert!(head.header("upload-metadata").contains("requirement ") && head.header("upload-expires").ends_with(" GMT"));
    let stored = std::fs::read(world.data.path().join("uploads").join(id_of(&upload).to_string())).unwrap();
    assert_eq!(stored[..1000], bytes[..1000], "what was acknowledged is there");

    // SHA-1, and a proxy that knows POST alone.
    use base64::Engine as _;
    let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes[1000..]);
    let sha1 = format!("sha1 {}", base64::engine::general_purpose::STANDARD.encode(sha1));
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("content-type", right),
        ("upload-offset", "1000"),
        ("upload-checksum", &sha1),
        ("x-http-method-override", "PATCH"),
    ];
    let last = client.send("POST", &upload, &headers, bytes[1000..].to_vec()).await.expect(204);
    assert_eq!(last.header("upload-offset"), "4000");
    assert_eq!(person.offset(&upload).await, 4000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_must_be_what_was_asked_for_and_announced() {
    let (world, person, id) = at_work().await;
    let stored = |upload: &str| world.data.path().join("uploads").join(id_of(upload).to_string()).exists();

    // Of another kind than its name: told with the first bytes, not after the last.
    let Ok(upload) = person.announce(id, "commitment_video", "承诺.mp4", 20 << 20, None).await else { panic!() };
    person.patch(&upload, 0, true, &file("pdf", 1 << 20)).await.refused(ProblemCode::WrongFileKind);
    assert_eq!(person.head(&upload).await.status, 410, "a file of the wrong kind is not kept");
    assert!(!stored(&upload));
    let Ok(upload) = person.announce(id, "handler_id", "a.jpg", 5000, None).await else { panic!() };
    person.patch(&upload, 0, true, &file("pdf", 5000)).await.refused(ProblemCode::WrongFileKind);

    // Changed while it was uploaded: not what was announced.
    let before = file("pdf", 5000);
    let Ok(upload) = person.announce(id, "application_form", "a.pdf", 5000, Some(&hex(&Sha256::digest(&before)))).await
    else {
        panic!()
    };
    person.patch(&upload, 0, true, &before[..2500]).await.expect(204);
    person.patch(&upload, 2500, true, &[7; 2500]).await.refused(ProblemCode::ChecksumMismatch);
    person.patch(&upload, 2500, true, &before[2500..]).await.refused(ProblemCode::UploadGone);
    assert!(!stored(&upload));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_ends_by_its_owner_or_by_time() {
    let (world, person, id) = at_work().await;
    let client = &person.client;
    let Ok(upload) = person.announce(id, "application_form", "a.pdf", 5000, None).await else { panic!() };
    person.patch(&upload, 0, true, &file("pdf", 1000)).await.expect(204);
    client.send("DELETE", &upload, &[("tus-resumable", "1.0.0")], "").await.expect(204);
    client.send("DELETE", &upload, &[("tus-resumable", "1.0.0")], "").await.refused(ProblemCode::UploadGone);
    assert!(!world.data.path().join("uploads").join(id_of(&upload).to_string()).exists());
    assert_eq!(person.head(&path::upload(Uuid::new_v4())).await.status, 404);

    let Ok(upload) = person.announce(id, "application_form", "a.pdf", 5000, None).await else { panic!() };
    person.patch(&upload, 0, true, &file("pdf", 1000)).await.expect(204);
    world.clock.advance(Duration::from_secs(8 * 24 * 3600));
    let session = client.log_in(&person.account, crate::world::NEW_PASSWORD).await.expect(201).json();
    let person = Applicant { client: client.with_token(&session), account: person.account.clone() };
    assert_eq!(person.head(&upload).await.status, 410, "an upload nobody continued is given up");

    // The next start takes the bytes away.
    let World { data, clock, running } = world;
    running.stop().await;
    let running = crate::world::start(data.path(), &clock).await;
    crate::world::until("the removal of an expired upload", async || {
        !data.path().join("uploads").join(id_of(&upload).to_string()).exists()
    })
    .await;
    running.stop().await;
}

/// tuspy (PyPI) is a tus client that is not ours.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_case_does_not_name_when_it_is_handed_in_is_let_go() {
    let (world, person, id) = at_work().await;
    // Begun and never named: its client was killed before it wrote the name down.
    let named = person.all_files(id).await;
    let forgotten = person.all_files(id).await;
    let submission = person.submission(named.clone()).await;
    person.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
    let folder = world.data.path().join("uploads");
    for file in &named {
        assert!(folder.join(file.upload.to_string()).exists(), "what was handed in stays");
    }
    for file in &forgotten {
        assert!(!folder.join(file.upload.to_string()).exists(), "what nobody named is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_client_uploads() {
    let Some(python) = tuspy() else { return };
    let (world, person, id) = at_work_unsigned().await;
    let bytes = file("mp4", 18 << 20);
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("承诺 视频.mp4");
    std::fs::write(&video, &bytes).unwrap();
    let root = folder.path().join("root.pem");
    {
        use base64::Engine as _;
        let body = base64::engine::general_purpose::STANDARD.encode(&world.running.root_der);
        std::fs::write(&root, format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")).unwrap();
    }
    let script = r#"
import sys
from tusclient import client
url, token, application, file = sys.argv[1:]
tus = client.TusClient(url, headers={"Authorization": "Bearer " + token})
uploader = tus.uploader(file, chunk_size=8 * 1024 * 1024, upload_checksum=True,
    metadata={"application": application, "requirement": "commitment_video", "filename": "承诺 视频.mp4", "note": "ignored"})
uploader.upload_chunk()
# Somebody else's process goes on where this one stopped.
second = tus.uploader(file, chunk_size=8 * 1024 * 1024, url=uploader.url)
assert second.offset == 8 * 1024 * 1024, second.offset
second.upload()
print(second.url)
"#;
    let url = format!("{}{}", world.running.base_url.as_str().trim_end_matches('/'), path::UPLOADS);
    let token = person.client.token.clone().unwrap();
    let run = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .args(["-c", script, &url, &token, &id.to_string()])
            .arg(video)
            .env("REQUESTS_CA_BUNDLE", root)
            .env_remove("HTTPS_PROXY")
            .output()
            .unwrap()
    });
    let output = run.await.unwrap();
    assert!(output.status.success(), "tuspy: {}", String::from_utf8_lossy(&output.stderr));
    let upload = String::from_utf8(output.stdout).unwrap();
    let stored = std::fs::read(world.data.path().join("uploads").join(id_of(upload.trim()).to_string())).unwrap();
    assert!(stored == bytes, "the service has what tuspy sent");
}

/// A Python with tuspy, where it can be.
fn tuspy() -> Option<PathBuf> {
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tuspy-venv");
    stage::python_with(&venv, "tusclient", "tuspy==1.1.0")
}
