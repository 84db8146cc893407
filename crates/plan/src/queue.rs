//! Formulae of waiting lines: how many connections a load keeps busy, how long it waits for one, how many are enough.
//! Plain functions; none of them gives a NaN: a line that grows without end is a value of its own.

mod erlang;
mod rules;
mod smallest;
mod variation;

pub use erlang::{Line, Wait, blocked, line};
pub use rules::{
    BACKEND_BYTES, active_for_cores, connections_memory_bytes, deadlock_floor, per_replica,
    square_root_staffing, work_mem_bytes,
};
pub use smallest::{SERVERS_MAX, Wanted, smallest};
pub use variation::{Variation, line_that_varies, one_server_mean_wait_s, sharing_mean_latency_s};

/// Work that arrives at a pool: so many requests, each of which holds a connection for so long.
///
/// The hold is the time from checkout to checkin, a whole transaction or a whole request, not one query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    rate_per_s: f64,
    hold_s: f64,
}

impl Load {
    /// A load; `None` if one of the figures is negative, infinite or no number.
    pub fn new(rate_per_s: f64, hold_s: f64) -> Option<Self> {
        let holds = |figure: f64| figure.is_finite() && figure >= 0.0;
        (holds(rate_per_s) && holds(hold_s) && (rate_per_s * hold_s).is_finite())
            .then_some(Self { rate_per_s, hold_s })
    }

    /// Requests per second.
    pub fn rate_per_s(self) -> f64 {
        self.rate_per_s
    }

    /// Mean seconds that a request holds a connection.
    pub fn hold_s(self) -> f64 {
        self.hold_s
    }

    /// Little's law: connections that are busy on average. Also called the offered load, in erlangs.
    pub fn busy(self) -> f64 {
        self.rate_per_s * self.hold_s
    }
}

/// Little's law the other way: requests per second that keep so many connections busy. Nothing where nothing is held.
pub fn rate_per_s(busy: f64, hold_s: f64) -> f64 {
    if hold_s > 0.0 && busy > 0.0 { busy / hold_s } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_counts_the_busy_and_finds_the_rate_again() {
        let load = Load::new(100.0, 0.05).unwrap();
        assert!((load.busy() - 5.0).abs() < 1e-12);
        assert!((rate_per_s(load.busy(), load.hold_s()) - 100.0).abs() < 1e-9);
        assert_eq!(rate_per_s(3.0, 0.0), 0.0);
    }

    #[test]
    fn what_is_no_load_is_refused() {
        for (rate, hold) in [(-1.0, 1.0), (1.0, f64::NAN), (f64::INFINITY, 0.0), (1e200, 1e200)] {
            assert_eq!(Load::new(rate, hold), None);
        }
    }
}
