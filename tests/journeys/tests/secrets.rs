//! PIN, passwords and personal data leave no trace: neither in the most talkative log, nor on disk, nor at the service.

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use certdesk_cli::journey;
use certdesk_domain::{AccountKind, Business, token::KeyAlgorithm};
use journeys::{Stage, failed};

/// Long enough to occur nowhere by chance.
const SECRET_PIN: &str = "PIN-4711-geheim-0815";

/// One test in a program of its own: there is one log.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_journey_leaves_no_pin_password_or_person_in_logs_and_no_pin_or_password_on_disk() -> Result<()> {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_env_filter("trace").with_writer(move || writer.clone()).with_ansi(false).init();
    let stage = Stage::set_with_pin(SECRET_PIN)?;
    let walk = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let outcome = journey::run(&walk).await?;
    // A form signed by the key is a file of the program's own.
    let (certdesk, serial) = (&walk.controller, outcome.certificate.serial.clone());
    let draft = certdesk.start_application(Business::Change, Some(serial)).await.map_err(failed)?.id;
    let name = ("change.organisation.name".to_owned(), "厦门云帆测试科技有限公司".to_owned());
    certdesk.save_field(draft, name.0, name.1).await.map_err(failed)?;
    certdesk.sign_form(draft).await.map_err(failed)?;

    let log = log.text();
    assert!(log.contains("helper started"), "the log was listened to");
    let service = std::fs::read_to_string(stage.scratch().join("service/service.log"))?;
    let mut personal = vec![SECRET_PIN, journey::PASSWORD, "11010519491231002X", "13800138000", "王䶮", "Bearer "];
    for (whose, text) in [("the program's", &log), ("the service's", &service)] {
        for secret in &personal {
            let line = text.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} stands in {whose} log: {line:?}");
        }
    }
    // What the client wrote has nothing of the person either, in whatever characters. That the scan would find it shows in
    // a copy without a key.
    personal.truncate(5);
    personal.extend([
        "福州云帆测试科技有限公司",
        "91350100M000100Y43",
        "厦门云帆测试科技有限公司",
        outcome.account.as_str(),
        outcome.number.as_str(),
    ]);
    let client = stage.scratch().join("client");
    assert_eq!(std::fs::read_dir(client.join("signed"))?.count(), 1, "a signed form is among it");
    let form = holds(&client, b"%PDF-")?;
    assert!(form.is_none(), "a form lies in plain in {form:?}");
    for secret in &personal {
        for bytes in encodings(secret) {
            let found = holds(&client, &bytes)?;
            assert!(found.is_none(), "{secret} stands on disk in {found:?}");
        }
    }
    let open = stage.scratch().join("without a key");
    std::fs::create_dir(&open)?;
    stage.decrypt_cache(&open.join("certdesk.db"))?;
    for kept in ["王䶮", "11010519491231002X", "福州云帆测试科技有限公司", "91350100M000100Y43"] {
        assert!(
            holds(&open, kept.as_bytes())?.is_some(),
            "{kept} is kept, and the scan finds it where nothing is encrypted"
        );
    }
    personal.truncate(2);
    for secret in &personal {
        let found = holds(&open, secret.as_bytes())?;
        assert!(found.is_none(), "{secret} is kept in plain behind the key of the cache");
    }
    for folder in ["client", "service/data"] {
        for secret in &personal {
            let found = holds(&stage.scratch().join(folder), secret.as_bytes())?;
            assert!(found.is_none(), "{secret} stands on disk in {found:?}");
        }
    }
    assert_eq!(outcome.certificate.on_keys.len(), 1, "and the journey came to its end");
    Ok(())
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// As different systems and programs write a text.
fn encodings(text: &str) -> [Vec<u8>; 3] {
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [text.as_bytes().to_vec(), utf16, encoding_rs::GB18030.encode(text).0.into_owned()]
}

/// The first file below `folder` that holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> Result<Option<std::path::PathBuf>> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} is not there", folder.display()))? {
        let path = entry?.path();
        let found = if path.is_dir() {
            holds(&path, bytes)?
        } else {
            // A file of the database's own housekeeping may go while it is being looked at.
            let content = std::fs::read(&path).or_else(|e| match e.kind() {
                std::io::ErrorKind::NotFound => Ok(Vec::new()),
                _ => Err(e),
            })?;
            content.windows(bytes.len()).any(|window| window == bytes).then_some(path)
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
