//! Resumable uploads: tus 1.0.0 with creation, checksum, expiration and termination.
//!
//! One rule carries all: bytes are flushed to the file before the database counts them. After a kill the file may be
//! longer than the count, never shorter; what is uncounted is cut off by the next PATCH.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{Problem, ProblemCode, is_sha256, upload as tus};
use certdesk_domain::{FileKind, Timestamp};
use futures_util::StreamExt as _;
use http::StatusCode;
use ring::digest::{self, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{
    applications,
    ca::hex,
    failure::{Failure, Outcome, bad_request_as},
    portal::Portal,
    sessions::Caller,
    store::uploads::{self, UploadRow, UploadState},
};

/// Checksum algorithms taken; `sha1` because every tus server must.
pub(crate) const CHECKSUMS: &str = "sha256,sha1";
/// An upload that nothing arrives for is given up after this.
const LIFE_OPEN: time::Duration = time::Duration::days(7);
/// A complete file that was not handed in is kept as long as a forgotten draft deserves.
const LIFE_COMPLETE: time::Duration = time::Duration::days(90);
/// Uploads of one case that are there at a time,
const MOST_UPLOADS: u32 = 64;
/// and the bytes that all uploads of one account may come to until they are handed in.
const MOST_BYTES: u64 = 4 << 30;
/// Bytes gathered before they are written: large enough to be worth a thread's while.
const GATHERED: usize = 512 * 1024;
/// A body that stands still this long is given up.
const STALL: Duration = Duration::from_secs(60);
/// A chunk that is not through after this is given up, however steadily it trickles: 8 MiB at 5 KiB/s.
const LONGEST_CHUNK: Duration = Duration::from_secs(30 * 60);
/// How long a request waits for another one on the same upload to let go.
const LEASE_WAIT: Duration = Duration::from_secs(10);
const LONGEST_FILE_NAME: usize = 255;
const LONGEST_METADATA: usize = 4096;

/// The upload files, and who is working on which.
pub(crate) struct Files {
    folder: PathBuf,
    leases: Mutex<HashMap<Uuid, Arc<Lease>>>,
}

/// One upload in this process: who holds `running` works on it alone.
#[derive(Default)]
struct Lease {
    /// Digest of the bytes so far, where this process has seen them all; saves reading a large file again at its end.
    running: Arc<AsyncMutex<Running>>,
    /// Tells the holder that another request wants the upload: its connection is probably dead.
    wanted: Notify,
}

/// See [`Lease::running`].
#[derive(Default)]
struct Running(Option<(u64, Context)>);

impl Files {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, leases: Mutex::default() }
    }

    /// Where the file of an upload lies.
    pub(crate) fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Works on an upload alone; whoever works on it now is asked to stop.
    async fn lease(&self, id: Uuid) -> Outcome<(Arc<Lease>, OwnedMutexGuard<Running>)> {
        let lease = self.leases.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().clone();
        lease.wanted.notify_waiters();
        let held = tokio::time::timeout(LEASE_WAIT, lease.running.clone().lock_owned()).await;
        let held = held.map_err(|_| Problem::new(ProblemCode::InProgress).with_retry_after(5))?;
        Ok((lease, held))
    }

    /// Removes the file of an upload that is gone.
    pub(crate) async fn remove(&self, id: Uuid) {
        self.forget(id);
        match tokio::fs::remove_file(self.path(id)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%id, %error, "an upload's file stays for the next sweep")
            }
            _ => {}
        }
    }

    fn forget(&self, id: Uuid) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// What a client announces with `POST`.
pub(crate) struct Announcement {
    pub(crate) length: u64,
    /// `Upload-Metadata`, as it came.
    pub(crate) metadata: String,
}

/// What a client sends with `PATCH`.
pub(crate) struct Chunk {
    pub(crate) offset: u64,
    /// `Content-Length`, where it is told.
    pub(crate) length: Option<u64>,
    /// `Upload-Checksum`, as it came.
    pub(crate) checksum: Option<String>,
    pub(crate) body: Body,
}

/// Where an upload stands.
pub(crate) struct Progress {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) metadata: String,
    /// `None` once it is complete.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Announces an upload; answers its id and when it is given up.
