//! Drives the real window, as a person would see it: a display and message bus of its own, WebKitWebDriver on a port of
//! its own, and the program built with its feature `e2e` (any other build refuses to be driven).
//!
//! Knows the window by its `data-testid` marks and its visible words; kept from knowing what is behind them.

mod dialog;
mod hands;
mod judge;
pub mod keys;
pub mod tour;
mod window;
mod within;

pub use dialog::FileDialog;
pub use judge::Finding;
pub use window::{Start, Window};
