//! The reference portal service: accounts, applications, uploads, review and a demo certificate authority behind one
//! HTTPS address, on one machine, without set-up.
//!
//! Knows the whole contract (`certdesk-contract`) and keeps what it acknowledged: SQLite with full synchronisation,
//! files flushed before they are counted. Is kept from knowing tokens and windows. **It is not a licensed certificate
//! authority**: its certificates prove that the software works, nothing about a person.
//!
//! Read from the outside in: [`Service`] (TLS, connections), `http` (paths to acts), then one module per subject, then
//! `store` (one file per table).

mod accounts;
mod announcements;
mod applications;
pub mod audit;
mod businesses;
mod ca;
mod catalogue;
mod challenges;
mod changes;
mod clock;
mod codes;
mod config;
mod consents;
mod demo;
mod desk;
mod drafts;
pub mod drivers;
mod failure;
mod hidden;
mod http;
mod idempotency;
mod notices;
mod openapi;
mod pace;
mod passwords;
mod portal;
mod profile;
pub mod profiles;
mod queries;
mod random;
mod receipts;
mod recovery;
pub mod review;
mod revocation;
mod server;
mod sessions;
mod signatures;
mod sms;
pub mod staff;
mod store;
mod tls;
mod uploads;
mod verdicts;

pub use clock::Clock;
pub use config::{Config, DemoSecret, Limits, Rate, Tls};
pub use openapi::openapi_json;
pub use revocation::{import_announcements, revoke};
pub use server::{Running, Service, StartError};

/// Said wherever somebody could take this service for more than it is.
pub const NOT_LICENSED: &str =
    "This service is NOT a licensed certificate authority (本服务不是经许可的电子认证服务机构).";
