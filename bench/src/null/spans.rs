//! How long each query takes.

use std::time::Duration;

use crate::dice::Dice;

/// Spans of time, evenly spread from a half to one and a half of their mean; the same in every process.
pub(super) struct Spans {
    mean: Duration,
    dice: Dice,
}

impl Spans {
    pub(super) fn around(mean: Duration) -> Self {
        Self { mean, dice: Dice::new(1) }
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Duration {
        self.mean.mul_f64(0.5 + self.dice.share())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_lie_around_their_mean() {
        let mut spans = Spans::around(Duration::from_millis(10));
        let drawn: Vec<_> = (0..100_000).map(|_| spans.next()).collect();
        assert!(drawn.iter().all(|span| (5..=15).contains(&span.as_millis())));
        let mean = drawn.iter().sum::<Duration>() / 100_000;
        assert!((9.9..10.1).contains(&(mean.as_secs_f64() * 1e3)), "{mean:?}");
    }
}