pub(crate) async fn create(
    portal: &Arc<Portal>,
    caller: Caller,
    announcement: Announcement,
) -> Outcome<(Uuid, Timestamp)> {
    let metadata = parse_metadata(&announcement.metadata).ok_or(ProblemCode::BadRequest)?;
    let get = |key: &str| metadata.get(key).map(String::as_str);
    let application =
        get(tus::META_APPLICATION).and_then(|id| Uuid::parse_str(id).ok()).ok_or(ProblemCode::BadRequest)?;
    let requirement = get(tus::META_REQUIREMENT).ok_or(ProblemCode::BadRequest)?.to_owned();
    let file_name = get(tus::META_FILENAME).unwrap_or("file").to_owned();
    if file_name.is_empty() || file_name.chars().count() > LONGEST_FILE_NAME || file_name.chars().any(char::is_control)
    {
        return Err(ProblemCode::BadRequest.into());
    }
    let announced = get(tus::META_SHA256).map(str::to_owned);
    if announced.as_deref().is_some_and(|sha256| !is_sha256(sha256)) {
        return Err(ProblemCode::BadRequest.into());
    }
    if announcement.length == 0 {
        // An empty file is of no kind that anybody asks for.
        return Err(ProblemCode::WrongFileKind.into());
    }

    let id = Uuid::now_v7();
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            let case = applications::of(db, application, &caller.account)?;
            if !case.state.is_editable() {
                return Err(ProblemCode::WrongState.into());
            }
            let offer =
                act.catalogue.offer(case.business, caller.account.registration.kind).ok_or(ProblemCode::WrongState)?;
            let asked = offer.requirements.iter().find(|r| r.id.0 == requirement).ok_or(ProblemCode::BadRequest)?;
            if announcement.length > asked.max_bytes {
                return Err(ProblemCode::TooLarge.into());
            }
            let count = uploads::count_of(db, application)?;
            let bytes = uploads::bytes_of(db, caller.account.id)?;
            if count >= MOST_UPLOADS || bytes.saturating_add(announcement.length) > MOST_BYTES.max(asked.max_bytes) {
                return Err(ProblemCode::TooManyRequests.into());
            }
            let row = UploadRow {
                id,
                account: caller.account.id,
                application,
                requirement,
                file_name,
                kinds: asked.kinds.clone(),
                length: announcement.length,
                received: 0,
                metadata: announcement.metadata,
                announced,
                state: UploadState::Open,
                expires_at: now + LIFE_OPEN,
            };
            uploads::add(db, &row)?;
            Ok((id, row.expires_at))
        })
        .await
}

/// Where an upload stands. Waits for a chunk that is just being taken.
pub(crate) async fn progress(portal: &Arc<Portal>, caller: &Caller, id: Uuid) -> Outcome<Progress> {
    let mut row = find(portal, caller, id).await?;
    if row.state == UploadState::Open {
        let (_lease, _held) = portal.files.lease(id).await?;
        row = find(portal, caller, id).await?;
    }
    let open = row.state == UploadState::Open;
    Ok(Progress {
        offset: row.received,
        length: row.length,
        metadata: row.metadata,
        expires_at: open.then_some(row.expires_at),
    })
}

