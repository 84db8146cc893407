//! What is counted while a run goes on, batch by batch.

use super::Outcome;
use super::estimate::{BATCHES, Estimate, quantile};
use super::outcome::{Counts, Spread};

/// What goes on at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) waiting: u32,
    pub(super) lent: u32,
    pub(super) running: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    waiting_s: f64,
    lent_s: f64,
    running_s: f64,
    done: u64,
    /// How many waits and latencies there were at its end.
    waits: usize,
    latencies: usize,
}

/// Counts.
pub(super) struct Meter {
    begin_s: f64,
    batch_s: f64,
    at_s: f64,
    current: usize,
    batches: [Batch; BATCHES],
    waits: Vec<f64>,
    latencies: Vec<f64>,
    pub(super) whole: Counts,
    /// Since the warm-up.
    measured: Counts,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Arrived,
    Refused,
    TimedOut,
    Got { wait_s: f64 },
    Done { latency_s: f64 },
}

impl Meter {
    pub(super) fn new(begin_s: f64, end_s: f64) -> Self {
        Self {
            begin_s,
            batch_s: (end_s - begin_s) / BATCHES as f64,
            at_s: 0.0,
            current: 0,
            batches: [Batch::default(); BATCHES],
            waits: Vec::new(),
            latencies: Vec::new(),
            whole: Counts::default(),
            measured: Counts::default(),
        }
    }

    /// So it was from the last time until `to_s`.
    pub(super) fn advance(&mut self, to_s: f64, now: Now) {
        self.at_s = self.at_s.max(self.begin_s.min(to_s));
        while to_s > self.at_s {
            let end_s = match self.current + 1 {
                BATCHES => f64::INFINITY,
                next => self.begin_s + next as f64 * self.batch_s,
            };
            let until_s = to_s.min(end_s);
            let passed_s = until_s - self.at_s;
            let batch = &mut self.batches[self.current];
            batch.waiting_s += passed_s * f64::from(now.waiting);
            batch.lent_s += passed_s * f64::from(now.lent);
            batch.running_s += passed_s * now.running;
            self.at_s = until_s;
            if until_s >= end_s {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let batch = &mut self.batches[self.current];
        (batch.waits, batch.latencies) = (self.waits.len(), self.latencies.len());
        self.current += 1;
    }

    /// It happens now: at the time that was advanced to.
    pub(super) fn count(&mut self, now_s: f64, event: Event) {
        self.whole.add(event);
        if now_s < self.begin_s {
            return;
        }
        self.measured.add(event);
        match event {
            Event::Got { wait_s } => self.waits.push(wait_s),
            Event::Done { latency_s } => {
                self.latencies.push(latency_s);
                self.batches[self.current].done += 1;
            }
            Event::Arrived | Event::Refused | Event::TimedOut => {}
        }
    }

    /// The figures of a run that has ended. `clients` is how many may stand in line at most, 0 for any number.
    pub(super) fn outcome(
        mut self,
        connections: u32,
        cores: Option<u32>,
        waiting_most: u32,
        clients: u32,
    ) -> Outcome {
        let ends = (self.waits.len(), self.latencies.len());
        for batch in &mut self.batches[self.current..] {
            (batch.waits, batch.latencies) = ends;
        }
        let measured_s = self.batch_s * BATCHES as f64;
        let per_time = |of: fn(&Batch) -> f64, scale: f64| {
            let batches = self.batches.map(|batch| of(&batch) / self.batch_s * scale);
            Estimate::of(batches.iter().sum::<f64>() / BATCHES as f64, &batches)
        };
        let measured = self.measured;
        let ended = measured.done + measured.refused + measured.timed_out;
        let allowed = measured.arrived / 100 + u64::from(connections) + u64::from(clients);
        Outcome {
            arrived_per_s: measured.arrived as f64 / measured_s,
            throughput_per_s: per_time(|batch| batch.done as f64, 1.0),
            pool_utilisation: per_time(|batch| batch.lent_s, 1.0 / f64::from(connections)),
            server_utilisation: cores.map(|cores| per_time(|batch| batch.running_s, 1.0 / f64::from(cores))),
            waiting: per_time(|batch| batch.waiting_s, 1.0),
            waiting_most,
            wait_s: spread(&self.waits, &self.batches.map(|batch| batch.waits)),
            latency_s: spread(&self.latencies, &self.batches.map(|batch| batch.latencies)),
            refused_share: share(measured.refused, measured.arrived),
            timed_out_share: share(measured.timed_out, measured.arrived),
            keeps_up: measured.arrived <= ended + allowed,
            measured_s,
            counts: self.whole,
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn spread(values: &[f64], ends: &[usize; BATCHES]) -> Spread {
    let mut begin = 0;
    let batches = ends.map(|end| {
        let batch = &values[begin..end];
        begin = end;
        batch
    });
    let seen = || batches.iter().filter(|batch| !batch.is_empty());
    let mean = |batch: &[f64]| batch.iter().sum::<f64>() / batch.len().max(1) as f64;
    let means: Vec<f64> = seen().map(|batch| mean(batch)).collect();
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let quantile = |q| {
        let value = quantile(&sorted, q);
        let beyond = |batch: &[f64]| batch.iter().filter(|one| **one > value).count() as f64;
        let shares: Vec<f64> = seen().map(|batch| beyond(batch) / batch.len() as f64).collect();
        Estimate::of_quantile(&sorted, q, &shares)
    };
    Spread {
        mean: Estimate::of(mean(values), &means),
        p50: quantile(0.5),
        p90: quantile(0.9),
        p95: quantile(0.95),
        p99: quantile(0.99),
        max: sorted.last().copied().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_dealt_out_to_the_batches_it_lies_in() {
        let mut meter = Meter::new(10.0, 30.0);
        let now = |waiting| Now { waiting, lent: 1, running: 0.5 };
        meter.advance(10.5, now(4));
        meter.advance(12.5, now(2));
        meter.advance(30.0, now(0));
        let waiting: Vec<f64> = meter.batches.iter().map(|batch| batch.waiting_s).collect();
        assert_eq!(waiting[..4], [3.0, 2.0, 1.0, 0.0]);
        assert_eq!(meter.batches[19].lent_s, 1.0);
        let outcome = meter.outcome(2, Some(1), 4, 0);
        assert_eq!(outcome.pool_utilisation.value, 0.5);
        assert_eq!(outcome.server_utilisation.unwrap().value, 0.5);
        assert_eq!(outcome.waiting.value, 6.0 / 20.0);
    }

    #[test]
    fn what_happens_while_it_warms_up_is_in_the_books_and_not_in_the_figures() {
        let mut meter = Meter::new(10.0, 30.0);
        meter.count(5.0, Event::Arrived);
        meter.count(5.0, Event::Got { wait_s: 99.0 });
        meter.advance(15.0, Now { waiting: 0, lent: 0, running: 0.0 });
        meter.count(15.0, Event::Arrived);
        meter.count(15.0, Event::Got { wait_s: 1.0 });
        meter.count(15.0, Event::Done { latency_s: 2.0 });
        meter.advance(30.0, Now { waiting: 0, lent: 0, running: 0.0 });
        assert_eq!(meter.whole.arrived, 2);
        let outcome = meter.outcome(1, None, 0, 0);
        assert_eq!((outcome.wait_s.mean.value, outcome.wait_s.max), (1.0, 1.0));
        assert_eq!(outcome.throughput_per_s.value, 1.0 / 20.0);
        assert_eq!(outcome.latency_s.p99, Estimate { value: 2.0, half: None });
    }
}
