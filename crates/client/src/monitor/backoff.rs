//! When a login may be tried again. Pure: time and chance come in.

use std::time::{Duration, Instant};

/// The pause after the first failure.
const PAUSE: Duration = Duration::from_millis(250);
/// No pause is longer, but for its jitter.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Failures in a row, and when the next try may be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Whether it is time.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|moment| now >= moment)
    }

    /// A login failed. `random` makes the pause up to half longer, so that services that lost one server don't come back to
    /// it at one moment.
    pub(super) fn failed(&mut self, now: Instant, random: u32) {
        let pause = PAUSE_MAX.min(PAUSE * 2u32.pow(self.failures.min(10)));
        self.failures += 1;
        self.not_before = Some(now + pause + pause * (random % 512) / 1024);
    }

    /// A login was let in.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_end_with_a_login() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert!(backoff.is_over(now));
        for (failure, pause_ms) in [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000].into_iter().enumerate() {
            backoff.failed(now, 0);
            assert!(!backoff.is_over(now + Duration::from_millis(pause_ms - 1)), "failure {failure}");
            assert!(backoff.is_over(now + Duration::from_millis(pause_ms)), "failure {failure}");
        }
        for _ in 0..100 {
            backoff.failed(now, u32::MAX);
        }
        assert!(backoff.is_over(now + PAUSE_MAX * 3 / 2));
        backoff.succeeded();
        assert!(backoff.is_over(now));
    }
}
