//! kill -9 of the real program: nothing acknowledged is lost. And the program's own commands.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{ProblemCode, application::Application, path, session::Session, upload as tus};
use certdesk_domain::AccountKind;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use crate::world::{Applicant, Client, NEW_PASSWORD, SECRET, applicant, file, hex, id_of, registration, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_certdesk-service");

/// Ends its program when a test fails.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn run(data: &Path) -> (Program, Client) {
    let ready = data.join("ready.json");
    let _ = std::fs::remove_file(&ready);
    let child = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0", "--demo", SECRET, "--data"])
        .arg(data)
        .arg("--ready-file")
        .arg(&ready)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let program = Program(child);
    until("the service's ready file", async || ready.exists()).await;
    let told: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    assert_eq!((told["pid"].as_u64(), told["demo_secret"].as_str()), (Some(program.0.id().into()), Some(SECRET)));
    let pem = std::fs::read_to_string(told["root_certificate"].as_str().unwrap()).unwrap();
    let root = STANDARD.decode(pem.lines().filter(|l| !l.starts_with('-')).collect::<String>()).unwrap();
    let address = told["base_url"].as_str().unwrap().strip_prefix("https://").unwrap().parse().unwrap();
    (program, Client::new(address, &root))
}

#[cfg(unix)]
async fn end(mut program: Program) {
    Command::new("kill").arg(program.0.id().to_string()).status().unwrap();
    until("the service's orderly end", async || program.0.try_wait().unwrap().is_some()).await;
    assert!(program.0.wait().unwrap().success(), "SIGTERM ends the service without an error");
}

/// There is no signal by which a program without a console is asked to end.
#[cfg(windows)]
async fn end(program: Program) {
    drop(program);
}

fn desk(data: &Path, arguments: &[&str]) -> Result<Value, String> {
    let output = Command::new(PROGRAM).args(arguments).args(["--json", "--data"]).arg(data).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_every_step_it_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (program, client) = run(data).await;
    let person = applicant(&client, registration(AccountKind::Enterprise)).await;
    let id = person.draft().await;
    let bytes = file("mp4", 12 << 20);
    let announced =
        person.announce(id, "commitment_video", "v.mp4", bytes.len() as u64, Some(&hex(&Sha256::digest(&bytes)))).await;
    let Ok(upload) = announced else { panic!() };
    person.patch(&upload, 0, true, &bytes[..1 << 20]).await.expect(204);

    // Killed in the middle of a chunk: bytes are in the file that nobody counted.
    let stored = data.join("uploads").join(id_of(&upload).to_string());
    let mut stream = person.client.tls().await;
    let chunk = vec![0xEE; tus::CHUNK_BYTES as usize];
    let checksum = format!("sha256 {}", STANDARD.encode(Sha256::digest(&chunk)));
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("content-type", tus::OFFSET_OCTET_STREAM),
        ("upload-offset", "1048576"),
        ("upload-checksum", &checksum),
    ];
    let key = person.client.session_key.clone().unwrap();
    let signed = person.client.signed(&key, "PATCH", &upload, &headers, &chunk, None);
    let signed = signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let lines: String = headers.into_iter().chain(signed).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n{lines}\r\n",
        person.client.token.as_ref().unwrap(),
        chunk.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&chunk[..3 << 20]).await.unwrap();
    stream.flush().await.unwrap();
    until("uncounted bytes in the file", async || std::fs::metadata(&stored).unwrap().len() > 1 << 20).await;
    drop(program);

    let (program, client) = run(data).await;
    let person = Applicant {
        client: Client { address: client.address, tls: client.tls, ..person.client },
        account: person.account,
    };
    assert_eq!(
        person.offset(&upload).await,
        1 << 20,
        "the session lives and the upload stands where it was acknowledged"
    );
    person.patch(&upload, 1 << 20, true, &bytes[1 << 20..9 << 20]).await.expect(204);
    drop(program);

    // The digest over both lives of the service is right.
    let (program, client) = run(data).await;
    let person = Applicant {
        client: Client { address: client.address, tls: client.tls, ..person.client },
        account: person.account,
    };
    person.patch(&upload, 9 << 20, true, &bytes[9 << 20..]).await.expect(204);
    assert!(std::fs::read(&stored).unwrap() == bytes, "the file is what was sent");

    // Killed right after a receipt: the case, its number and the idempotency of its key are there.
    let mut attachments = person.all_files(id).await;
    attachments.last_mut().unwrap().upload = id_of(&upload);
    let submission = person.submission(attachments).await;
    let key = Uuid::new_v4();
    let receipt = person.client.post_once(&path::submission(id), key, &submission).await.expect(200);
    drop(program);
    let (program, client) = run(data).await;
    let client = Client { address: client.address, tls: client.tls, ..person.client };
    let again = client.post_once(&path::submission(id), key, &submission).await.expect(200);
    assert_eq!(again.body, receipt.body, "a repeated submission gets its receipt after a kill too");

    // The desk's commands beside the running service.
    let queue = desk(data, &["review", "list"]).unwrap();
    let number = queue[0]["number"].as_str().unwrap().to_owned();
    let shown = desk(data, &["review", "show", &number]).unwrap();
    assert_eq!((shown["state"].as_str(), shown["account"].as_str()), (Some("in_review"), Some(&*person.account)));
    let refused = desk(data, &["review", "return", &number, "--remark", "field:shoe=no"]).unwrap_err();
    assert!(refused.contains("bad_request"), "{refused}");
    desk(
        data,
        &["review", "return", &number, "--remark", "field:person.id_number=号码不清", "--remark", "case=请重交"],
    )
    .unwrap();
    let case: Application = client.get(&path::application(id)).await.expect(200).json();
    assert_eq!(case.remarks.len(), 2, "the applicant sees what the desk's command said");
    let refused = desk(data, &["review", "approve", &number]).unwrap_err();
    assert!(refused.contains("wrong_state"), "{refused}");
    assert!(desk(data, &["sms", "list"]).unwrap()[0]["text"].as_str().unwrap().contains(&person.account));

    // One service per data directory; SIGTERM ends in order; the next start has the same CA.
    let second = Command::new(PROGRAM).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).output().unwrap();
    assert!(!second.status.success() && String::from_utf8_lossy(&second.stderr).contains("another service is running"));
    end(program).await;
    let ca = std::fs::read(data.join("ca/root.pem")).unwrap();
    let (_program, client) = run(data).await;
    assert_eq!(std::fs::read(data.join("ca/root.pem")).unwrap(), ca, "the demo CA is founded once");
    let _: Session = client.log_in(&person.account, NEW_PASSWORD).await.expect(201).json();
    client.log_in(&person.account, "x").await.refused(ProblemCode::WrongCredentials);
}
