//! Resumable uploads: tus 1.0.0 with the extensions creation, checksum, expiration and termination.
//!
//! `POST /v1/uploads` carries `Upload-Length` and `Upload-Metadata` with the keys below (values base64, as tus has it).
//! Chunks of [`CHUNK_BYTES`] are PATCHed in order, each with `Upload-Checksum: sha256 <base64>`. The service compares the
//! whole file with `sha256` before it calls it complete.

/// Protocol version, header `Tus-Resumable`.
pub const TUS_VERSION: &str = "1.0.0";
/// Extensions, header `Tus-Extension`.
pub const TUS_EXTENSIONS: &str = "creation,checksum,expiration,termination";
/// Media type of a PATCH body.
pub const OFFSET_OCTET_STREAM: &str = "application/offset+octet-stream";
/// Bytes per PATCH; the last one may be shorter. Also the most a PATCH may carry.
pub const CHUNK_BYTES: u64 = 8 * 1024 * 1024;

/// Metadata key: id of the application.
pub const META_APPLICATION: &str = "application";
/// Metadata key: requirement that the file meets.
pub const META_REQUIREMENT: &str = "requirement";
/// Metadata key: file name.
pub const META_FILENAME: &str = "filename";
/// Metadata key: SHA-256 of the whole file, lower-case hex.
pub const META_SHA256: &str = "sha256";
