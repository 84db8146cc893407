//! Erlang's two formulae, by the recursion that stays exact for thousands of servers.

use super::Load;

/// The share of requests that find all servers busy and go away: Erlang-B. Without a server everybody does.
pub fn blocked(load: Load, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |blocked, k| next_blocked(blocked, load.busy(), k))
}

/// Erlang-B with one server more: `k` is the number it has then.
pub(super) fn next_blocked(blocked: f64, busy: f64, k: u32) -> f64 {
    let carried = busy * blocked;
    carried / (f64::from(k) + carried)
}

/// Erlang-C from Erlang-B: the share that waits where nobody goes away. `busy` is below `servers`.
pub(super) fn waits(blocked: f64, busy: f64, servers: u32) -> f64 {
    blocked / (1.0 - busy / f64::from(servers) * (1.0 - blocked))
}

/// What becomes of a line in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    /// It comes and goes.
    Steady(Wait),
    /// More arrives than can be served: it grows for ever.
    Grows {
        /// By so many requests each second; 0 where just as much arrives as is served, which grows too, but slower.
        per_s: f64,
    },
}

impl Line {
    /// The waiting, if it has an end.
    pub fn steady(self) -> Option<Wait> {
        match self {
            Self::Steady(wait) => Some(wait),
            Self::Grows { .. } => None,
        }
    }
}

/// How long requests wait in a steady line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wait {
    pub(super) busy: f64,
    pub(super) servers: u32,
    pub(super) waits: f64,
    /// Mean seconds of those that wait at all.
    pub(super) waiting_mean_s: f64,
}

impl Wait {
    /// The share of servers that are busy, 0 to 1.
    pub fn utilisation(&self) -> f64 {
        self.busy / f64::from(self.servers)
    }

    /// The share of requests that have to wait at all.
    pub fn probability(&self) -> f64 {
        self.waits
    }

    /// Mean seconds of waiting, of all requests, those that need not wait included.
    pub fn mean_s(&self) -> f64 {
        self.waits * self.waiting_mean_s
    }

    /// The share of requests that wait longer than so many seconds.
    pub fn beyond(&self, t_s: f64) -> f64 {
        match t_s {
            t if t < 0.0 => 1.0,
            _ if self.waits == 0.0 || self.waiting_mean_s == 0.0 => 0.0,
            t => self.waits * (-t / self.waiting_mean_s).exp(),
        }
    }

    /// Seconds that a share `q` of the requests wait at most: 0.99 is the p99. `q` is held between 0 and 0.999999999.
    pub fn quantile_s(&self, q: f64) -> f64 {
        let late = 1.0 - q.clamp(0.0, 1.0 - 1e-9);
        if self.waits <= late { 0.0 } else { self.waiting_mean_s * (self.waits / late).ln() }
    }

    /// Requests in line, on average.
    pub fn length(&self, load: Load) -> f64 {
        load.rate_per_s() * self.mean_s()
    }
}

