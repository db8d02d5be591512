//! What every proof and the demo stand on: processes that are ended by their own id, a display and a message bus of their
//! own, a portal service on loopback, a software key. Light on purpose: `cargo xtask` builds it before anything else.
//!
//! Kept from knowing the program: it starts binaries and reads what they print.

mod bus;
mod desktop;
mod display;
mod place;
mod process;
mod python;
mod service;
mod soft_key;
mod wait;

pub use bus::Bus;
pub use desktop::Desktop;
pub use display::Display;
pub use place::{program, project_root};
pub use process::{Running, descendants, end_tree};
pub use python::python_with;
pub use service::{Ready, Service, catalogue_with_open_renewals};
pub use soft_key::{SoftKey, softhsm_module};
pub use wait::until;