/// Takes a chunk; answers the new offset and, while the upload is open, when it is given up.
///
/// Without a checksum, what arrived before a cut is kept. With one, a chunk counts whole or not at all.
pub(crate) async fn append(
    portal: &Arc<Portal>,
    caller: &Caller,
    id: Uuid,
    chunk: Chunk,
) -> Outcome<(u64, Option<Timestamp>)> {
    let checksum = chunk.checksum.as_deref().map(Checksum::parse).transpose()?;
    if chunk.length.is_some_and(|length| length > tus::CHUNK_BYTES) {
        return Err(ProblemCode::TooLarge.into());
    }
    find(portal, caller, id).await?;
    let (lease, mut running) = portal.files.lease(id).await?;
    let row = find(portal, caller, id).await?;
    if chunk.offset != row.received {
        return Err(ProblemCode::OffsetMismatch.into());
    }
    if row.state == UploadState::Complete {
        // An empty PATCH at the very end changes nothing.
        return Ok((row.received, None));
    }
    let room = row.length - row.received;
    if chunk.length.is_some_and(|length| length > room) {
        return Err(ProblemCode::TooLarge.into());
    }

    let whole = match &running.0 {
        Some((at, digest)) if *at == row.received => Some(digest.clone()),
        _ if row.received == 0 => Some(Context::new(&SHA256)),
        _ => None,
    };
    let path = portal.files.path(id);
    let writer = {
        let (path, at) = (path.clone(), row.received);
        blocking(move || Writer::open(&path, at, whole)).await?
    };
    let mut part = checksum.as_ref().map(|checksum| Context::new(checksum.algorithm));
    let room = room.min(tus::CHUNK_BYTES);
    let (writer, taken) = take(writer, part.as_mut(), chunk.body, room, &lease.wanted).await?;
    if let (Taken::Cut, Some(_)) | (Taken::TooMuch, _) = (&taken, &checksum) {
        return Err(if matches!(taken, Taken::Cut) { ProblemCode::BadRequest } else { ProblemCode::TooLarge }.into());
    }
    if let (Some(expected), Some(sum)) = (&checksum, part.map(Context::finish))
        && expected.value != sum.as_ref()
    {
        return Err(ProblemCode::ChecksumMismatch.into());
    }
    let received = row.received + writer.written;
    match count(portal, &row, writer, received, &path, &mut running).await? {
        Counted::Open(_) if matches!(taken, Taken::Cut) => Err(ProblemCode::BadRequest.into()),
        Counted::Open(expires_at) => Ok((received, Some(expires_at))),
        Counted::Complete => {
            portal.files.forget(id);
            Ok((received, None))
        }
        Counted::Spoiled(code) => {
            portal.store.act(move |db| Ok(uploads::set_gone(db, id)?)).await?;
            portal.files.remove(id).await;
            Err(code.into())
        }
    }
}

/// Ends an upload and removes its bytes; one that was handed in stays.
pub(crate) async fn terminate(portal: &Arc<Portal>, caller: &Caller, id: Uuid) -> Outcome<()> {
    find(portal, caller, id).await?;
    let (_lease, _held) = portal.files.lease(id).await?;
    find(portal, caller, id).await?;
    portal
        .store
        .act(move |db| {
            if uploads::is_handed_in(db, id)? {
                return Err(ProblemCode::WrongState.into());
            }
            Ok(uploads::set_gone(db, id)?)
        })
        .await?;
    portal.files.remove(id).await;
    Ok(())
}

/// Gives up what is past its time.
pub(crate) async fn expire(portal: &Arc<Portal>) -> Outcome<()> {
    let now = portal.now();
    let expired = portal
        .store
        .act(move |db| {
            let expired = uploads::expired(db, now)?;
            for &id in &expired {
                uploads::set_gone(db, id)?;
            }
            Ok(expired)
        })
        .await?;
    for id in expired {
        portal.files.remove(id).await;
    }
    Ok(())
}

/// At the start: removes files that no living upload owns (a kill came between the two).
pub(crate) async fn sweep(portal: &Arc<Portal>) -> Outcome<()> {
    let alive = portal.store.read(|db| Ok(uploads::alive(db)?)).await?;
    let folder = portal.files.folder.clone();
    blocking(move || {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let id = path.file_name().and_then(|name| Uuid::parse_str(&name.to_string_lossy()).ok());
            if id.is_some_and(|id| !alive.contains(&id)) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    })
    .await
}

/// The caller's upload, alive.
async fn find(portal: &Arc<Portal>, caller: &Caller, id: Uuid) -> Outcome<UploadRow> {
    let account = caller.account.id;
    let row = portal.store.read(move |db| Ok(uploads::by_id(db, id)?)).await?;
    let row = row.filter(|row| row.account == account).ok_or(ProblemCode::NotFound)?;
    let expired = row.state == UploadState::Open && row.expires_at < portal.now();
    if row.state == UploadState::Gone || expired { Err(ProblemCode::UploadGone.into()) } else { Ok(row) }
}

