//! Drivers to download: large files over lines that break, checked before anybody opens them.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use certdesk_contract::{driver::DriverPackage, path};
use futures_util::StreamExt as _;
use http::{StatusCode, header};
use reqwest::{Method, Response};
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt as _,
};
use tokio_util::sync::CancellationToken;

use crate::{FileGuard, MAX_JSON, Portal, PortalError, Progress, error, hash_file, upload::stalled, wire::Answer};

impl Portal {
    /// The drivers the service offers, for all systems.
    pub async fn drivers(&self) -> Result<Vec<DriverPackage>, PortalError> {
        self.get(path::DRIVERS).await
    }

    /// Fetches a package into `file` and goes on where an earlier try ended. `progress` is told the bytes that are there.
    /// What it holds afterwards is not checked: see [`Portal::driver_is_whole`].
    ///
    /// # Errors
    /// [`PortalError::Unreachable`] where the line breaks: what came is kept. [`PortalError::Garbled`] where more comes
    /// than was announced. [`PortalError::DiskFull`]; [`PortalError::File`] where it cannot be written for another reason.
    pub async fn fetch_driver(
        &self,
        package: &DriverPackage,
        file: &Path,
        progress: Progress,
        cancel: &CancellationToken,
    ) -> Result<(), PortalError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(PortalError::Cancelled),
            fetched = self.fetch(package, file, &progress) => fetched,
        }
    }

    /// Whether `file` is, byte for byte, what the service announced.
    ///
    /// # Errors
    /// As [`hash_file`].
    pub async fn driver_is_whole(
        package: &DriverPackage,
        file: &Path,
        cancel: &CancellationToken,
    ) -> Result<bool, PortalError> {
        let guard = FileGuard::of(file)?;
        if guard.bytes != package.bytes {
            return Ok(false);
        }
        let found = hash_file(file, guard, std::sync::Arc::new(|_| ()), cancel).await?;
        Ok(found == package.sha256)
    }

    async fn fetch(&self, package: &DriverPackage, path: &Path, progress: &Progress) -> Result<(), PortalError> {
        let broken = |error: io::Error| PortalError::file(&error);
        let mut file = OpenOptions::new().append(true).create(true).open(path).await.map_err(broken)?;
        let mut here = file.metadata().await.map_err(broken)?.len();
        // Longer than it may become: of another package, or damaged.
        if here > package.bytes {
            here = 0;
            file.set_len(0).await.map_err(broken)?;
        }
        progress(here);
        if here == package.bytes {
            return Ok(());
        }
        let mut response = self.ask(package, here).await?;
        if here > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
            // A service or a proxy that sends all of it again: then all of it is taken again.
            here = 0;
            file.set_len(0).await.map_err(broken)?;
            if response.status() != StatusCode::OK {
                response = self.ask(package, 0).await?;
            }
        }
        if !response.status().is_success() {
            let refused = Answer::read(http::Response::from(response), MAX_JSON).await?.success();
            return Err(refused.err().unwrap_or_else(|| PortalError::Garbled("no driver".into())));
        }
        if here > 0 && range_start(&response) != Some(here) {
            return Err(PortalError::Garbled("another range than was asked for".into()));
        }
        let moved = AtomicU64::new(here);
        let written = tokio::select! {
            written = self.write(response, &mut file, package.bytes, &moved, progress) => written,
            () = stalled(&moved) => Err(PortalError::timeout()),
        };
        // Also of a download that broke: what came is on disk when it is said to be.
        file.sync_data().await.map_err(broken)?;
        written
    }

    async fn ask(&self, package: &DriverPackage, from: u64) -> Result<Response, PortalError> {
        let mut request = self.request(Method::GET, &path::driver(&package.id));
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        self.execute(request.build().map_err(|error| error::from_source(&error))?).await
    }

    async fn write(
        &self,
        response: Response,
        file: &mut File,
        most: u64,
        moved: &AtomicU64,
        progress: &Progress,
    ) -> Result<(), PortalError> {
        let mut body = response.bytes_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| error::from_source(&error))?;
            let here = moved.load(Ordering::Relaxed) + piece.len() as u64;
            if here > most {
                return Err(PortalError::Garbled("the driver is larger than announced".into()));
            }
            self.inner.pace.admit(piece.len()).await;
            file.write_all(&piece).await.map_err(|error| PortalError::file(&error))?;
            moved.store(here, Ordering::Relaxed);
            progress(here);
        }
        // The line may end early and look like an end.
        if moved.load(Ordering::Relaxed) < most {
            Err(PortalError::Unreachable("the download ended early".into()))
        } else {
            Ok(())
        }
    }
}

/// The first byte of `Content-Range: bytes 300-787/788`.
fn range_start(response: &Response) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}
