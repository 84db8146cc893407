//! Medians and how sure one may be of them.

use serde::Serialize;

use crate::dice::Dice;

const RESAMPLES: usize = 10_000;
/// Fixed, so that the same measurements always give the same interval.
const SEED: u64 = 0x5eed_c033_a4d3_0001;

/// A median and its 95 % interval (percentile bootstrap).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Estimate {
    /// Of independent measurements; there must be one at least.
    pub(crate) fn of(values: &[f64]) -> Self {
        assert!(!values.is_empty(), "a median needs a value");
        let mut dice = Dice::new(SEED);
        let mut medians: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                let mut sample: Vec<f64> = values.iter().map(|_| values[dice.below(values.len())]).collect();
                median(&mut sample)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        Self {
            median: median(&mut values.to_vec()),
            low: medians[RESAMPLES * 25 / 1000],
            high: medians[RESAMPLES * 975 / 1000 - 1],
        }
    }
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} [{:.3}, {:.3}]", self.median, self.low, self.high)
    }
}

/// The middle; of an even number, the mean of the middle two.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// The standard deviation of a sample; 0 for fewer than two.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median(&mut [4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-12);
    }

    #[test]
    fn an_interval_holds_its_median_and_repeats() {
        let values: Vec<f64> = (0..40).map(|n| 0.8 + f64::from(n % 7) / 100.0).collect();
        let estimate = Estimate::of(&values);
        assert!(estimate.low <= estimate.median && estimate.median <= estimate.high);
        assert!(estimate.low < estimate.high);
        assert_eq!(estimate, Estimate::of(&values));
    }

    #[test]
    fn equal_values_leave_no_doubt() {
        assert_eq!(Estimate::of(&[2.0; 9]), Estimate { median: 2.0, low: 2.0, high: 2.0 });
        assert!(deviation(&[2.0; 9]).abs() < 1e-12);
    }
}
