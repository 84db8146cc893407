//! What `plan simulate` says: a report for programs, tables and a picture for people. Everything is said from the report,
//! so that all of it says the same.

mod chart;
mod human;
mod report;
mod sentence;

pub use chart::chart;
pub use human::{Text, human};
pub use report::{
    EstimateReport, ExpectedReport, KneeReport, LoadReport, RowReport, SimulationReport, SpreadReport,
    WordsReport,
};

/// Said where nobody measured the server's contention.
pub const CONTENTION_ASSUMED: &str = "contention on the server: sigma 0.01, kappa 0.0005; measure yours with pgbench at several client counts and give them";
/// Said where nobody measured a backend.
pub const MEMORY_ASSUMED: &str = "memory of a connection: 7 MiB, an idle backend that has done some work";
/// Said where nobody told the server's cores.
pub const CORES_UNKNOWN: &str = "the server is never the bottleneck, for its cores were not given";
