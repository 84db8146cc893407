//! Chance, from a seed.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::Hold;

/// What a stream of numbers is for. Each has its own, so that drawing more of one leaves the others as they are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Arrivals = 1,
    Holds = 2,
    Spreading = 3,
}

/// A stream of numbers.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub(super) fn new(seed: u64, stream: Stream) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        Self(rng)
    }

    /// From 0 up to but not 1, all 53 bits of it.
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below `end`, which is at least 1.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // The bias is below one in 2^32 for any number of processes or of holds that is let in.
        ((self.unit() * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// Exponential.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Box and Muller, one of the two.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A hold of this kind, in seconds.
    pub(super) fn hold_s(&mut self, hold: &Hold) -> f64 {
        match hold {
            Hold::Exponential { mean_s } => self.exponential(*mean_s),
            Hold::Lognormal { mean_s, cv } => {
                let variance = cv.mul_add(*cv, 1.0).ln();
                mean_s * variance.sqrt().mul_add(self.normal(), -variance / 2.0).exp()
            }
            Hold::Fixed { mean_s } => *mean_s,
            Hold::Empirical(seen) => seen.get(self.below(seen.len())).copied().unwrap_or(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(hold: &Hold) -> (f64, f64) {
        let mut random = Random::new(7, Stream::Holds);
        let seen: Vec<f64> = (0..100_000).map(|_| random.hold_s(hold)).collect();
        let seen = Hold::Empirical(seen);
        (seen.mean_s(), seen.cv())
    }

    #[test]
    fn holds_have_the_mean_and_the_variation_that_were_asked_for() {
        let all = [
            Hold::Exponential { mean_s: 2.0 },
            Hold::Lognormal { mean_s: 2.0, cv: 0.5 },
            Hold::Lognormal { mean_s: 2.0, cv: 1.5 },
            Hold::Fixed { mean_s: 2.0 },
            Hold::Empirical(vec![1.0, 1.0, 4.0]),
        ];
        for hold in all {
            let (mean, cv) = drawn(&hold);
            assert!((mean / 2.0 - 1.0).abs() < 0.02, "{hold:?}: {mean}");
            assert!((cv - hold.cv()).abs() < 0.03, "{hold:?}: {cv}");
        }
    }

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let first = |seed, stream| Random::new(seed, stream).unit();
        assert_eq!(first(1, Stream::Holds), first(1, Stream::Holds));
        assert_ne!(first(1, Stream::Holds), first(1, Stream::Arrivals));
        assert_ne!(first(1, Stream::Holds), first(2, Stream::Holds));
    }

    #[test]
    fn every_process_is_met_and_none_that_is_not_there() {
        let mut random = Random::new(1, Stream::Spreading);
        let mut met = [0; 3];
        for _ in 0..3_000 {
            met[random.below(3)] += 1;
        }
        assert!(met.iter().all(|count| (850..1_150).contains(count)), "{met:?}");
        assert_eq!(random.below(1), 0);
    }
}
