//! Uploads: hash first, then chunks in order (tus 1.0.0, see [`certdesk_contract::upload`]), in constant memory.
//!
//! A chunk is as large as the line carries in some seconds (`pace`).
//! A file is read three times at most (whole hash, checksum of a chunk, its bytes) and never held: the checksums of the
//! largest chunks are taken beside the whole hash ([`prepare`]), that of another while the chunk before it travels.
//! Whatever breaks, [`Portal::upload_offset`] tells where to go on.

use std::{
    collections::HashMap,
    fs::{File, Metadata},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{ProblemCode, path, signature::CONTENT_DIGEST, upload as tus};
use certdesk_domain::RequirementId;
use futures_util::{Stream, TryStreamExt as _, stream};
use http::header;
use reqwest::Method;
use ring::digest;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{MAX_JSON, Portal, PortalError, pace::BUFFER, signing::NEXT_SECOND};

/// A chunk of which nothing moved for so long is given up. Longer than a slow line needs to drain what the system
/// has taken over from us.
const STALL: Duration = Duration::from_secs(120);
/// How often in a row the service may name another offset before something is wrong for good.
const MAX_REPOSITIONS: u32 = 3;

const TUS_RESUMABLE: &str = "tus-resumable";
const UPLOAD_OFFSET: &str = "upload-offset";
const UPLOAD_LENGTH: &str = "upload-length";
const UPLOAD_METADATA: &str = "upload-metadata";
const UPLOAD_CHECKSUM: &str = "upload-checksum";

/// Is told bytes done, from wherever the work happens; must not block.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// What is uploaded, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSpec {
    /// The case.
    pub application: Uuid,
    /// Which requirement it meets.
    pub requirement: RequirementId,
    /// Name of the file, for people.
    pub file_name: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the whole file, lower-case hex, as [`hash_file`] gives it.
    pub sha256: String,
}

/// What is sent: a file as it lies there, or what is read of it through something else, such as a seal.
#[derive(Clone)]
pub struct Source {
    path: PathBuf,
    through: Option<Through>,
    /// SHA-256 of its sections that are known, by their offset and bytes.
    checksums: Arc<HashMap<(u64, u64), digest::Digest>>,
}

/// Opens a file to read what is in it.
pub type Through = Arc<dyn Fn(&Path) -> io::Result<Box<dyn Content>> + Send + Sync>;

/// What is read of a file, from any place of it.
pub trait Content: io::Read + io::Seek + Send {}

impl<T: io::Read + io::Seek + Send> Content for T {}

impl Source {
    /// Read by `through`, which answers for the content being what it was: any change is an error of reading it
    /// (`InvalidData`).
    pub fn through(path: &Path, through: Through) -> Self {
        Self { path: path.to_owned(), through: Some(through), checksums: Arc::default() }
    }

    fn open(&self) -> io::Result<Box<dyn Content>> {
        match &self.through {
            Some(through) => through(&self.path),
            None => Ok(Box::new(File::open(&self.path)?)),
        }
    }
}

impl<T: AsRef<Path> + ?Sized> From<&T> for Source {
    fn from(path: &T) -> Self {
        Self { path: path.as_ref().to_owned(), through: None, checksums: Arc::default() }
    }
}

/// How a file was when it was picked. A file that differs from it is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileGuard {
    /// Size.
    pub bytes: u64,
    /// Last modification, nanoseconds since 1970; negative before.
    pub modified_ns: i64,
}

impl FileGuard {
    /// How the file is now.
    ///
    /// # Errors
    /// [`PortalError::FileGone`], [`PortalError::File`].
    pub fn of(path: &Path) -> Result<Self, PortalError> {
        std::fs::metadata(path).map(|metadata| Self::from(&metadata)).map_err(|error| PortalError::file(&error))
    }

    fn check(self, file: &Source) -> Result<(), PortalError> {
        let now = Self::of(&file.path)?;
        if file.through.is_some() || now == self { Ok(()) } else { Err(PortalError::FileChanged) }
    }
}

impl From<&Metadata> for FileGuard {
    fn from(metadata: &Metadata) -> Self {
        // A system without modification times has 0 always. Scanners and unpacked archives date files before 1970.
        let nanoseconds = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        let modified_ns = metadata.modified().map_or(0, |at| match at.duration_since(UNIX_EPOCH) {
            Ok(since) => nanoseconds(since),
            Err(before) => -nanoseconds(before.duration()),
        });
        Self { bytes: metadata.len(), modified_ns }
    }
}

