//! A file of a case, so that nothing in it runs: its type is told from its bytes, never from its name, and its page may
//! do nothing.

use std::{io::SeekFrom, path::Path};

use axum::{body::Body, response::Response};
use certdesk_contract::application::AttachmentRecord;
use certdesk_domain::{FileKind, check::is_invisible};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};

/// Read at a time.
const PIECE: u64 = 64 * 1024;
/// What a file's own page may do: show itself.
const POLICY: &str = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
/// The browser's viewer of PDFs does not work in a sandbox; what the type says it is, no browser takes for a page.
const PDF_POLICY: &str = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'";

/// The kind of a stored file.
pub(super) fn kind(path: &Path) -> Option<FileKind> {
    use std::io::Read as _;
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(FileKind::SNIFF_BYTES as u64).read_to_end(&mut head).ok()?;
    FileKind::sniff(&head)
}

/// Answers a file, or the part of it that is asked for (RFC 9110 §14).
pub(super) async fn serve(
    path: &Path,
    record: &AttachmentRecord,
    download: bool,
    headers: &HeaderMap,
) -> std::io::Result<Response> {
    let mut file = File::open(path).await?;
    let length = file.metadata().await?.len();
    let mut head = Vec::new();
    (&mut file).take(FileKind::SNIFF_BYTES as u64).read_to_end(&mut head).await?;
    let kind = FileKind::sniff(&head);

    let etag = format!("\"{}\"", record.sha256);
    // A part of another version of the file is of no use.
    let same = headers.get(header::IF_RANGE).is_none_or(|given| given.as_bytes() == etag.as_bytes());
    let wanted = headers.get(header::RANGE).filter(|_| same).and_then(|value| value.to_str().ok());
    let part = wanted.map_or(Part::Whole, |range| Part::of(range, length));
    let mut response = Response::new(Body::empty());
    let set = response.headers_mut();
    let mut insert = |name: header::HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            set.insert(name, value);
        }
    };
    insert(header::CONTENT_TYPE, kind.map_or("application/octet-stream", FileKind::media_type).to_owned());
    insert(header::CONTENT_DISPOSITION, disposition(record, kind, download));
    let policy = if kind == Some(FileKind::Pdf) { PDF_POLICY } else { POLICY };
    insert(header::CONTENT_SECURITY_POLICY, policy.to_owned());
    insert(header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin".to_owned());
    insert(header::ACCEPT_RANGES, "bytes".to_owned());
    insert(header::ETAG, etag);
    let (from, to) = match part {
        Part::Nothing => {
            insert(header::CONTENT_RANGE, format!("bytes */{length}"));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
        Part::Whole => (0, length),
        Part::Some(from, to) => {
            insert(header::CONTENT_RANGE, format!("bytes {from}-{}/{length}", to - 1));
            (from, to)
        }
    };
    insert(header::CONTENT_LENGTH, (to - from).to_string());
    if let Part::Some(..) = part {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    file.seek(SeekFrom::Start(from)).await?;
    *response.body_mut() = Body::from_stream(stream::unfold((file, to - from), |(mut file, left)| async move {
        if left == 0 {
            return None;
        }
        let mut piece = vec![0; usize::try_from(left.min(PIECE)).unwrap_or_default()];
        match file.read(&mut piece).await {
            Ok(0) => Some((Err(std::io::ErrorKind::UnexpectedEof.into()), (file, 0))),
            Ok(n) => {
                piece.truncate(n);
                Some((Ok(piece), (file, left - n as u64)))
            }
            Err(error) => Some((Err(error), (file, 0))),
        }
    }));
    Ok(response)
}

/// What of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All of it; also where several ranges are asked for, or none that can be read.
    Whole,
    /// From, and up to but without.
    Some(u64, u64),
    /// What is not there.
    Nothing,
}

impl Part {
    fn of(range: &str, length: u64) -> Self {
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|set| set.split_once('-')) else {
            return Self::Whole;
        };
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let (from, to) = match (first.trim(), last.trim()) {
            ("", last) => match number(last) {
                Some(count) => (length.saturating_sub(count), length),
                None => return Self::Whole,
            },
            (first, "") => match number(first) {
                Some(from) => (from, length),
                None => return Self::Whole,
            },
            (first, last) => match (number(first), number(last)) {
                (Some(from), Some(last)) if from <= last => (from, last.saturating_add(1).min(length)),
                _ => return Self::Whole,
            },
        };
        if from < to { Self::Some(from, to) } else { Self::Nothing }
    }
}

/// `Content-Disposition` (RFC 6266): the applicant's name for the file without what deceives, with the ending of what it
/// really is.
fn disposition(record: &AttachmentRecord, kind: Option<FileKind>, download: bool) -> String {
    let shown = if download || kind.is_none() { "attachment" } else { "inline" };
    let endings = kind.map_or(&["bin"][..], FileKind::extensions);
    let last = record.file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|c| !is_invisible(*c) && !"\"<>:|?*".contains(*c)).take(120).collect();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    if !endings.contains(&ending.as_str()) {
        name = format!("{}.{}", name.trim_matches(['.', ' ']), endings[0]);
    }
    let plain = format!("{}.{}", record.requirement.0, endings[0]);
    format!("{shown}; filename=\"{plain}\"; filename*=UTF-8''{}", percent(&name))
}

/// `ext-value` of RFC 8187.
fn percent(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(b).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use certdesk_domain::RequirementId;

    #[test]
    fn a_range_is_read_as_http_has_it() {
        let part = |range| Part::of(range, 100);
        assert_eq!(part("bytes=0-9"), Part::Some(0, 10));
        assert_eq!(part("bytes=90-"), Part::Some(90, 100));
        assert_eq!(part("bytes=-10"), Part::Some(90, 100));
        assert_eq!(part("bytes=-1000"), Part::Some(0, 100));
        assert_eq!(part("bytes=50-1000"), Part::Some(50, 100));
        assert_eq!((part("bytes=100-"), part("bytes=-0")), (Part::Nothing, Part::Nothing));
        for whole in ["bytes=9-0", "bytes=0-1,5-6", "bytes=a-b", "items=0-1", "bytes=", "bytes=18446744073709551616-"] {
            assert_eq!(part(whole), Part::Whole, "{whole}");
        }
        assert_eq!(Part::of("bytes=0-", 0), Part::Nothing);
        assert_eq!(part("bytes=0-18446744073709551615"), Part::Some(0, 100));
    }

    #[test]
    fn a_files_name_deceives_nobody() {
        let named = |name: &str, kind| {
            let requirement = RequirementId("business_license".into());
            let record = AttachmentRecord {
                requirement,
                upload: uuid::Uuid::nil(),
                file_name: name.into(),
                bytes: 1,
                sha256: String::new(),
                signed_by: None,
            };
            disposition(&record, kind, false)
        };
        let pdf = Some(FileKind::Pdf);
        assert_eq!(
            named("../../etc/执照\u{202E}.PDF", pdf),
            "inline; filename=\"business_license.pdf\"; filename*=UTF-8''%E6%89%A7%E7%85%A7.PDF"
        );
        assert!(named("a.html", pdf).ends_with("''a.html.pdf"));
        assert!(named("x\"\r\nset-cookie: a=b", pdf).ends_with("''xset-cookie%20a%3Db.pdf"));
        assert!(named("a.exe", None).starts_with("attachment; ") && named("a.exe", None).ends_with("''a.exe.bin"));
    }
}
