//! What a real server did with pools of several sizes, beside what the simulation expects of it. The measuring itself needs a
//! server and is the program's.

mod calibrate;
mod report;

pub use calibrate::Calibration;
pub use report::{FiguresReport, MeasureReport, MeasuredReport};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// So many clients, each again as soon as it has its answer.
    Clients(u32),
    /// By chance, so many per second, whether answers come or not.
    Rate(f64),
}

/// One request that ended well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// From the moment it should have started to the connection, in seconds.
    pub wait_s: f64,
    /// From the connection to its return.
    pub hold_s: f64,
}

/// What a round brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Round {
    /// The requests that ended well.
    pub timings: Vec<Timing>,
    /// Over how many seconds they were counted.
    pub counted_s: f64,
    /// Requests with a statement that the server refused.
    pub failed: u64,
    /// In the server's words.
    pub first_failure: Option<String>,
    /// Requests that were not begun because the line was full.
    pub dropped: u64,
}
