//! What every proof and the demo stand on: processes that are ended by their own id, a display and a message bus of their
//! own, a portal service on loopback, a software key. Light on purpose: `cargo xtask` builds it before anything else.
//!
//! Kept from knowing the program: it starts binaries and reads what they print. On Windows there is only what the service's
//! tests need.

#[cfg(unix)]
mod bus;
#[cfg(unix)]
mod desktop;
#[cfg(unix)]
mod display;
mod place;
#[cfg(unix)]
mod process;
mod python;
#[cfg(unix)]
mod service;
#[cfg(unix)]
mod soft_key;
mod wait;

#[cfg(unix)]
pub use bus::Bus;
#[cfg(unix)]
pub use desktop::Desktop;
#[cfg(unix)]
pub use display::Display;
pub use place::{copy_folder, program, project_root};
#[cfg(unix)]
pub use process::{Running, descendants, end_tree};
pub use python::python_with;
#[cfg(unix)]
pub use service::{Ready, Service, catalogue_with_open_renewals};
#[cfg(unix)]
pub use soft_key::{SoftKey, softhsm_module};
pub use wait::until;
