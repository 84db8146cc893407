//! Two things measured by turns, so that what the machine does meanwhile meets both.

use std::ops::Range;

use serde::Serialize;

use crate::stats::{Estimate, deviation};

/// The measurements of both sides, in order.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Pairs {
    pub(crate) ours: Vec<f64>,
    pub(crate) theirs: Vec<f64>,
}

/// Which side a measurement belongs to; also its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours = 0,
    Theirs = 1,
}

impl Side {
    /// Who begins in the pair of this number.
    pub(crate) fn order(pair: usize) -> [Self; 2] {
        if pair.is_multiple_of(2) { [Self::Ours, Self::Theirs] } else { [Self::Theirs, Self::Ours] }
    }
}

/// Splits `count` pairs into at most `rounds` even parts.
///
/// Where a program's memory happens to lie makes it a little faster or slower for its whole life. Each round starts
/// the programs anew, so that this too is part of the interval.
pub(crate) fn rounds(count: usize, rounds: usize) -> impl Iterator<Item = Range<usize>> {
    let rounds = rounds.clamp(1, count.max(1));
    (0..rounds).map(move |at| count * at / rounds..count * (at + 1) / rounds)
}

/// What pairs come to.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) ours: Estimate,
    pub(crate) theirs: Estimate,
    pub(crate) ratio: Estimate,
    /// Standard deviation of the pairs' ratios: how noisy one pair is.
    pub(crate) ratio_deviation: f64,
}

impl Pairs {
    /// Measures the pairs of these numbers; which side begins changes from pair to pair.
    pub(crate) fn measure(
        &mut self,
        numbers: Range<usize>,
        mut measure: impl FnMut(usize, Side) -> anyhow::Result<f64>,
    ) -> anyhow::Result<()> {
        for at in numbers {
            for side in Side::order(at) {
                let value = measure(at, side)?;
                self.note(side, value);
            }
        }
        Ok(())
    }

    /// Adds one measurement of one side.
    pub(crate) fn note(&mut self, side: Side, value: f64) {
        match side {
            Side::Ours => self.ours.push(value),
            Side::Theirs => self.theirs.push(value),
        }
    }

    /// Medians, and the median of the ratios ours / theirs.
    pub(crate) fn verdict(&self) -> Verdict {
        let ratios: Vec<f64> =
            self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect();
        Verdict {
            ours: Estimate::of(&self.ours),
            theirs: Estimate::of(&self.theirs),
            ratio: Estimate::of(&ratios),
            ratio_deviation: deviation(&ratios),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_begin_by_turns() {
        let mut order = Vec::new();
        let mut pairs = Pairs::default();
        let measured = pairs.measure(0..2, |at, side| {
            order.push((at, side));
            Ok(if side == Side::Ours { 1.0 } else { 2.0 })
        });
        measured.unwrap();
        assert_eq!(order, [(0, Side::Ours), (0, Side::Theirs), (1, Side::Theirs), (1, Side::Ours)]);
        assert!((pairs.verdict().ratio.median - 0.5).abs() < 1e-12);
    }

    #[test]
    fn rounds_hold_every_pair_once() {
        for (count, parts) in [(40, 4), (3, 4), (9, 2), (1, 0)] {
            let numbers: Vec<_> = rounds(count, parts).flatten().collect();
            assert_eq!(numbers, (0..count).collect::<Vec<_>>());
            assert!(rounds(count, parts).all(|round| !round.is_empty()));
        }
    }
}
