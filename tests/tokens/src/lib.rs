//! Real PKCS#11 modules, one suite over all of them: what the program asks of a token, asked through its own supervisor
//! (`certdesk-token`) and helper (`certdesk-token-host`), and judged by what `modules.toml` says of each.
//!
//! [`lab`] sets a module up, alone in a folder; [`visit`] does the acts; [`expected`] says what is to come of them.

pub mod certificate;
pub mod doctor;
pub mod expected;
pub mod finding;
pub mod judge;
pub mod lab;
pub mod shown;
pub mod suite;
pub mod visit;
