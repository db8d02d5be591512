//! 1 GiB to the service: our client, whole (hash first, checksum of each chunk, memory kept small), against `curl -T` of
//! the same chunks, made ready beforehand, over one connection. Besides, against the same curl that promises what we
//! promise: the file's digest is known before the first byte goes, and each chunk comes with its own. What is between
//! the two is the price of the digests, whoever computes them.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_cli::journey::{self, Journey, PASSWORD};
use certdesk_contract::{
    application::ApplicationDraft,
    path,
    session::{PasswordLogin, Session},
    upload::{CHUNK_BYTES, OFFSET_OCTET_STREAM, TUS_VERSION},
};
use certdesk_controller::{Controller, Demo};
use certdesk_domain::{AccountKind, Business, RequirementId, token::KeyAlgorithm};
use certdesk_portal::{FileGuard, Portal, PortalConfig, UploadSpec, hash_file, prepare};
use serde_json::Value;
use stage::{Service, SoftKey, program};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::figure::{Figure, Limit};

const SIZE: u64 = 1 << 30;
const ROUNDS: usize = 3;
const REQUIREMENT: &str = "commitment_video";

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let service = Service::start_with(
        &folder.join("service"),
        "127.0.0.1:0",
        // curl signs nothing.
        &["--unsigned-sessions".as_ref(), "--catalogue".as_ref(), generous_catalogue(folder)?.as_ref()],
    )?;
    let file = folder.join("1gib.mp4");
    write_video(&file)?;
    let (portal, unsigned, application) = log_in(folder, &service).await?;
    let sha256 = hash_file(&file, FileGuard::of(&file)?, Arc::new(|_| ()), &CancellationToken::new()).await?;
    let announce = async || {
        let name = "1gib.mp4".to_owned();
        let requirement = RequirementId(REQUIREMENT.to_owned());
        let spec = UploadSpec { application, requirement, file_name: name, bytes: SIZE, sha256: sha256.clone() };
        portal.create_upload(&spec).await
    };

    let (mut ours, mut plain, mut digested) = (Vec::new(), Vec::new(), Vec::new());
    let mut grown = 0.0_f64;
    for _ in 0..ROUNDS {
        for (digests, times) in [(Digests::None, &mut plain), (Digests::Ours, &mut digested)] {
            let id = announce().await?;
            times.push(by_curl(folder, &file, &service, &unsigned, id, digests)?);
            portal.terminate(id).await?;
        }

        touch_memory(folder)?;
        let memory = Memory::watch();
        let start = Instant::now();
        let guard = FileGuard::of(&file)?;
        let cancel = CancellationToken::new();
        let (_, file) = prepare(&file, guard, Arc::new(|_| ()), &cancel).await?;
        let id = announce().await?;
        portal.send(id, file, guard, 0, Arc::new(|_| ()), &cancel).await?;
        ours.push(start.elapsed());
        grown = grown.max(memory.grown_mib());
        portal.terminate(id).await?;
    }
    let best = |times: Vec<Duration>| times.into_iter().min().map(mib_per_second).context("nothing was sent");
    let ours = best(ours)?;
    Ok(vec![
        Figure {
            name: "upload of 1 GiB",
            ours,
            peer: Some(best(plain)?),
            unit: "MiB/s",
            limit: Limit::TimesAtLeast(0.8),
        },
        Figure {
            name: "upload of 1 GiB, peer with the same digests",
            ours,
            peer: Some(best(digested)?),
            unit: "MiB/s",
            limit: Limit::TimesAtLeast(0.8),
        },
        Figure {
            name: "upload of 1 GiB, memory growth",
            ours: grown,
            peer: None,
            unit: "MiB",
            limit: Limit::AtMost(32.0),
        },
    ])
}

/// The service's own catalogue, but a video may be large.
fn generous_catalogue(folder: &Path) -> Result<PathBuf> {
    let own = stage::project_root()?.join("src-tauri/crates/service/data/catalogue.json");
    let mut catalogue: Value = serde_json::from_slice(&fs::read(own)?)?;
    let offers = catalogue["offers"].as_array_mut().context("the catalogue has no offers")?;
    for requirement in offers.iter_mut().filter_map(|offer| offer["requirements"].as_array_mut()).flatten() {
        if requirement["id"] == REQUIREMENT {
            requirement["max_bytes"] = (2 * SIZE).into();
        }
    }
    let file = folder.join("catalogue.json");
    fs::write(&file, catalogue.to_string())?;
    Ok(file)
}

