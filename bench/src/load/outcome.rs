//! What a run came to: how many, how long, how late.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies up to 10 minutes are kept apart with three digits.
const LATENCY_NS_MAX: u64 = 600_000_000_000;

/// Counted and timed transactions.
#[derive(Debug)]
pub(crate) struct Outcome {
    latency_ns: Histogram<u64>,
    elapsed: Duration,
    /// Both directions, whole messages.
    pub(crate) messages: u64,
}

/// The numbers of an [`Outcome`], in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) count: u64,
    pub(crate) messages: u64,
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    pub(crate) mean_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) max_us: f64,
}

impl Outcome {
    pub(crate) fn new() -> Self {
        let latency_ns = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("these bounds are in order");
        Self { latency_ns, elapsed: Duration::ZERO, messages: 0 }
    }

    pub(crate) fn note(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency_ns.saturating_record(ns.clamp(1, LATENCY_NS_MAX));
    }

    pub(crate) fn close(&mut self, elapsed: Duration) {
        self.elapsed = elapsed;
    }

    pub(crate) fn count(&self) -> u64 {
        self.latency_ns.len()
    }

    pub(crate) fn figures(&self) -> Figures {
        let us = |ns: u64| ns as f64 / 1e3;
        let seconds = self.elapsed.as_secs_f64();
        Figures {
            count: self.count(),
            messages: self.messages,
            seconds,
            per_second: self.count() as f64 / seconds.max(1e-9),
            mean_us: self.latency_ns.mean() / 1e3,
            p50_us: us(self.latency_ns.value_at_quantile(0.5)),
            p99_us: us(self.latency_ns.value_at_quantile(0.99)),
            p999_us: us(self.latency_ns.value_at_quantile(0.999)),
            max_us: us(self.latency_ns.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_noted() {
        let mut outcome = Outcome::new();
        for us in 1..=1000 {
            outcome.note(Duration::from_micros(us));
        }
        outcome.close(Duration::from_secs(2));
        let figures = outcome.figures();
        assert_eq!(figures.count, 1000);
        assert!((figures.per_second - 500.0).abs() < 1e-6);
        assert!((figures.p50_us - 500.0).abs() < 1.0, "{}", figures.p50_us);
        assert!((figures.p99_us - 990.0).abs() < 1.0, "{}", figures.p99_us);
    }
}