/// Arrivals at random, exponential holds, any number of servers, one line: M/M/c, Erlang-C.
pub fn line(load: Load, servers: u32) -> Line {
    let busy = load.busy();
    if busy >= f64::from(servers) && load.rate_per_s() > 0.0 {
        // With a hold of nothing there is still nobody to serve where there is no server.
        let served_per_s = if load.hold_s() > 0.0 { f64::from(servers) / load.hold_s() } else { 0.0 };
        return Line::Grows { per_s: (load.rate_per_s() - served_per_s).max(0.0) };
    }
    if busy == 0.0 {
        return Line::Steady(Wait { busy, servers: servers.max(1), waits: 0.0, waiting_mean_s: 0.0 });
    }
    Line::Steady(Wait {
        busy,
        servers,
        waits: waits(blocked(load, servers), busy, servers),
        waiting_mean_s: load.hold_s() / (f64::from(servers) - busy),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(rate_per_s: f64, hold_s: f64) -> Load {
        Load::new(rate_per_s, hold_s).unwrap()
    }

    fn near(is: f64, wanted: f64, digit: f64) {
        assert!((is - wanted).abs() <= digit / 2.0 + 1e-9, "{is} is not {wanted}");
    }

    #[test]
    fn erlang_c_gives_the_figures_that_were_worked_out_by_hand() {
        // rate, hold, busy, servers, utilisation in percent, waits, mean in ms, p99 in ms
        let golden = [
            (100.0, 0.05, 5.0, 6, 83.3, 0.5875, 29.38, 203.7),
            (100.0, 0.05, 5.0, 8, 62.5, 0.1673, 2.79, 47.0),
            (100.0, 0.05, 5.0, 10, 50.0, 0.0361, 0.36, 12.8),
            (200.0, 0.02, 4.0, 6, 66.7, 0.2848, 2.85, 33.5),
            (400.0, 0.02, 8.0, 10, 80.0, 0.4092, 4.09, 37.1),
            (50.0, 0.2, 10.0, 14, 71.4, 0.1741, 8.71, 142.9),
            (50.0, 0.2, 10.0, 20, 50.0, 0.0037, 0.07, 0.0),
        ];
        for (rate, hold, busy, servers, percent, waits, mean_ms, p99_ms) in golden {
            let load = load(rate, hold);
            near(load.busy(), busy, 1e-9);
            let wait = line(load, servers).steady().unwrap();
            near(wait.utilisation() * 100.0, percent, 0.1);
            near(wait.probability(), waits, 0.0001);
            near(wait.mean_s() * 1e3, mean_ms, 0.01);
            near(wait.quantile_s(0.99) * 1e3, p99_ms, 0.1);
        }
    }

    #[test]
    fn the_share_beyond_a_quantile_is_what_the_quantile_leaves() {
        let wait = line(load(100.0, 0.05), 6).steady().unwrap();
        near(wait.beyond(wait.quantile_s(0.99)), 0.01, 1e-9);
        near(wait.beyond(0.0), wait.probability(), 1e-12);
        assert_eq!(wait.beyond(-1.0), 1.0);
        assert_eq!(wait.quantile_s(0.1), 0.0);
        assert!(wait.quantile_s(1.0).is_finite());
        near(wait.length(load(100.0, 0.05)), 2.938, 0.001);
    }

    #[test]
    fn erlang_b_is_what_its_sum_says() {
        // a^c/c! / sum of a^k/k!, for a = 5 and c = 6: 21.7014 / 113.1180
        near(blocked(load(100.0, 0.05), 6), 0.191_847, 1e-6);
        assert_eq!(blocked(load(100.0, 0.05), 0), 1.0);
        assert_eq!(blocked(load(0.0, 0.05), 3), 0.0);
    }

    #[test]
    fn one_server_is_the_formula_everybody_knows() {
        let wait = line(load(8.0, 0.1), 1).steady().unwrap();
        near(wait.probability(), 0.8, 1e-12);
        near(wait.mean_s(), 0.1 * 0.8 / 0.2, 1e-12);
    }

    #[test]
    fn ten_thousand_servers_are_no_trouble() {
        let wait = line(load(9_900.0, 1.0), 10_000).steady().unwrap();
        // Halfin and Whitt: 1 / (1 + beta Phi(beta) / phi(beta)) with beta = 100 / sqrt(9900) gives about 0.224.
        near(wait.probability(), 0.224, 0.004);
        assert!(line(load(10.0, 1.0), 10_000).steady().unwrap().probability() < 1e-300);
        assert!(blocked(load(1e9, 1.0), 10_000) > 0.9999);
    }

    #[test]
    fn what_cannot_be_served_is_a_line_that_grows() {
        assert_eq!(line(load(100.0, 0.05), 4), Line::Grows { per_s: 20.0 });
        assert_eq!(line(load(100.0, 0.05), 5), Line::Grows { per_s: 0.0 });
        assert_eq!(line(load(7.0, 0.05), 0), Line::Grows { per_s: 7.0 });
        assert_eq!(line(load(7.0, 0.0), 0), Line::Grows { per_s: 7.0 });
        assert_eq!(line(load(100.0, 0.05), 4).steady(), None);
    }

    #[test]
    fn without_a_load_nobody_waits() {
        for servers in [0, 1, 100] {
            let wait = line(load(0.0, 0.05), servers).steady().unwrap();
            assert_eq!((wait.probability(), wait.mean_s(), wait.utilisation()), (0.0, 0.0, 0.0));
            assert_eq!((wait.quantile_s(0.999), wait.beyond(0.0)), (0.0, 0.0));
        }
    }
}