/// Begins as a real video, for the service looks; the rest is counted numbers.
fn write_video(file: &Path) -> Result<()> {
    let specimens = fs::read_dir(journeys::specimens()?)?.flatten().map(|entry| entry.path());
    let video =
        specimens.into_iter().find(|path| path.extension().is_some_and(|e| e == "mp4")).context("no specimen video")?;
    let mut block = fs::read(video)?;
    let mut out = fs::File::create(file)?;
    let mut written = 0;
    let mut number = 0_u64;
    while written < SIZE {
        while block.len() < 1 << 20 {
            block.extend(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
            number += 1;
        }
        let length = usize::try_from((SIZE - written).min(1 << 20))?;
        out.write_all(&block[..length])?;
        written += u64::try_from(length)?;
        block.clear();
    }
    out.sync_all()?;
    Ok(())
}

/// An applicant with an open case.
async fn log_in(folder: &Path, service: &Service) -> Result<(Portal, Session, Uuid)> {
    let (portal, login) = applicant(folder, service).await?;
    let unsigned = log_in_by_curl(folder, service, &login)?;
    let application = Uuid::now_v7();
    portal.put_application(application, &ApplicationDraft::new(Business::New)).await?;
    Ok((portal, unsigned, application))
}

/// An applicant in a session, and what they log in with.
pub(crate) async fn applicant(folder: &Path, service: &Service) -> Result<(Portal, PasswordLogin)> {
    let (base, demo) = Demo::read(&service.ready.file).map_err(anyhow::Error::msg)?;
    let root_der = demo.root_der.clone();
    let key = SoftKey::blank(&folder.join("key"), "证办通测量锁", "135790")?;
    let mut options = journey::options(
        folder.join("client"),
        base.clone(),
        vec![key.module.clone()],
        program("certdesk-token-host")?,
    );
    options.demo = Some(demo);
    options.token_environment = key.environment().to_vec();
    let journey = Journey {
        controller: Controller::start(options),
        files: journeys::specimens()?,
        registration: journey::sample_registration(AccountKind::Enterprise),
        key_label: None,
        pin: key.pin,
        algorithm: KeyAlgorithm::EcP256,
        step: Box::new(|_| {}),
    };
    let account = journey.register().await?;

    let config =
        PortalConfig { base: url::Url::parse(&base)?, extra_roots: vec![root_der], user_agent: "bench".into() };
    let portal = Portal::new(config)?;
    let login = PasswordLogin { account, password: PASSWORD.to_owned(), consent: None, session_key: None };
    portal.set_session(&portal.log_in_with_password(&login).await?);
    Ok((portal, login))
}

/// A session without a key.
fn log_in_by_curl(folder: &Path, service: &Service, login: &PasswordLogin) -> Result<Session> {
    let body = folder.join("login.json");
    fs::write(&body, serde_json::to_vec(login)?)?;
    let url = format!("{}{}", service.ready.text("base_url")?, path::PASSWORD_SESSIONS);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--header", "Content-Type: application/json", "--cacert"]);
    curl.arg(service.ready.text("root_certificate")?).arg("--data-binary").arg(format!("@{}", body.display()));
    let output = curl.arg(url).stdin(Stdio::null()).output().context("curl is not installed")?;
    ensure!(output.status.success(), "curl's login failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the peer sends besides the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digests {
    None,
    /// Those we send: taken of the whole file first, then of each chunk.
    Ours,
}

/// The chunks cut beforehand, sent by one curl over one connection. The digests belong to what is measured.
fn by_curl(
    folder: &Path,
    file: &Path,
    service: &Service,
    session: &Session,
    id: Uuid,
    digests: Digests,
) -> Result<Duration> {
    let chunks = folder.join("chunks");
    fs::create_dir_all(&chunks)?;
    let mut pieces = Vec::new();
    let mut source = fs::File::open(file)?;
    let mut chunk = Vec::new();
    for number in 0..SIZE.div_ceil(CHUNK_BYTES) {
        let piece = chunks.join(format!("{number:04}"));
        chunk.clear();
        // Our own is read from the cache of pages as well.
        Read::take(&mut source, CHUNK_BYTES).read_to_end(&mut chunk)?;
        fs::write(&piece, &chunk)?;
        pieces.push(piece);
    }
    let list = folder.join("curl.conf");
    let url = format!("{}{}", service.ready.text("base_url")?, path::upload(id));

    touch_memory(folder)?;
    let start = Instant::now();
    let mut sums = Vec::new();
    if digests == Digests::Ours {
        by_openssl(&[file.to_owned()])?;
        sums = by_openssl(&pieces)?;
    }
    let mut orders = String::new();
    for (number, piece) in (0..).zip(&pieces) {
        let next = if number == 0 { "" } else { "next\n" };
        let offset = number * CHUNK_BYTES;
        write!(
            orders,
            "{next}silent\nshow-error\nfail\nrequest = PATCH\nupload-file = \"{}\"\nurl = \"{url}\"\ncacert = \"{}\"\n\
             header = \"Authorization: Bearer {}\"\nheader = \"Tus-Resumable: {TUS_VERSION}\"\nheader = \"Expect:\"\n\
             header = \"Content-Type: {OFFSET_OCTET_STREAM}\"\nheader = \"Upload-Offset: {offset}\"\n",
            piece.display(),
            service.ready.text("root_certificate")?,
            session.access_token,
        )?;
        if let Some(sum) = sums.get(usize::try_from(number)?) {
            writeln!(orders, "header = \"Upload-Checksum: sha256 {sum}\"")?;
        }
    }
    fs::write(&list, orders)?;
    let status = Command::new("curl").args([Path::new("--config"), &list]).stdin(Stdio::null()).status();
    let time = start.elapsed();
    fs::remove_dir_all(chunks)?;
    ensure!(status.context("curl is not installed")?.success(), "curl's upload failed");
    Ok(time)
}

/// SHA-256 of each file, base64.
fn by_openssl(files: &[PathBuf]) -> Result<Vec<String>> {
    let output = Command::new("openssl").args(["dgst", "-sha256", "-r"]).args(files).output();
    let output = output.context("openssl is not installed")?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    let hex = String::from_utf8(output.stdout)?;
    let bytes = |line: &str| -> Result<Vec<u8>> {
        let digits = line.split_whitespace().next().unwrap_or_default().as_bytes();
        digits.chunks(2).map(|two| Ok(u8::from_str_radix(str::from_utf8(two)?, 16)?)).collect()
    };
    hex.lines().map(|line| Ok(STANDARD.encode(bytes(line)?))).collect()
}

/// Memory that is free in a virtual machine may have to be fetched from its host first, which takes as long as the upload:
/// whoever is measured finds as much as the service's file takes that is there already.
fn touch_memory(folder: &Path) -> Result<()> {
    let file = folder.join("touched");
    let mut out = fs::File::create(&file)?;
    let block = vec![0; 1 << 20];
    for _ in 0..SIZE >> 20 {
        out.write_all(&block)?;
    }
    Ok(fs::remove_file(file)?)
}

fn mib_per_second(time: Duration) -> f64 {
    SIZE as f64 / f64::from(1 << 20) / time.as_secs_f64()
}

/// Our own resident memory, watched by a thread.
struct Memory {
    before: f64,
    over: Arc<AtomicBool>,
    watcher: thread::JoinHandle<f64>,
}

impl Memory {
    fn watch() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let flag = over.clone();
        let watcher = thread::spawn(move || {
            let mut most = 0.0_f64;
            while !flag.load(Ordering::Relaxed) {
                most = most.max(resident_mib());
                thread::sleep(Duration::from_millis(20));
            }
            most
        });
        Self { before: resident_mib(), over, watcher }
    }

    fn grown_mib(self) -> f64 {
        self.over.store(true, Ordering::Relaxed);
        self.watcher.join().unwrap_or(f64::NAN) - self.before
    }
}

fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).map_or(f64::NAN, |kib| kib / 1024.0)
}
