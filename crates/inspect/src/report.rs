//! What is said to programs: versioned JSON. Additions only within a version; the schemas are committed
//! (`docs/schema/`) and generated from these types.

mod close;
mod common;
mod status;
mod watch;

pub use close::{ApplicationReport, CloseReport, EndReport, VictimReport, VictimResult};
pub use common::{Failure, FailureReport, LimitReport, Target, Visibility};
pub use status::{GroupReport, SessionReport, StatusReport};
pub use watch::WatchReport;
