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
    /// Requests that ended with an error while it counted.
    pub failed: u64,
    /// The first error, whether it counted already or not.
    pub first_failure: Option<String>,
    /// Requests that were not begun, while it counted, because the line was full.
    pub dropped: u64,
    /// Requests in line when it began to count.
    pub waiting_at_begin: u64,
    /// Requests in line when it ended.
    pub waiting_at_end: u64,
    /// Connections that were lost on the way, warm-up and end included.
    pub lost: u64,
    /// Those of them that could not be dialled again.
    pub missing: u32,
    /// Sessions that the server had not ended yet when the next round began.
    pub staying: u32,
}

impl Round {
    /// Whether as many requests ended as came: the line did not grow by more than chance makes it grow and shrink.
    pub fn keeps_up(&self) -> bool {
        let grown = self.waiting_at_end.saturating_sub(self.waiting_at_begin) as f64;
        let ended = self.timings.len() as f64 + self.failed as f64;
        // Of so many that come by chance, two deviations.
        self.dropped == 0 && grown <= 2.0 * (ended + grown).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(ended: usize, waiting_at_begin: u64, waiting_at_end: u64) -> Round {
        let timings = vec![Timing { wait_s: 0.0, hold_s: 0.01 }; ended];
        Round { timings, waiting_at_begin, waiting_at_end, ..Round::default() }
    }

    #[test]
    fn a_line_that_grows_by_more_than_chance_does_not_keep_up() {
        assert!(round(1000, 0, 60).keeps_up(), "chance alone does that");
        assert!(!round(1000, 0, 70).keeps_up());
        assert!(round(1000, 38, 38).keeps_up(), "clients that ask again at once always wait");
        assert!(!round(0, 0, 50).keeps_up(), "nothing ended at all");
        assert!(!Round { dropped: 1, ..round(1000, 20_000, 20_000) }.keeps_up());
    }
}
