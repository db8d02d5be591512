//! The command line's acts as functions, so that tests run what people run.

pub mod doctor;
pub mod drivers;
pub mod journey;
pub mod profiles;
pub mod receipt;