/// SHA-256 of a file, lower-case hex. Reads it off the async threads, a buffer at a time.
///
/// # Errors
/// [`PortalError::FileGone`], [`PortalError::FileChanged`], [`PortalError::File`], [`PortalError::Cancelled`].
pub async fn hash_file(
    file: impl Into<Source>,
    guard: FileGuard,
    progress: Progress,
    cancel: &CancellationToken,
) -> Result<String, PortalError> {
    let (file, cancel) = (file.into(), cancel.clone());
    let hash = move || {
        guard.check(&file)?;
        let digest = hash_section(&file, 0, guard.bytes, &cancel, |done| progress(done))?;
        guard.check(&file)?;
        Ok(digest.as_ref().iter().map(|b| format!("{b:02x}")).collect())
    };
    spawn_blocking(hash).await.map_err(|_| PortalError::Cancelled)?
}

/// SHA-256 of a file as [`hash_file`] gives it, and the file with the checksums of its chunks, taken beside it:
/// [`Portal::send`] need not take them then.
///
/// # Errors
/// As [`hash_file`].
pub async fn prepare(
    file: impl Into<Source>,
    guard: FileGuard,
    progress: Progress,
    cancel: &CancellationToken,
) -> Result<(String, Source), PortalError> {
    let file = file.into();
    let beside = cancel.child_token();
    let _ends_with_us = beside.clone().drop_guard();
    let checksums = {
        let file = file.clone();
        spawn_blocking(move || {
            let chunks = (0..guard.bytes.div_ceil(tus::CHUNK_BYTES)).map(|number| number * tus::CHUNK_BYTES);
            let checksum = |offset: u64| {
                let bytes = tus::CHUNK_BYTES.min(guard.bytes - offset);
                hash_section(&file, offset, bytes, &beside, |_| ()).map(|digest| ((offset, bytes), digest))
            };
            chunks.map(checksum).collect::<Result<HashMap<_, _>, _>>()
        })
    };
    let sha256 = hash_file(file.clone(), guard, progress, cancel).await?;
    let checksums = checksums.await.map_err(|_| PortalError::Cancelled)??;
    Ok((sha256, Source { checksums: checksums.into(), ..file }))
}

