//! One server's door for dials: a token bucket against login storms, a limit of dials at once, and patience after failures.
//!
//! Failures here are the server's: it is not there, it starts up, it loses us. What is only one user's or one
//! database's trouble, and what is ours (no descriptor left), never closes this door.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::RngCore;

use crate::time::Now;

/// The shortest pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// How dials to a server are metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    /// Dials per second in the long run.
    pub rate: u32,
    /// Dials that may start at once after a rest.
    pub burst: u32,
    /// Dials under way at once.
    pub at_once: u32,
    /// The longest pause after failures.
    pub retry: Duration,
}

/// One server's door.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    meter: Meter,
    /// Millionths of a dial.
    tokens: u64,
    filled: Now,
    pub(super) dialling: u32,
    pub(super) patience: Patience,
}

const TOKEN: u64 = 1_000_000;

impl Gate {
    pub(super) fn new(meter: Meter, now: Now) -> Self {
        let tokens = u64::from(meter.burst) * TOKEN;
        Self { meter, tokens, filled: now, dialling: 0, patience: Patience::default() }
    }

    pub(super) fn set(&mut self, meter: Meter) {
        self.meter = meter;
        self.tokens = self.tokens.min(u64::from(meter.burst) * TOKEN);
    }

    /// Takes a token where a dial may start now.
    pub(super) fn pass(&mut self, now: Now) -> bool {
        let passed = u64::try_from(now.since(self.filled).as_micros()).unwrap_or(u64::MAX);
        let more = passed.saturating_mul(u64::from(self.meter.rate));
        self.tokens = self.tokens.saturating_add(more).min(u64::from(self.meter.burst) * TOKEN);
        self.filled = now;
        let at_once = if self.patience.is_tried() { 1 } else { self.meter.at_once };
        if !self.patience.is_over(now) || self.dialling >= at_once || self.tokens < TOKEN {
            return false;
        }
        self.tokens -= TOKEN;
        self.dialling += 1;
        true
    }

    /// A dial under way has ended, in whatever way.
    pub(super) fn ended(&mut self, dials: u32) {
        self.dialling = self.dialling.saturating_sub(dials);
    }

    /// A dial failed, and it was the server's doing. The pause, where it is a new one.
    pub(super) fn failed(&mut self, now: Now, random: &mut ChaCha8Rng) -> Option<Duration> {
        self.patience.failed(now, self.meter.retry, random)
    }
}

/// Pauses that double with each failure, with jitter, up to a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Patience {
    failures: u32,
    until: Now,
}

impl Patience {
    /// One more failure; those that come while the pause lasts belong to the same trouble.
    pub(super) fn failed(&mut self, now: Now, max: Duration, random: &mut ChaCha8Rng) -> Option<Duration> {
        if now < self.until {
            return None;
        }
        let doubled = PAUSE_MIN.saturating_mul(1 << self.failures.min(16));
        let whole = u64::try_from(doubled.min(max.max(PAUSE_MIN)).as_micros()).unwrap_or(u64::MAX);
        let pause = Duration::from_micros(whole / 2 + random.next_u64() % (whole / 2 + 1));
        self.failures = self.failures.saturating_add(1);
        self.until = now.plus(pause);
        Some(pause)
    }

    /// A short pause that is nobody's fault.
    pub(super) fn rest(&mut self, now: Now) {
        self.until = self.until.max(now.plus(PAUSE_MIN));
    }

    /// A success. True where there had been failures.
    pub(super) fn succeeded(&mut self) -> bool {
        std::mem::take(self).is_tried()
    }

    /// True while there have been failures since the last success.
    pub(super) fn is_tried(&self) -> bool {
        self.failures > 0
    }

    /// True where one may try again.
    pub(super) fn is_over(&self, now: Now) -> bool {
        now >= self.until
    }

    /// Failures since the last success.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    const S: u64 = 1_000_000;
    const METER: Meter = Meter { rate: 10, burst: 3, at_once: 100, retry: Duration::from_secs(15) };

    fn random() -> ChaCha8Rng {
        ChaCha8Rng::from_seed([1; 32])
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut gate = Gate::new(METER, Now(0));
        assert_eq!((0..10).filter(|_| gate.pass(Now(0))).count(), 3);
        assert!(!gate.pass(Now(S / 10 - 1)));
        assert!(gate.pass(Now(S / 10)));
        assert_eq!((0..10).filter(|_| gate.pass(Now(100 * S))).count(), 3);
    }

    #[test]
    fn only_so_many_dials_are_under_way_at_once() {
        let mut gate = Gate::new(Meter { at_once: 2, ..METER }, Now(0));
        assert!(gate.pass(Now(0)) && gate.pass(Now(0)));
        assert!(!gate.pass(Now(0)));
        gate.ended(1);
        assert!(gate.pass(Now(0)));
    }

    #[test]
    fn pauses_double_up_to_the_limit_and_end_with_a_success() {
        let mut random = random();
        let mut patience = Patience::default();
        let mut now = Now(0);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let pause = patience.failed(now, METER.retry, &mut random).expect("the pause is over");
            assert_eq!(patience.failed(now, METER.retry, &mut random), None);
            pauses.push(pause);
            now = now.plus(pause);
        }
        assert!(pauses[0] <= PAUSE_MIN && pauses[0] >= PAUSE_MIN / 2);
        assert!(pauses[3] >= Duration::from_millis(400));
        assert!(pauses.iter().all(|pause| *pause <= METER.retry));
        assert!(pauses[11] >= METER.retry / 2);
        assert!(patience.succeeded() && patience.is_over(Now(0)));
    }

    #[test]
    fn a_server_in_trouble_is_tried_by_one_dial_at_a_time() {
        let mut gate = Gate::new(METER, Now(0));
        gate.failed(Now(0), &mut random());
        assert!(!gate.pass(Now(1)));
        assert!(gate.pass(Now(S)));
        assert!(!gate.pass(Now(S)));
        gate.ended(1);
        gate.patience.succeeded();
        assert!(gate.pass(Now(S)) && gate.pass(Now(S)));
    }
}
