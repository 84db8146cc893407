//! What the process says about itself.

pub mod format;
pub mod log;
pub mod phrase;
