//! What is said to programs: versioned JSON. Additions only within a version; the schemas are committed
//! (`docs/schema/`) and generated from these types.

mod blocking;
mod close;
mod common;
mod doctor;
mod explain;
mod failure;
mod health;
mod pooler;
mod schema;
mod status;
mod watch;

pub use blocking::{BlockingReport, ContenderReport};
pub use close::{ApplicationReport, CloseReport, EndReport, VictimReport, VictimResult};
pub use common::{Failure, FailureReport, LimitReport, Target, Visibility};
pub use doctor::{
    AdviceReport, DoctorReport, MemoryReport, NoteReport, Place, PresetReport, PresetSetting, RemedyReport,
};
pub use explain::{Bearing, CauseReport, ExplainReport, NearPage, PageReport};
pub use health::{HealthReport, Verdict};
pub use pooler::PoolerReport;
pub use schema::{schema_of, schemas};
pub use status::{GroupReport, PlannedReport, SessionReport, StatusReport};
pub use watch::WatchReport;
