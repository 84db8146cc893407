//! What is said to programs: versioned JSON. Additions only within a version; the schemas are committed
//! (`docs/schema/`) and generated from these types.

mod common;
mod doctor;
mod schema;
mod status;

pub use common::{Failure, FailureReport, LimitReport, Target, Visibility};
pub use doctor::{
    AdviceReport, DoctorReport, MemoryReport, NoteReport, Place, PresetReport, PresetSetting, RemedyReport,
};
pub use schema::schemas;
pub use status::{GroupReport, SessionReport, StatusReport};
