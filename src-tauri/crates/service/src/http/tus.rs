//! tus 1.0.0 on HTTP: headers in, headers out.

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{ProblemCode, path, signature, upload};
use certdesk_domain::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use time::macros::format_description;

use super::{App, extract::Id};
use crate::{
    failure::{Failure, Outcome, bad_request_as},
    sessions::Caller,
    uploads::{self, Announcement, CHECKSUMS, Chunk},
};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static(signature::CONTENT_DIGEST);

/// What this server can.
pub(super) async fn options() -> Response {
    let headers = [
        ("tus-version", upload::TUS_VERSION),
        ("tus-extension", upload::TUS_EXTENSIONS),
        ("tus-checksum-algorithm", CHECKSUMS),
    ];
    answer((StatusCode::NO_CONTENT, headers).into_response())
}

/// `POST`: creation.
pub(super) async fn create(State(portal): App, caller: Caller, headers: HeaderMap) -> Response {
    let created = async {
        check_version(&headers)?;
        let length = number(&headers, &LENGTH)?.ok_or(ProblemCode::BadRequest)?;
        let metadata = text(&headers, &METADATA)?.unwrap_or_default().to_owned();
        uploads::create(&portal, caller, Announcement { length, metadata }).await
    };
    match created.await {
        Ok((id, expires_at)) => {
            let headers = [(header::LOCATION, path::upload(id)), (EXPIRES, http_date(expires_at))];
            answer((StatusCode::CREATED, headers).into_response())
        }
        Err(failure) => answer(failure.into_response()),
    }
}

/// `HEAD`: how far an upload has come.
pub(super) async fn head(State(portal): App, caller: Caller, Id(id): Id, headers: HeaderMap) -> Response {
    let progress = async {
        check_version(&headers)?;
        uploads::progress(&portal, &caller, id).await
    };
    match progress.await {
        Ok(progress) => {
            let mut response =
                [(OFFSET, progress.offset.to_string()), (LENGTH, progress.length.to_string())].into_response();
            if let Ok(metadata) = HeaderValue::from_str(&progress.metadata) {
                response.headers_mut().insert(METADATA, metadata);
            }
            expiring(answer(response), progress.expires_at)
        }
        Err(failure) => answer(failure.into_response()),
    }
}

/// `PATCH`: the next chunk.
pub(super) async fn patch(State(portal): App, caller: Caller, Id(id): Id, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let appended = async {
        let chunk = chunk(headers, body)?;
        if caller.session_key.is_some() {
            check_digest(headers, chunk.checksum.as_deref())?;
        }
        uploads::append(&portal, &caller, id, chunk).await
    };
    match appended.await {
        Ok((offset, expires_at)) => {
            let response = (StatusCode::NO_CONTENT, [(OFFSET, offset.to_string())]).into_response();
            expiring(answer(response), expires_at)
        }
        Err(failure) => answer(failure.into_response()),
    }
}

/// `DELETE`: termination.
pub(super) async fn delete(State(portal): App, caller: Caller, Id(id): Id, headers: HeaderMap) -> Response {
    let ended = async {
        check_version(&headers)?;
        uploads::terminate(&portal, &caller, id).await
    };
    answer(ended.await.map_or_else(Failure::into_response, |()| StatusCode::NO_CONTENT.into_response()))
}

fn chunk(headers: &HeaderMap, body: Body) -> Outcome<Chunk> {
    check_version(headers)?;
    let media_type = text(headers, &header::CONTENT_TYPE)?.unwrap_or_default();
    if media_type != upload::OFFSET_OCTET_STREAM {
        return Err(bad_request_as(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    Ok(Chunk {
        offset: number(headers, &OFFSET)?.ok_or(ProblemCode::BadRequest)?,
        length: number(headers, &header::CONTENT_LENGTH)?,
        checksum: text(headers, &CHECKSUM)?.map(str::to_owned),
        body,
    })
}

/// The digest that the session's key signed must be the checksum that the chunk is held to.
fn check_digest(headers: &HeaderMap, checksum: Option<&str>) -> Outcome<()> {
    let Some(digest) = text(headers, &CONTENT_DIGEST)? else { return Ok(()) };
    let digest = signature::parse_content_digest(digest).ok_or(ProblemCode::BadSignature)?;
    let expected = format!("sha256 {}", STANDARD.encode(digest));
    if checksum == Some(expected.as_str()) { Ok(()) } else { Err(ProblemCode::BadSignature.into()) }
}

/// Another or no protocol version is answered with 412 and the version that is spoken here.
fn check_version(headers: &HeaderMap) -> Outcome<()> {
    if headers.get(RESUMABLE).is_some_and(|v| v.as_bytes() == upload::TUS_VERSION.as_bytes()) {
        return Ok(());
    }
    Err(bad_request_as(StatusCode::PRECONDITION_FAILED))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Outcome<Option<&'a str>> {
    Ok(headers.get(name).map(HeaderValue::to_str).transpose().map_err(|_| ProblemCode::BadRequest)?)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Outcome<Option<u64>> {
    // `parse` alone would take a sign.
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    Ok(text(headers, name)?.map(|text| digits(text).ok_or(ProblemCode::BadRequest)).transpose()?)
}

/// Every answer names the protocol version; a refusal of another version names ours.
fn answer(mut response: Response) -> Response {
    let version = HeaderValue::from_static(upload::TUS_VERSION);
    if response.status() == StatusCode::PRECONDITION_FAILED {
        response.headers_mut().insert("tus-version", version.clone());
    }
    response.headers_mut().insert(RESUMABLE, version);
    response
}

fn expiring(mut response: Response, expires_at: Option<Timestamp>) -> Response {
    if let Some(value) = expires_at.and_then(|at| HeaderValue::from_str(&http_date(at)).ok()) {
        response.headers_mut().insert(EXPIRES, value);
    }
    response
}

/// RFC 9110 §5.6.7.
fn http_date(at: Timestamp) -> String {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    at.format(format).unwrap_or_default()
}