/// What became of the bytes that were written.
enum Counted {
    /// More is to come, until then.
    Open(Timestamp),
    /// That was the last of them, and they are what was announced.
    Complete,
    /// They are not what was asked for or announced.
    Spoiled(ProblemCode),
}

/// Flushes what was written and counts it.
async fn count(
    portal: &Arc<Portal>,
    row: &UploadRow,
    writer: Writer,
    received: u64,
    path: &Path,
    running: &mut Running,
) -> Outcome<Counted> {
    let complete = received == row.length;
    let (path, before, kinds) = (path.to_owned(), row.received, row.kinds.clone());
    let (digest, kind_right) = blocking(move || {
        let kind_right = match sniffed(&path, before, received, complete)? {
            None => true,
            Some(kind) => kind.is_some_and(|kind| kinds.contains(&kind)),
        };
        let digest = writer.finish(&path, complete)?;
        Ok((digest, kind_right))
    })
    .await?;
    if !kind_right {
        return Ok(Counted::Spoiled(ProblemCode::WrongFileKind));
    }
    let sha256 = digest.clone().filter(|_| complete).map(|digest| hex(digest.finish().as_ref()));
    if let (Some(announced), Some(sha256)) = (&row.announced, &sha256)
        && announced != sha256
    {
        return Ok(Counted::Spoiled(ProblemCode::ChecksumMismatch));
    }
    let expires_at = portal.now() + if complete { LIFE_COMPLETE } else { LIFE_OPEN };
    let row = row.clone();
    let counted =
        portal.store.act(move |db| Ok(uploads::advance(db, &row, received, sha256.as_deref(), expires_at)?)).await?;
    if !counted {
        return Err(ProblemCode::UploadGone.into());
    }
    running.0 = digest.map(|digest| (received, digest));
    Ok(if complete { Counted::Complete } else { Counted::Open(expires_at) })
}

/// The kind told by the first bytes, where this chunk brought the last of them; outer `None` where it did not.
fn sniffed(path: &Path, before: u64, received: u64, complete: bool) -> io::Result<Option<Option<FileKind>>> {
    use io::Read as _;
    const ENOUGH: u64 = FileKind::SNIFF_BYTES as u64;
    let first_time = before < ENOUGH && (received >= ENOUGH || complete);
    if !first_time {
        return Ok(None);
    }
    let mut head = Vec::new();
    fs::File::open(path)?.take(ENOUGH).read_to_end(&mut head)?;
    Ok(Some(FileKind::sniff(&head)))
}

/// How a body ended.
enum Taken {
    /// By itself.
    Whole,
    /// The connection broke, stood still, or another request took over.
    Cut,
    /// It had more bytes than it may.
    TooMuch,
}

/// Streams a body into the file: while one buffer is being written the next is gathered; never more than two. `part` is
/// the chunk's own digest. It is taken here, the file's by the writer: side by side, for it is digests that take the time.
async fn take(
    writer: Writer,
    mut part: Option<&mut Context>,
    body: Body,
    room: u64,
    wanted: &Notify,
) -> Outcome<(Writer, Taken)> {
    let mut body = body.into_data_stream();
    let mut idle = Some(writer);
    let mut writing: Option<JoinHandle<io::Result<Writer>>> = None;
    let mut gathered = Vec::with_capacity(GATHERED);
    let mut total = 0u64;
    let mut wanted = std::pin::pin!(wanted.notified());
    let mut too_late = std::pin::pin!(tokio::time::sleep(LONGEST_CHUNK));
    let taken = loop {
        let frame = tokio::select! {
            frame = tokio::time::timeout(STALL, body.next()) => frame,
            () = &mut wanted => break Taken::Cut,
            () = &mut too_late => break Taken::Cut,
        };
        let bytes = match frame {
            Ok(None) => break Taken::Whole,
            Ok(Some(Ok(bytes))) => bytes,
            Ok(Some(Err(_))) | Err(_) => break Taken::Cut,
        };
        total += bytes.len() as u64;
        if total > room {
            break Taken::TooMuch;
        }
        if let Some(part) = &mut part {
            part.update(&bytes);
        }
        gathered.extend_from_slice(&bytes);
        if gathered.len() >= GATHERED {
            let writer = returned(&mut idle, &mut writing).await?;
            let full = std::mem::replace(&mut gathered, Vec::with_capacity(GATHERED));
            writing = Some(tokio::task::spawn_blocking(move || writer.write(&full)));
        }
    };
    let writer = returned(&mut idle, &mut writing).await?;
    let writer = blocking(move || writer.write(&gathered)).await?;
    Ok((writer, taken))
}

