//! The smallest pool that is good enough.

use super::erlang::{next_blocked, waits};
use super::{Load, Variation};

/// Where the search ends: no server is asked for more.
pub const SERVERS_MAX: u32 = 262_143;

/// What is good enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// A share `quantile` of the requests waits at most so long: 0.99 and 0.015 is a p99 of 15 ms.
    Wait {
        /// 0 to 1.
        quantile: f64,
        /// At most.
        wait_s: f64,
    },
    /// Connections are busy for at most this share of their time, 0 to 1.
    Utilisation(f64),
}

/// The smallest number of servers that does what is wanted, at least 1; `None` if none up to [`SERVERS_MAX`] does.
pub fn smallest(load: Load, variation: Variation, wanted: Wanted) -> Option<u32> {
    let busy = load.busy();
    let mut blocked = 1.0;
    for servers in 1..=SERVERS_MAX {
        blocked = next_blocked(blocked, busy, servers);
        if busy >= f64::from(servers) {
            continue;
        }
        let enough = match wanted {
            Wanted::Utilisation(most) => busy <= most * f64::from(servers),
            Wanted::Wait { quantile, wait_s } => {
                let mean_s = variation.factor() * load.hold_s() / (f64::from(servers) - busy);
                let late = waits(blocked, busy, servers);
                // P(wait > t), without an infinity where nobody's wait varies.
                let beyond = if mean_s > 0.0 { late * (-wait_s.max(0.0) / mean_s).exp() } else { 0.0 };
                beyond <= 1.0 - quantile
            }
        };
        if enough {
            return Some(servers);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{line, line_that_varies};
    use super::*;

    fn load(rate_per_s: f64, hold_s: f64) -> Load {
        Load::new(rate_per_s, hold_s).unwrap()
    }

    #[test]
    fn one_fewer_would_not_do() {
        for (rate, hold, wait_s) in
            [(100.0, 0.05, 0.05), (400.0, 0.02, 0.01), (50.0, 0.2, 0.0), (900.0, 1.0, 0.2)]
        {
            let load = load(rate, hold);
            let wanted = Wanted::Wait { quantile: 0.99, wait_s };
            let servers = smallest(load, Variation::CHANCE, wanted).unwrap();
            let p99 = |servers| line(load, servers).steady().map(|wait| wait.quantile_s(0.99));
            assert!(p99(servers).unwrap() <= wait_s + 1e-12);
            assert!(p99(servers - 1).is_none_or(|p99| p99 > wait_s), "{servers}");
        }
    }

    #[test]
    fn the_figures_of_the_golden_table_are_found_backwards() {
        let within =
            |wait_s| smallest(load(100.0, 0.05), Variation::CHANCE, Wanted::Wait { quantile: 0.99, wait_s });
        assert_eq!(within(0.2038), Some(6));
        assert_eq!(within(0.0471), Some(8));
        assert_eq!(within(0.0129), Some(10));
    }

    #[test]
    fn bursts_need_more() {
        let load = load(100.0, 0.05);
        let variation = Variation { arrivals: 2.0, holds: 2.0 };
        let wanted = Wanted::Wait { quantile: 0.99, wait_s: 0.05 };
        let servers = smallest(load, variation, wanted).unwrap();
        assert!(servers > smallest(load, Variation::CHANCE, wanted).unwrap());
        assert!(line_that_varies(load, servers, variation).steady().unwrap().quantile_s(0.99) <= 0.05);
    }

    #[test]
    fn a_wanted_utilisation_is_a_division() {
        let at_most = |most| smallest(load(100.0, 0.05), Variation::CHANCE, Wanted::Utilisation(most));
        assert_eq!(at_most(0.7), Some(8));
        assert_eq!(at_most(0.5), Some(10));
        assert_eq!(at_most(0.0), None);
        assert_eq!(at_most(f64::NAN), None);
        // All busy all the time would be a line that grows.
        assert_eq!(at_most(1.0), Some(6));
    }

    #[test]
    fn no_load_is_content_with_one_and_a_huge_one_with_none() {
        let wanted = Wanted::Wait { quantile: 0.99, wait_s: 0.0 };
        assert_eq!(smallest(load(0.0, 0.05), Variation::CHANCE, wanted), Some(1));
        assert_eq!(smallest(load(1e9, 1.0), Variation::CHANCE, wanted), None);
    }
}
