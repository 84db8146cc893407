//! What two short rounds say of a script and a server.

use super::Round;

/// Holds kept for the simulation to draw from.
const HOLDS_MAX: usize = 20_000;

/// A script on a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// How long it held a connection when nobody else was there, in seconds.
    pub holds_s: Vec<f64>,
    /// Their mean.
    pub hold_alone_s: f64,
    /// Requests per second when every connection of the largest pool was busy.
    pub most_per_s: f64,
    /// Part of the hold that takes no core of the server: the way there and back, sleep, locks, the disk.
    pub application_share: f64,
}

impl Calibration {
    /// Flat out, `most` per second keep all cores busy, so one takes `cores / most` of them; what else there is of its hold
    /// takes none. Where the connections gave out before the cores did, that says too much, and the whole hold bounds it.
    pub fn of(alone: &Round, full: &Round, connections: u32, cores: u32) -> Self {
        let mut holds_s: Vec<f64> = alone.timings.iter().map(|timing| timing.hold_s).collect();
        let hold_alone_s = mean(&holds_s);
        holds_s.truncate(HOLDS_MAX);
        let most_per_s = full.timings.len() as f64 / full.counted_s.max(1e-9);
        let by_connections = f64::from(connections) / hold_alone_s.max(1e-9);
        // Within a tenth of what the connections alone allow, the cores were no bound.
        let bound = most_per_s < 0.9 * by_connections;
        let work_s = if bound { f64::from(cores) / most_per_s.max(1e-9) } else { 0.0 };
        let application_share = (1.0 - work_s / hold_alone_s.max(1e-9)).clamp(0.0, 1.0);
        Self { holds_s, hold_alone_s, most_per_s, application_share }
    }
}

fn mean(all: &[f64]) -> f64 {
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Timing;

    fn round(number: usize, hold_s: f64) -> Round {
        let timings = vec![Timing { wait_s: 0.0, hold_s }; number];
        Round { timings, counted_s: 1.0, ..Round::default() }
    }

    #[test]
    fn what_keeps_all_cores_busy_is_the_servers_work() {
        // 2 cores, 500 a second: 4 ms of a core each, of 10 ms.
        let seen = Calibration::of(&round(100, 0.01), &round(500, 0.1), 50, 2);
        assert!((seen.hold_alone_s - 0.01).abs() < 1e-9, "{}", seen.hold_alone_s);
        assert_eq!(seen.most_per_s, 500.0);
        assert!((seen.application_share - 0.6).abs() < 1e-9, "{}", seen.application_share);
    }

    #[test]
    fn where_connections_give_out_first_the_cores_are_no_bound() {
        let seen = Calibration::of(&round(100, 0.01), &round(990, 0.01), 10, 2);
        assert_eq!(seen.application_share, 1.0);
    }
}
