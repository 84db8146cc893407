//! When the next request comes.

use std::slice::Iter;

use super::random::{Random, Stream};
use super::{Arrivals, Checkout, Hold, Level};
use crate::queue;

enum Source<'a> {
    Steady { rate_per_s: f64 },
    Trace { coming: Iter<'a, Checkout>, hold_s: f64 },
    Levels { levels: &'a [Level], at: usize, span_s: f64, mean_hold_s: f64 },
    Clients { think_s: f64 },
}

/// Requests, in the order of time.
pub(super) struct Arriving<'a> {
    source: Source<'a>,
    hold: &'a Hold,
    times: Random,
    holds: Random,
    next_s: f64,
}

impl<'a> Arriving<'a> {
    pub(super) fn new(arrivals: &'a Arrivals, hold: &'a Hold, seed: u64) -> Self {
        let source = match arrivals {
            Arrivals::Poisson { rate_per_s } => Source::Steady { rate_per_s: *rate_per_s },
            Arrivals::Trace(checkouts) => Source::Trace { coming: checkouts.iter(), hold_s: 0.0 },
            Arrivals::Concurrency(levels) => {
                let (span_s, mean_hold_s) = (arrivals.span_s().unwrap_or(0.0), hold.mean_s());
                Source::Levels { levels, at: 0, span_s, mean_hold_s }
            }
            Arrivals::Clients { think_s, .. } => Source::Clients { think_s: *think_s },
        };
        let (times, holds) = (Random::new(seed, Stream::Arrivals), Random::new(seed, Stream::Holds));
        let mut arriving = Self { source, hold, times, holds, next_s: 0.0 };
        arriving.step();
        arriving
    }

    /// When the next comes by itself; infinity if nobody does any more.
    pub(super) fn next_s(&self) -> f64 {
        self.next_s
    }

    /// Takes the one that is next: how long it holds its connection when alone.
    pub(super) fn take(&mut self) -> f64 {
        let hold_s = match self.source {
            Source::Trace { hold_s, .. } => hold_s,
            Source::Steady { .. } | Source::Levels { .. } | Source::Clients { .. } => {
                self.holds.hold_s(self.hold)
            }
        };
        self.step();
        hold_s
    }

    /// How long a client thinks.
    pub(super) fn think_s(&mut self) -> f64 {
        match self.source {
            Source::Clients { think_s } => self.times.exponential(think_s),
            Source::Steady { .. } | Source::Trace { .. } | Source::Levels { .. } => f64::INFINITY,
        }
    }

    fn step(&mut self) {
        self.next_s = match &mut self.source {
            Source::Steady { rate_per_s } => self.next_s + self.times.exponential(1.0 / *rate_per_s),
            Source::Trace { coming, hold_s } => coming.next().map_or(f64::INFINITY, |checkout| {
                *hold_s = checkout.hold_s;
                checkout.arrival_s
            }),
            Source::Levels { levels, at, span_s, mean_hold_s } => {
                let draw = self.times.exponential(1.0);
                within_levels(levels, at, *span_s, self.next_s, draw, *mean_hold_s)
            }
            Source::Clients { .. } => f64::INFINITY,
        };
    }
}

/// The time at which so many requests are expected from now on, `draw` of them; infinity behind the last level.
fn within_levels(
    levels: &[Level],
    at: &mut usize,
    span_s: f64,
    now_s: f64,
    draw: f64,
    mean_hold_s: f64,
) -> f64 {
    let mut left = draw;
    let mut now_s = now_s;
    while let Some(level) = levels.get(*at) {
        let end_s = levels.get(*at + 1).map_or(span_s, |next| next.at_s);
        let rate_per_s = queue::rate_per_s(level.busy, mean_hold_s);
        now_s = now_s.max(level.at_s);
        let expected = (end_s - now_s).max(0.0) * rate_per_s;
        if expected >= left && rate_per_s > 0.0 {
            return now_s + left / rate_per_s;
        }
        left -= expected;
        now_s = end_s;
        *at += 1;
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(arrivals: &Arrivals, hold: &Hold, end_s: f64) -> Vec<(f64, f64)> {
        let mut arriving = Arriving::new(arrivals, hold, 3);
        let mut times = Vec::new();
        while arriving.next_s() < end_s {
            let at_s = arriving.next_s();
            times.push((at_s, arriving.take()));
        }
        times
    }

    #[test]
    fn a_trace_comes_as_it_was_with_its_own_holds() {
        let checkouts = [(0.5, 0.1), (0.5, 0.2), (2.0, 0.0)];
        let trace = checkouts.map(|(arrival_s, hold_s)| Checkout { arrival_s, hold_s }).to_vec();
        assert_eq!(times(&Arrivals::Trace(trace), &Hold::Fixed { mean_s: 9.0 }, f64::INFINITY), checkouts);
    }

    #[test]
    fn chance_comes_at_its_rate() {
        let times = times(&Arrivals::Poisson { rate_per_s: 50.0 }, &Hold::Fixed { mean_s: 1.0 }, 400.0);
        assert!((19_500..20_500).contains(&times.len()), "{}", times.len());
        assert!(times.windows(2).all(|two| two[0].0 <= two[1].0));
    }

    #[test]
    fn what_was_seen_busy_becomes_a_rate_by_little() {
        let levels =
            [(0.0, 4.0), (100.0, 0.0), (200.0, 2.0)].map(|(at_s, busy)| Level { at_s, busy }).to_vec();
        let times = times(&Arrivals::Concurrency(levels), &Hold::Fixed { mean_s: 0.1 }, f64::INFINITY);
        let within = |from, to| times.iter().filter(|(at, _)| (from..to).contains(at)).count();
        assert!((3_800..4_200).contains(&within(0.0, 100.0)), "{}", within(0.0, 100.0));
        assert_eq!(within(100.0, 200.0), 0);
        assert!((1_860..2_140).contains(&within(200.0, 300.0)), "{}", within(200.0, 300.0));
        assert_eq!(within(300.0, f64::INFINITY), 0);
    }
}
