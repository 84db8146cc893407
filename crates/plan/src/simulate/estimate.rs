//! Figures with their uncertainty.
//!
//! A run is cut into batches of equal length, and the spread of their means says how sure the whole is (batch means). Chosen
//! over independent runs because the empty beginning is paid for once, not twenty times, and because one long run is
//! what the sentence "ten minutes of this load" means. Batches that follow each other are alike where a line needs
//! long to drain; so the interval is widened by their correlation.

/// Batches of a run.
pub(super) const BATCHES: usize = 20;
/// With fewer that saw something there is no interval.
const BATCHES_MIN: usize = 5;
/// Values that must have been seen beyond the upper end of an interval.
const BEYOND_MIN: f64 = 1.0;
/// If the share beyond a quantile is less sure than this part of itself, the quantile has no interval.
const UNSURE_MAX: f64 = 3.0;
/// More correlation than this is not believed to be measurable with so few batches.
const CORRELATION_MAX: f64 = 0.9;

/// A figure and how sure it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// With 95 % confidence the truth of the model lies within `value - half` and `value + half`; for a p99 of ten busy minutes
    /// it is 90 % rather. `None`: too little was seen to say.
    pub half: Option<f64>,
}

impl Estimate {
    /// A figure, sure by the spread of its batches.
    pub(super) fn of(value: f64, batches: &[f64]) -> Self {
        Self { value, half: half(batches) }
    }

    /// A quantile of sorted values. `shares` says for each batch which share of it exceeds the quantile: how much that varies
    /// says between which two quantiles of the whole the truth lies. (The quantiles of the batches themselves would be too
    /// small and too much alike, for long waits come in clusters.) Steps are taken as factors, so that the upper end of a
    /// p99 is never beyond a p100.
    pub(super) fn of_quantile(sorted: &[f64], q: f64, shares: &[f64]) -> Self {
        let (value, beyond) = (quantile(sorted, q), 1.0 - q);
        let half = half(shares).and_then(|half| {
            let (low, high) = ((half / beyond).exp() * beyond, (-half / beyond).exp() * beyond);
            let seen = high * sorted.len() as f64 >= BEYOND_MIN && half <= UNSURE_MAX * beyond;
            seen.then(|| (value - quantile(sorted, 1.0 - low)).max(quantile(sorted, 1.0 - high) - value))
        });
        Self { value, half }
    }

    /// The truth may be this.
    pub fn contains(&self, truth: f64) -> bool {
        self.half.is_some_and(|half| (self.value - truth).abs() <= half)
    }

    /// How far apart two figures must be to differ for sure. Where one has no interval nothing is sure.
    pub fn apart(&self, other: &Self) -> f64 {
        match (self.half, other.half) {
            (Some(one), Some(two)) => one.hypot(two),
            _ => f64::INFINITY,
        }
    }

    /// More than the other, for sure.
    pub fn exceeds(&self, other: &Self) -> bool {
        self.value - other.value > self.apart(other)
    }

    /// In another unit.
    pub fn times(&self, factor: f64) -> Self {
        Self { value: self.value * factor, half: self.half.map(|half| half * factor) }
    }
}

fn half(batches: &[f64]) -> Option<f64> {
    let count = batches.len();
    if count < BATCHES_MIN {
        return None;
    }
    let mean = batches.iter().sum::<f64>() / count as f64;
    let squares: f64 = batches.iter().map(|batch| (batch - mean).powi(2)).sum();
    let deviation = (squares / (count - 1) as f64).sqrt();
    let products: f64 = batches.windows(2).map(|two| (two[0] - mean) * (two[1] - mean)).sum();
    let correlation = if squares > 0.0 { (products / squares).clamp(0.0, CORRELATION_MAX) } else { 0.0 };
    let widened = ((1.0 + correlation) / (1.0 - correlation)).sqrt();
    Some(student(count - 1) * deviation / (count as f64).sqrt() * widened)
}

/// Student's t, two-sided 95 %, for so many degrees of freedom.
fn student(freedom: usize) -> f64 {
    const TABLE: [f64; 19] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093,
    ];
    freedom.checked_sub(1).and_then(|at| TABLE.get(at)).copied().unwrap_or(1.960)
}

/// The value that a share `q` of the sorted values does not exceed; 0 where there are none.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_students_for_batches_that_are_free_of_each_other() {
        let batches: Vec<f64> = (0..20).map(|n| if n % 2 == 0 { 9.0 } else { 11.0 }).collect();
        let deviation = (20.0 / 19.0_f64).sqrt();
        let wanted = 2.093 * deviation / 20.0_f64.sqrt();
        assert!((half(&batches).unwrap() - wanted).abs() < 1e-9);
    }

    #[test]
    fn batches_that_follow_each_other_widen_it() {
        let free: Vec<f64> = (0..20).map(|n| if n % 2 == 0 { 9.0 } else { 11.0 }).collect();
        let alike: Vec<f64> = (0..20).map(|n| if n < 10 { 9.0 } else { 11.0 }).collect();
        assert!(half(&alike).unwrap() > 3.0 * half(&free).unwrap());
    }

    #[test]
    fn too_few_batches_say_nothing() {
        let few = Estimate::of(1.0, &[1.0, 1.0, 1.0]);
        assert_eq!(few.half, None);
        assert!(!few.contains(1.0));
        assert!(!Estimate { value: 9.0, half: Some(0.1) }.exceeds(&few));
        assert_eq!(Estimate::of(1.0, &[1.0; 20]).half, Some(0.0));
    }

    #[test]
    fn a_difference_is_sure_beyond_both_intervals_together() {
        let at = |value| Estimate { value, half: Some(3.0) };
        assert!(!at(14.0).exceeds(&at(10.0)));
        assert!(at(14.3).exceeds(&at(10.0)));
    }

    #[test]
    fn a_quantile_is_a_value_that_was_seen() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        for (q, wanted) in [(0.5, 50.0), (0.99, 99.0), (0.0, 1.0), (1.0, 100.0)] {
            assert_eq!(quantile(&values, q), wanted);
        }
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn a_quantile_is_as_sure_as_the_share_beyond_it_is_steady() {
        let values: Vec<f64> = (1..=10_000).map(f64::from).collect();
        let steady = Estimate::of_quantile(&values, 0.9, &[0.1; 20]);
        assert_eq!((steady.value, steady.half), (9_000.0, Some(0.0)));
        let swinging = |by: f64| {
            let shares: Vec<f64> = (0..20).map(|n| if n % 2 == 0 { 0.1 - by } else { 0.1 + by }).collect();
            (Estimate::of_quantile(&values, 0.9, &shares).half, half(&shares).unwrap())
        };
        let (interval, half) = swinging(0.02);
        let wanted = 1_000.0 * ((half / 0.1).exp() - 1.0);
        assert!((interval.unwrap() - wanted).abs() <= 1.0, "{interval:?} {wanted}");
        assert_eq!(swinging(2.0).0, None, "that share is not sure of anything");
    }
}