/// The writer, back from its thread.
async fn returned(idle: &mut Option<Writer>, writing: &mut Option<JoinHandle<io::Result<Writer>>>) -> Outcome<Writer> {
    match (idle.take(), writing.take()) {
        (Some(writer), _) => Ok(writer),
        (None, Some(writing)) => Ok(writing.await.map_err(anyhow::Error::new)??),
        (None, None) => Err(anyhow::anyhow!("a writer got lost").into()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Outcome<T> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::new)??)
}

/// Writes one chunk behind the counted bytes, digesting the file as it goes.
struct Writer {
    file: fs::File,
    new: bool,
    written: u64,
    whole: Option<Context>,
}

impl Writer {
    /// Opens the file at the counted offset; whatever is behind it was never acknowledged.
    fn open(path: &Path, at: u64, whole: Option<Context>) -> io::Result<Self> {
        use io::Seek as _;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(at == 0).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        if file.metadata()?.len() < at {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "an upload's file is shorter than what was counted",
            ));
        }
        file.set_len(at)?;
        file.seek(io::SeekFrom::Start(at))?;
        Ok(Self { file, new: at == 0, written: 0, whole })
    }

    fn write(mut self, bytes: &[u8]) -> io::Result<Self> {
        use io::Write as _;
        self.file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        if let Some(digest) = &mut self.whole {
            digest.update(bytes);
        }
        Ok(self)
    }

    /// Flushes to the disk. Answers the digest of the whole file so far: at the end always, before it if known.
    fn finish(self, path: &Path, complete: bool) -> io::Result<Option<Context>> {
        self.file.sync_all()?;
        if let (true, Some(folder)) = (self.new, path.parent()) {
            crate::ca::sync_folder(folder)?;
        }
        match self.whole {
            None if complete => digest_of(path).map(Some),
            known => Ok(known),
        }
    }
}

fn digest_of(path: &Path) -> io::Result<Context> {
    use io::Read as _;
    let mut file = fs::File::open(path)?;
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest),
            n => digest.update(&buffer[..n]),
        }
    }
}

/// `Upload-Checksum: <algorithm> <base64>`.
struct Checksum {
    algorithm: &'static digest::Algorithm,
    value: Vec<u8>,
}

impl Checksum {
    fn parse(header: &str) -> Result<Self, Failure> {
        let malformed = || bad_request_as(StatusCode::BAD_REQUEST);
        let (name, value) = header.split_once(' ').ok_or_else(malformed)?;
        let algorithm = match name {
            "sha256" => &SHA256,
            "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
            _ => return Err(malformed()),
        };
        Ok(Self { algorithm, value: STANDARD.decode(value.trim()).map_err(|_| malformed())? })
    }
}

/// `Upload-Metadata`: comma-separated `key base64`, a key alone has an empty value. Values that are no text are left out.
fn parse_metadata(header: &str) -> Option<HashMap<String, String>> {
    if header.len() > LONGEST_METADATA {
        return None;
    }
    let mut metadata = HashMap::new();
    for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).ok()?;
        if let Ok(value) = String::from_utf8(value)
            && metadata.insert(key.to_owned(), value).is_some()
        {
            return None;
        }
    }
    Some(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_as_tus_has_it() {
        let metadata =
            parse_metadata("filename 6JCl5Lia5omn54WnLmpwZw==,is_final, requirement Zm9ybQ==").expect("well-formed");
        assert_eq!(metadata["filename"], "营业执照.jpg");
        assert_eq!(metadata["requirement"], "form");
        assert_eq!(metadata["is_final"], "", "a key may stand alone");
        assert!(parse_metadata("filename !!!").is_none(), "no base64");
        assert!(parse_metadata("a YQ==,a Yg==").is_none(), "a key may not come twice");
    }
}
