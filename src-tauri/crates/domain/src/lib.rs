//! What Certdesk knows about certificates, applicants and cases, without any IO.
//!
//! Pure: no clock, no file, no network, no randomness. Times come in as values. Serde, OpenAPI and TypeScript derives
//! sit on the types because the words are the same on the wire, on the screen and here (design §3); behaviour does not
//! depend on them.

pub mod account;
pub mod application;
pub mod attachment;
pub mod check;
pub mod form;
pub mod mask;
pub mod region;
pub mod revocation;
pub mod token;

pub use account::{AccountKind, IdKind};
pub use application::{Act, Business, NextActor, State};
pub use attachment::{FileKind, RequirementId};
pub use check::Fault;
pub use revocation::RevocationReason;

/// The time of China, by which days are counted and times are shown on paper: eight hours ahead, all year.
pub const CHINA: time::UtcOffset = time::macros::offset!(+8);

/// An instant, UTC. On the wire RFC 3339 (`2026-11-22T08:00:00Z`).
pub type Timestamp = time::OffsetDateTime;
