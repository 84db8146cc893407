//! What is played through.

/// A load, its pools, and the server behind them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// When requests come.
    pub arrivals: Arrivals,
    /// How long they hold a connection when nobody else is there. Not asked of a trace, which brings its own holds.
    pub hold: Hold,
    /// The part of each hold that is not the server's work but the application's inside its transaction: 0 to 1.
    pub application_share: f64,
    /// Connections of each process.
    pub pool_size: u32,
    /// Processes, each with a pool of its own.
    pub processes: u32,
    /// Which process a request comes to.
    pub spreading: Spreading,
    /// The server.
    pub server: Server,
    /// The most that wait at one process; who comes then is refused. `None`: no limit.
    pub waiting_max: Option<u32>,
    /// How long a request waits before it gives up. `None`: for ever.
    pub wait_timeout_s: Option<f64>,
    /// How long it is played.
    pub duration_s: f64,
    /// What is not counted at its beginning: pools and lines are empty there. 0 up to the duration.
    pub warm_up_s: f64,
    /// The same seed gives the same figures.
    pub seed: u64,
}

/// When requests come.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// At random, independent of each other.
    Poisson {
        /// So many on average.
        rate_per_s: f64,
    },
    /// As they came once, in the order of time.
    Trace(Vec<Checkout>),
    /// At random, with a rate that Little's law finds: what was seen busy, divided by the mean hold. In the order of time;
    /// a level holds until the next, the last one as long as the one before it.
    Concurrency(Vec<Level>),
    /// From so many clients, each of which asks again some time after its answer (or after it was refused).
    Clients {
        /// How many.
        count: u32,
        /// Mean seconds between an answer and the next request, exponential.
        think_s: f64,
    },
}

/// One request of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkout {
    /// When it asked, from the trace's beginning.
    pub arrival_s: f64,
    /// How long it held its connection.
    pub hold_s: f64,
}

/// How many connections were seen busy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// When, from the beginning of the series.
    pub at_s: f64,
    /// Connections that were lent: active ones and those idle in a transaction.
    pub busy: f64,
}

impl Arrivals {
    /// The time that is told about, for a trace or a series.
    pub fn span_s(&self) -> Option<f64> {
        match self {
            Self::Poisson { .. } | Self::Clients { .. } => None,
            Self::Trace(checkouts) => checkouts.last().map(|last| last.arrival_s + last.hold_s),
            Self::Concurrency(levels) => {
                let last = levels.last()?.at_s;
                let before =
                    levels.len().checked_sub(2).and_then(|at| levels.get(at)).map_or(0.0, |l| l.at_s);
                Some(last + (last - before))
            }
        }
    }
}

/// How long requests hold a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Hold {
    /// By chance, as Erlang's formulae have it: most are short.
    Exponential {
        /// On average.
        mean_s: f64,
    },
    /// Many short ones and a few long: what transactions of one kind mostly look like.
    Lognormal {
        /// On average.
        mean_s: f64,
        /// Their deviation divided by the mean.
        cv: f64,
    },
    /// All alike.
    Fixed {
        /// Each.
        mean_s: f64,
    },
    /// Drawn from those that were seen, each as likely as the other.
    Empirical(Vec<f64>),
}

impl Hold {
    /// Mean seconds.
    pub fn mean_s(&self) -> f64 {
        match self {
            Self::Exponential { mean_s } | Self::Lognormal { mean_s, .. } | Self::Fixed { mean_s } => *mean_s,
            Self::Empirical(seen) => mean(seen),
        }
    }

    /// The deviation divided by the mean.
    pub fn cv(&self) -> f64 {
        match self {
            Self::Exponential { .. } => 1.0,
            Self::Lognormal { cv, .. } => *cv,
            Self::Fixed { .. } => 0.0,
            Self::Empirical(seen) => {
                let mean = mean(seen);
                let square =
                    seen.iter().map(|hold| (hold - mean).powi(2)).sum::<f64>() / seen.len().max(1) as f64;
                if mean > 0.0 { square.sqrt() / mean } else { 0.0 }
            }
        }
    }
}

fn mean(seen: &[f64]) -> f64 {
    seen.iter().sum::<f64>() / seen.len().max(1) as f64
}

/// Which process a request comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spreading {
    /// Any: what the kernel does with one listening socket, about.
    Random,
    /// One after the other.
    RoundRobin,
}

