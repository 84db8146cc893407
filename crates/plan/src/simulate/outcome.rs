//! What came of it.

use super::Estimate;
use super::meter::Event;

/// The figures of a run, the warm-up left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Requests that came, per second.
    pub arrived_per_s: f64,
    /// Requests that ended well, per second.
    pub throughput_per_s: Estimate,
    /// The share of connections that were lent, 0 to 1.
    pub pool_utilisation: Estimate,
    /// The share of the server's cores that ran, 0 to 1; `None` for a server without limit.
    pub server_utilisation: Option<Estimate>,
    /// Requests in line, on average, over all processes.
    pub waiting: Estimate,
    /// Requests in line, at most.
    pub waiting_most: u32,
    /// Seconds from asking to getting, of those that got a connection.
    pub wait_s: Spread,
    /// Seconds from asking to giving back.
    pub latency_s: Spread,
    /// The share of requests that found the line full.
    pub refused_share: f64,
    /// The share of requests that waited in vain.
    pub timed_out_share: f64,
    /// As much ended as came, but for one in a hundred and what the connections hold. If not, the line grows, and the other
    /// figures grow with the duration.
    pub keeps_up: bool,
    /// How long was counted.
    pub measured_s: f64,
    /// The books of the whole run, the warm-up included.
    pub counts: Counts,
}

/// How a time is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Spread {
    pub mean: Estimate,
    pub p50: Estimate,
    pub p90: Estimate,
    pub p95: Estimate,
    pub p99: Estimate,
    /// The longest that was seen: no estimate, longer runs see longer ones.
    pub max: f64,
}

/// Where requests are. `arrived` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Asked for a connection.
    pub arrived: u64,
    /// Gave it back.
    pub done: u64,
    /// Found the line full.
    pub refused: u64,
    /// Waited in vain.
    pub timed_out: u64,
    /// Still in line at the end.
    pub waiting: u64,
    /// Still holding a connection at the end.
    pub holding: u64,
}

impl Counts {
    pub(super) fn add(&mut self, event: Event) {
        match event {
            Event::Arrived => self.arrived += 1,
            Event::Refused => self.refused += 1,
            Event::TimedOut => self.timed_out += 1,
            Event::Done { .. } => self.done += 1,
            Event::Got { .. } => {}
        }
    }
}
