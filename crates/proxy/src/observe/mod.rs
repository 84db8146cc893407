//! What the process says about itself.

pub mod format;
pub mod log;
pub mod metrics_table;
pub mod phrase;
pub mod prometheus;
