//! What is said to programs: versioned JSON. Additions only within a version; the schemas are committed
//! (`docs/schema/`) and generated from these types.

mod blocking;
mod close;
mod common;
mod explain;
mod health;
mod status;

pub use blocking::{BlockingReport, ContenderReport};
pub use close::{ApplicationReport, CloseReport, EndReport, VictimReport, VictimResult};
pub use common::{Failure, FailureReport, LimitReport, Target, Visibility};
pub use explain::{Bearing, CauseReport, ExplainReport, NearPage, PageReport};
pub use health::{HealthReport, Verdict};
pub use status::{GroupReport, SessionReport, StatusReport};