impl Portal {
    /// Announces an upload; answers its name.
    pub async fn create_upload(&self, spec: &UploadSpec) -> Result<Uuid, PortalError> {
        let metadata = [
            (tus::META_APPLICATION, spec.application.to_string()),
            (tus::META_REQUIREMENT, spec.requirement.0.clone()),
            (tus::META_FILENAME, spec.file_name.clone()),
            (tus::META_SHA256, spec.sha256.clone()),
        ];
        let metadata = metadata.map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).join(",");
        let request = self
            .request(Method::POST, path::UPLOADS)
            .header(TUS_RESUMABLE, tus::TUS_VERSION)
            .header(UPLOAD_LENGTH, spec.bytes)
            .header(UPLOAD_METADATA, metadata);
        let answer = self.send_request(request, MAX_JSON).await?.success()?;
        // Only the name is taken from the location: where to send is our own configuration's matter.
        let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = location.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        name.parse().map_err(|_| PortalError::Garbled("the upload has no location".into()))
    }

    /// Bytes of an upload that the service holds for good.
    pub async fn upload_offset(&self, id: Uuid) -> Result<u64, PortalError> {
        let request = self.request(Method::HEAD, &path::upload(id)).header(TUS_RESUMABLE, tus::TUS_VERSION);
        let answer = self.send_request(request, MAX_JSON).await?.success()?;
        answer.number(UPLOAD_OFFSET).ok_or_else(no_offset)
    }

    /// Sends a file from `from` to its end. `progress` is told how many bytes of the whole file are under way.
    ///
    /// # Errors
    /// [`PortalError::FileGone`] and [`PortalError::FileChanged`] where the file is not as `guard` says;
    /// [`PortalError::Unreachable`] where the way breaks: ask for the offset, then send again.
    pub async fn send(
        &self,
        id: Uuid,
        file: impl Into<Source>,
        guard: FileGuard,
        from: u64,
        progress: Progress,
        cancel: &CancellationToken,
    ) -> Result<(), PortalError> {
        let file = &file.into();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(PortalError::Cancelled),
            sent = self.send_all(id, file, guard, from, &progress, cancel) => match sent {
                // A file that shrinks or vanishes breaks the request first; the file is the reason.
                Err(error) => guard.check(file).and(Err(error)),
                Ok(()) => Ok(()),
            },
        }
    }

    /// Gives an upload up; one that is gone already is no failure.
    pub async fn terminate(&self, id: Uuid) -> Result<(), PortalError> {
        let request = self.request(Method::DELETE, &path::upload(id)).header(TUS_RESUMABLE, tus::TUS_VERSION);
        match self.done(request).await {
            Err(PortalError::Problem(problem))
                if matches!(problem.code, ProblemCode::NotFound | ProblemCode::UploadGone) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    async fn send_all(
        &self,
        id: Uuid,
        file: &Source,
        guard: FileGuard,
        from: u64,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), PortalError> {
        if from > guard.bytes {
            return Err(no_offset());
        }
        let mut repositions = 0;
        let mut signed_anew = false;
        let begin = |offset: u64| {
            let most = match self.inner.pace.chunk() {
                // To where the next checksum begins that may be known.
                tus::CHUNK_BYTES => tus::CHUNK_BYTES - offset % tus::CHUNK_BYTES,
                less => less,
            };
            Chunk::begin(file, offset, most.min(guard.bytes.saturating_sub(offset)), cancel)
        };
        let mut chunk = begin(from);
        while chunk.bytes > 0 {
            guard.check(file)?;
            let checksum = chunk.checksum().await?;
            let next = begin(chunk.end());
            let begun = Instant::now();
            let sent = self.patch(id, file, &chunk, &checksum, progress).await;
            match &sent {
                Ok(_) => self.inner.pace.took(chunk.bytes, begun.elapsed()),
                Err(PortalError::Unreachable(_)) => self.inner.pace.broke(),
                Err(_) => {}
            }
            match sent {
                Ok(offset) if offset == chunk.end() => (chunk, repositions, signed_anew) = (next, 0, false),
                Ok(_) => return Err(PortalError::Garbled("the upload stands where it was not sent to".into())),
                // The refusal told the service's time.
                Err(PortalError::Problem(problem)) if problem.code == ProblemCode::SignatureExpired && !signed_anew => {
                    signed_anew = true;
                    tokio::time::sleep(NEXT_SECOND).await;
                    chunk = begin(chunk.offset);
                }
                Err(error) if repositions < MAX_REPOSITIONS && may_stand_elsewhere(&error) => {
                    repositions += 1;
                    let offset = match self.upload_offset(id).await {
                        Ok(offset) if offset != chunk.offset && offset <= guard.bytes => offset,
                        Err(refused @ PortalError::Problem(_)) => return Err(refused),
                        _ => return Err(error),
                    };
                    chunk = begin(offset);
                }
                Err(other) => return Err(other),
            }
        }
        guard.check(file)
    }

    /// Sends one chunk; answers the service's offset after it.
    async fn patch(
        &self,
        id: Uuid,
        file: &Source,
        chunk: &Chunk,
        checksum: &str,
        progress: &Progress,
    ) -> Result<u64, PortalError> {
        let (file, offset) = (file.clone(), chunk.offset);
        let open = move || {
            let mut content = file.open()?;
            content.seek(SeekFrom::Start(offset)).map(|_| content)
        };
        let content = spawn_blocking(open).await.map_err(|_| PortalError::Cancelled)?;
        let content = content.map_err(|error| PortalError::file(&error))?;
        let moved = Arc::new(AtomicU64::new(chunk.offset));
        let counted = {
            let (moved, progress) = (moved.clone(), progress.clone());
            move |piece: &bytes::Bytes| {
                let length = piece.len() as u64;
                progress(moved.fetch_add(length, Ordering::Relaxed) + length);
            }
        };
        let portal = self.clone();
        let paced = move |piece: bytes::Bytes| {
            let portal = portal.clone();
            async move {
                portal.inner.pace.admit(piece.len()).await;
                Ok(piece)
            }
        };
        let pieces = pieces(content, chunk.bytes, self.inner.pace.buffer());
        let body = pieces.and_then(paced).inspect_ok(counted);
        let request = self
            .request(Method::PATCH, &path::upload(id))
            .header(TUS_RESUMABLE, tus::TUS_VERSION)
            .header(UPLOAD_OFFSET, chunk.offset)
            .header(UPLOAD_CHECKSUM, format!("sha256 {checksum}"))
            // The same digest for the signature: the chunk is not read for it once more.
            .header(CONTENT_DIGEST, format!("sha-256=:{checksum}:"))
            .header(header::CONTENT_TYPE, tus::OFFSET_OCTET_STREAM)
            .header(header::CONTENT_LENGTH, chunk.bytes)
            .body(reqwest::Body::wrap_stream(body));
        let answer = tokio::select! {
            answer = self.send_unhurried(request, MAX_JSON) => answer?,
            () = stalled(&moved) => return Err(PortalError::timeout()),
        };
        answer.success()?.number(UPLOAD_OFFSET).ok_or_else(no_offset)
    }
}

/// A section of the file.
struct Chunk {
    offset: u64,
    bytes: u64,
    checksum: Checksum,
}

enum Checksum {
    Known(digest::Digest),
    BeingTaken(JoinHandle<Result<digest::Digest, PortalError>>),
}

impl Chunk {
    fn begin(file: &Source, offset: u64, bytes: u64, cancel: &CancellationToken) -> Self {
        let checksum = match file.checksums.get(&(offset, bytes)) {
            Some(known) => Checksum::Known(*known),
            None => {
                let (file, cancel) = (file.clone(), cancel.clone());
                Checksum::BeingTaken(spawn_blocking(move || hash_section(&file, offset, bytes, &cancel, |_| ())))
            }
        };
        Self { offset, bytes, checksum }
    }

    fn end(&self) -> u64 {
        self.offset + self.bytes
    }

    /// base64, as the header has it.
    async fn checksum(&mut self) -> Result<String, PortalError> {
        let digest = match &mut self.checksum {
            Checksum::Known(digest) => *digest,
            Checksum::BeingTaken(task) => task.await.map_err(|_| PortalError::Cancelled)??,
        };
        Ok(STANDARD.encode(digest))
    }
}

/// The next `bytes` bytes, `most` at a time, each read off the async threads.
fn pieces(content: Box<dyn Content>, bytes: u64, most: usize) -> impl Stream<Item = io::Result<bytes::Bytes>> {
    stream::try_unfold((content, bytes), move |(mut content, left)| async move {
        let most = usize::try_from(left).map_or(most, |left| left.min(most));
        let read = move || {
            let mut piece = vec![0; most];
            let length = content.read(&mut piece)?;
            piece.truncate(length);
            Ok::<_, io::Error>((content, piece))
        };
        let (content, piece) = spawn_blocking(read).await.map_err(io::Error::other)??;
        let left = left - piece.len() as u64;
        Ok((!piece.is_empty()).then(|| (piece.into(), (content, left))))
    })
}

/// SHA-256 of `bytes` bytes from `offset`. Blocks.
fn hash_section(
    path: &Source,
    offset: u64,
    bytes: u64,
    cancel: &CancellationToken,
    progress: impl Fn(u64),
) -> Result<digest::Digest, PortalError> {
    let read = || -> io::Result<Option<digest::Digest>> {
        let mut file = path.open()?;
        file.seek(SeekFrom::Start(offset))?;
        let mut hash = digest::Context::new(&digest::SHA256);
        let mut buffer = vec![0; BUFFER];
        let mut left = bytes;
        while left > 0 {
            if cancel.is_cancelled() {
                return Ok(None);
            }
            let most = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
            match file.read(&mut buffer[..most]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    hash.update(&buffer[..length]);
                    left -= length as u64;
                    progress(bytes - left);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(hash.finish()))
    };
    match read() {
        Ok(Some(digest)) => Ok(digest),
        Ok(None) => Err(PortalError::Cancelled),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(PortalError::FileChanged),
        Err(error) => Err(PortalError::file(&error)),
    }
}

/// Ends once nothing moved for [`STALL`].
pub(crate) async fn stalled(moved: &AtomicU64) {
    loop {
        let before = moved.load(Ordering::Relaxed);
        tokio::time::sleep(STALL).await;
        if moved.load(Ordering::Relaxed) == before {
            return;
        }
    }
}

/// Whether only the service can tell where the upload stands after this: an acknowledgement may have been lost, or a
/// refusal, since a service need not read a whole chunk before it says no and closes.
fn may_stand_elsewhere(error: &PortalError) -> bool {
    match error {
        PortalError::Unreachable(_) => true,
        PortalError::Problem(problem) => problem.code == ProblemCode::OffsetMismatch,
        _ => false,
    }
}

fn no_offset() -> PortalError {
    PortalError::Garbled("the upload has no offset".into())
}