/// The server behind the pools.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Server {
    /// Its cores. All connections at work share them equally. `None`: never a bottleneck.
    pub cores: Option<u32>,
    /// How much one that works is slowed by each other that *runs*: waiting for the same locks, memory and disk.
    pub sigma: f64,
    /// How much one that runs is slowed by each other connection at work, for each core that runs: keeping caches and
    /// snapshots in step with them, being switched for them.
    pub kappa: f64,
}

impl Server {
    /// 0.01. Assumed. PostgreSQL 9.1, with its one lock table, lost 3 to 4 % for each client up to 16 in read-only runs
    /// that were published; later versions are near to none for reads and in between for writes.
    pub const SIGMA: f64 = 0.01;
    /// 0.0005. Assumed: 100 connections at work on 8 cores do a quarter less than 8 do, 400 half as much. Published
    /// curves fall behind their knee between not at all (reads, 14 and later) and by more than that.
    pub const KAPPA: f64 = 0.0005;

    /// A server of so many cores, with the contention that is assumed where nobody measured.
    pub const fn assumed(cores: u32) -> Self {
        Self { cores: Some(cores), sigma: Self::SIGMA, kappa: Self::KAPPA }
    }

    /// A server that is never slower.
    pub const UNLIMITED: Self = Self { cores: None, sigma: 0.0, kappa: 0.0 };

    /// How many of `working` connections run at once.
    pub fn running(&self, working: usize) -> f64 {
        let working = working as f64;
        self.cores.map_or(working, |cores| working.min(f64::from(cores)))
    }

    /// Work that one of `working` connections gets done in a second, in seconds of work alone.
    ///
    /// Up to the cores it is the universal scalability law, `1 / (1 + sigma (n-1) + kappa n (n-1))`. Beyond them only as
    /// many run as there are cores, so sigma, which is between those that run, stops growing, while kappa goes on with
    /// those that are switched in and out: throughput falls slowly, as measured curves do, and not to nothing.
    pub fn speed(&self, working: usize) -> f64 {
        if working == 0 {
            return 1.0;
        }
        let all = working as f64;
        let running = self.running(working);
        let slowed = 1.0 + self.sigma * (running - 1.0) + self.kappa * running * (all - 1.0);
        running / all / slowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_its_cores_a_server_scales_by_the_universal_law() {
        let server = Server { cores: Some(16), sigma: 0.03, kappa: 0.002 };
        for n in 1..=16 {
            let all = f64::from(n);
            let law = all / (1.0 + 0.03 * (all - 1.0) + 0.002 * all * (all - 1.0));
            assert!((server.speed(n as usize) * all - law).abs() < 1e-12);
        }
    }

    #[test]
    fn beyond_its_cores_it_does_less_with_each_connection_and_never_nothing() {
        let server = Server::assumed(8);
        let done = |n: usize| server.speed(n) * n as f64;
        assert!((1..8).all(|n| done(n) < done(n + 1)));
        assert!((8..2_000).all(|n| done(n) > done(n + 1)));
        assert!((0.70..0.80).contains(&(done(100) / done(8))), "{}", done(100) / done(8));
        assert!((0.40..0.55).contains(&(done(400) / done(8))), "{}", done(400) / done(8));
        assert_eq!(Server::UNLIMITED.speed(10_000), 1.0);
    }

    #[test]
    fn a_series_lasts_one_step_beyond_its_last_look() {
        let level = |at_s| Level { at_s, busy: 1.0 };
        assert_eq!(Arrivals::Concurrency(vec![level(0.0), level(5.0), level(10.0)]).span_s(), Some(15.0));
        assert_eq!(Arrivals::Concurrency(Vec::new()).span_s(), None);
        let checkouts = vec![Checkout { arrival_s: 2.0, hold_s: 0.5 }];
        assert_eq!(Arrivals::Trace(checkouts).span_s(), Some(2.5));
    }

    #[test]
    fn what_was_seen_has_a_mean_and_varies() {
        let seen = Hold::Empirical(vec![1.0, 3.0]);
        assert_eq!((seen.mean_s(), seen.cv()), (2.0, 0.5));
        assert_eq!(Hold::Empirical(vec![0.0]).cv(), 0.0);
    }
}
