//! One program without a window: everything a person can do, as methods of [`Controller`], with events for what happens
//! unasked. The window, the command line and the journey tests all drive this.

pub mod bindings;
pub mod command;
pub mod failure;
mod stub;
pub mod view;

/// The program.
pub struct Controller;
