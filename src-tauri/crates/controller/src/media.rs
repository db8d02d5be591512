//! A loopback door for the video player. Custom protocols cannot play video in WebKitGTK, so the window plays from
//! `http://127.0.0.1:<port>/<token>`: the token names one file that a person picked, is random, and dies with the
//! program. Opened by the first video that is looked at. Serves `GET` and `HEAD` with byte ranges (RFC 9110 §14).

use std::{
    collections::HashMap,
    convert::Infallible,
    io::SeekFrom,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Empty, StreamBody, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Frame, Incoming},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    net::TcpListener,
    sync::OnceCell,
};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::failure::Failure;

/// Bytes per read from disk.
const BUFFER: usize = 64 * 1024;

/// Pause after a call that could not be taken.
const AFTER_A_REFUSAL: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Media {
    port: OnceCell<u16>,
    files: Files,
}

type Files = Arc<Mutex<HashMap<String, Playable>>>;
type Body = BoxBody<Bytes, std::io::Error>;

#[derive(Clone)]
struct Playable {
    path: PathBuf,
    media_type: &'static str,
}

impl Media {
    /// An address that plays this file until the program ends.
    pub(crate) async fn url(&self, path: PathBuf, media_type: &'static str) -> Result<String, Failure> {
        let port = self.port.get_or_try_init(|| open(self.files.clone())).await;
        let port = port.map_err(crate::convert::internal)?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let known = files.iter().find(|(_, playable)| playable.path == path).map(|(token, _)| token.clone());
        let token = known.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        files.insert(token.clone(), Playable { path, media_type });
        Ok(format!("http://127.0.0.1:{port}/{token}"))
    }
}

async fn open(files: Files) -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        loop {
            // Too many open files, a caller gone again: neither shuts the door for good.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(AFTER_A_REFUSAL).await;
                continue;
            };
            let files = files.clone();
            let service = hyper::service::service_fn(move |request| answer(files.clone(), request));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(port)
}

async fn answer(files: Files, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(serve(files, &request).await.unwrap_or_else(|status| {
        let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed());
        *response.status_mut() = status;
        response
    }))
}

async fn serve(files: Files, request: &Request<Incoming>) -> Result<Response<Body>, StatusCode> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let token = request.uri().path().trim_start_matches('/');
    let playable = files.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
    let playable = playable.ok_or(StatusCode::NOT_FOUND)?;
    let mut file = File::open(&playable.path).await.map_err(|_| StatusCode::NOT_FOUND)?;
    let size = file.metadata().await.map_err(|_| StatusCode::NOT_FOUND)?.len();
    let wanted = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let range = match wanted.map(|wanted| byte_range(wanted, size)) {
        Some(Some(range)) => Some(range),
        Some(None) => return Err(StatusCode::RANGE_NOT_SATISFIABLE),
        None => None,
    };
    let (first, last) = range.unwrap_or((0, size.saturating_sub(1)));
    let length = if size == 0 { 0 } else { last - first + 1 };
    file.seek(SeekFrom::Start(first)).await.map_err(|_| StatusCode::NOT_FOUND)?;

    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, playable.media_type)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, "no-store")
        .header("x-content-type-options", "nosniff")
        .header(header::CONTENT_LENGTH, length);
    if range.is_some() {
        response = response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
    }
    let body = if request.method() == Method::HEAD {
        Empty::new().map_err(|never| match never {}).boxed()
    } else {
        let chunks = ReaderStream::with_capacity(file.take(length), BUFFER).map_ok(Frame::data);
        BodyExt::boxed(StreamBody::new(chunks))
    };
    response.body(body).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// First and last byte of a single range, or `None` where it cannot be served.
fn byte_range(wanted: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = wanted.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1)?;
    let range = match (first.parse::<u64>().ok(), last.parse::<u64>().ok()) {
        (Some(first), Some(last)) => (first, last.min(end)),
        (Some(first), None) if last.is_empty() => (first, end),
        (None, Some(suffix)) if first.is_empty() && suffix > 0 => (size.saturating_sub(suffix), end),
        _ => return None,
    };
    (range.0 <= range.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::byte_range;

    #[test]
    fn ranges_as_players_ask_for_them() {
        assert_eq!(byte_range("bytes=0-", 100), Some((0, 99)), "from the start");
        assert_eq!(byte_range("bytes=10-19", 100), Some((10, 19)), "a piece");
        assert_eq!(byte_range("bytes=90-500", 100), Some((90, 99)), "a piece beyond the end stops at the end");
        assert_eq!(byte_range("bytes=-10", 100), Some((90, 99)), "the last ten");
        assert_eq!(byte_range("bytes=100-", 100), None, "beyond the end there is nothing");
        assert_eq!(byte_range("bytes=5-2", 100), None, "a range that runs backwards");
        assert_eq!(byte_range("bytes=0-", 0), None, "nothing of an empty file");
        assert_eq!(byte_range("lines=1-2", 100), None, "another unit");
    }
}
