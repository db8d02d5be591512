//! Access to tokens (USB keys) through helper processes.
//!
//! Knows the messages to a helper, how one is started, given a deadline, killed and replaced, which drivers a computer
//! has, and how a driver's file is judged before it is loaded. Is kept from knowing PKCS#11 itself and from loading
//! anything: the helper (`certdesk-token-host`) does that, one process for each driver module, so that a driver that
//! crashes or hangs takes nothing along. The same program asks the smart card service and runs a network's proxy script,
//! each in a process that loads no driver. A PIN passes through once and is wiped; no call is ever repeated by this crate.

pub mod card_readers;
pub mod discovery;
pub mod error;
pub mod header;
pub mod message;
pub mod module;
pub mod pin;
pub mod proxy_script;

pub use card_readers::{Card, CardReader, CardServiceError};
pub use certdesk_domain::token::{KeyAlgorithm, ModuleFault, ModuleOrigin, ObjectClass, PinTries, SignatureScheme};
pub use discovery::{FoundModule, Wishes};
pub use error::TokenError;
pub use message::{KeyPair, LibraryInfo, TokenCertificate, TokenInfo, TokenObject};
pub use module::{Deadlines, HostProgram, Module};
pub use pin::Pin;
