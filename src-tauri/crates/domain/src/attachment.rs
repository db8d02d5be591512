//! 电子文件: what kind of file is asked for, and which kind a file really is.

use serde::{Deserialize, Serialize};

/// Name of one row in the service's list of required files, for example `business_license`.
///
/// Chosen by the service; at most 64 characters of `[a-z0-9_]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(transparent)]
pub struct RequirementId(pub String);

/// A kind of file that can be asked for. Told by content, never by the name (see [`FileKind::sniff`]).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// `application/pdf`
    Pdf,
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `video/mp4` (also QuickTime's `qt  ` brand)
    Mp4,
    /// `video/webm`
    Webm,
}

impl FileKind {
    /// How many leading bytes [`FileKind::sniff`] wants to see.
    pub const SNIFF_BYTES: usize = 64;

    /// The kind told by the first bytes of a file, or `None` where it is none of ours.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        match head {
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Self::Png),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Self::Mp4),
            // EBML header; Matroska shares it and names its doc type a little later.
            [0x1A, 0x45, 0xDF, 0xA3, rest @ ..] => rest.windows(4).any(|w| w == b"webm").then_some(Self::Webm),
            _ => None,
        }
    }

    /// The media type (RFC 6838).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
        }
    }

    /// File name endings, without the dot, as the file dialog offers them.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Mp4 => &["mp4", "m4v", "mov"],
            Self::Webm => &["webm"],
        }
    }

    /// Whether this is a moving picture.
    pub fn is_video(self) -> bool {
        matches!(self, Self::Mp4 | Self::Webm)
    }

    /// Whether this is a still picture.
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides_not_the_name() {
        assert_eq!(FileKind::sniff(b"%PDF-1.7\n"), Some(FileKind::Pdf));
        assert_eq!(FileKind::sniff(&[0xFF, 0xD8, 0xFF, 0xE0]), Some(FileKind::Jpeg));
        assert_eq!(FileKind::sniff(b"\x89PNG\r\n\x1a\n...."), Some(FileKind::Png));
        assert_eq!(FileKind::sniff(b"\0\0\0\x20ftypisom"), Some(FileKind::Mp4));
        assert_eq!(
            FileKind::sniff(b"\x1A\x45\xDF\xA3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"),
            Some(FileKind::Webm)
        );
        assert_eq!(FileKind::sniff(b"PK\x03\x04 a Word file"), None, "a Word file is none of the kinds we take");
        assert_eq!(FileKind::sniff(b""), None, "an empty file has no kind");
    }
}
