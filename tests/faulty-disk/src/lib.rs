//! A disk that is full, read-only, or loses power, for one folder of one program: preloaded before the C library
//! (`LD_PRELOAD`), on Linux alone.
//!
//! By environment: `CERTDESK_DISK_FOLDER` is the folder that lies on that disk.
//!
//! - `CERTDESK_DISK_FAIL_AT=N` and `CERTDESK_DISK_ERROR=ENOSPC|EROFS|EIO`: from the N-th change on (counted from 1) the
//!   disk refuses, until a file named by `CERTDESK_DISK_HEALED` is there.
//! - `CERTDESK_DISK_LOG=FILE`: each change is written down in the order it happened, and between them what the program
//!   said on its standard output. From that, `faults::disk` makes the disk as a power cut would have left it.

#[cfg(target_os = "linux")]
pub mod changes;
