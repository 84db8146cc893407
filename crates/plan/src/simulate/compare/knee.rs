//! Where more connections stop being worth it.

use super::{Row, worth_it};

/// Twice the connections must bring 7 % more throughput (`2^0.1`) to be worth them,
const WORTH_MORE: f64 = 0.1;
/// or 16 % less latency (`2^-0.25`): near its limit a load's latency moves much with little.
const WORTH_SOONER: f64 = 0.25;

/// A rise of latency below 5 % is not worth a word.
const RISE: f64 = 1.05;

/// What a sweep over pool sizes shows. The numbers are places in the list of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knee {
    /// From this size on, more connections bring nothing that is sure and worth them.
    Flat {
        /// The row.
        at: usize,
    },
    /// This size is the best; from `rises` on, latency is higher again.
    Rises {
        /// The row.
        at: usize,
        /// The first row beyond it whose latency is higher, for sure and by 5 %.
        rises: usize,
    },
    /// The largest size that was tried still gains: the knee lies beyond.
    Beyond,
    /// No size keeps up with what arrives.
    Overload,
    /// One size alone shows no knee.
    Unknown,
}

impl Knee {
    /// The row of the knee.
    pub fn at(self) -> Option<usize> {
        match self {
            Self::Flat { at } | Self::Rises { at, .. } => Some(at),
            Self::Beyond | Self::Overload | Self::Unknown => None,
        }
    }
}

/// Finds the knee of rows that are sorted by size: the first row on which no later one improves.
pub fn knee(rows: &[Row]) -> Knee {
    if rows.iter().all(|row| !row.outcome.keeps_up) {
        return Knee::Overload;
    }
    if rows.len() < 2 {
        return Knee::Unknown;
    }
    let last = rows.len() - 1;
    let is_best = |at: &usize| {
        let later = rows.get(at + 1..).unwrap_or_default();
        rows.get(*at).is_some_and(|row| !later.iter().any(|more| improves(more, row)))
    };
    let at = (0..rows.len()).find(is_best).unwrap_or(last);
    if at == last {
        return Knee::Beyond;
    }
    let is_slower = |row: &Row, than: &Row| {
        let (is, was) = (row.outcome.latency_s.mean, than.outcome.latency_s.mean);
        is.exceeds(&was) && is.value >= RISE * was.value
    };
    let rises = rows
        .iter()
        .enumerate()
        .skip(at + 1)
        .find(|(_, row)| !row.outcome.keeps_up || rows.get(at).is_some_and(|best| is_slower(row, best)));
    match rises {
        Some((rises, _)) => Knee::Rises { at, rises },
        None => Knee::Flat { at },
    }
}

/// A row with more connections is worth them: it keeps up where the other does not, does more, or is sooner done.
fn improves(more: &Row, row: &Row) -> bool {
    match (row.outcome.keeps_up, more.outcome.keeps_up) {
        (false, true) => return true,
        (true, false) => return false,
        (true, true) | (false, false) => {}
    }
    let growth = f64::from(more.pool_size) / f64::from(row.pool_size.max(1));
    let (now, then) = (&row.outcome, &more.outcome);
    let does_more = worth_it(&then.throughput_per_s, &now.throughput_per_s, growth, WORTH_MORE);
    let does_less = now.throughput_per_s.exceeds(&then.throughput_per_s);
    let is_sooner = worth_it(&now.latency_s.mean, &then.latency_s.mean, growth, WORTH_SOONER);
    does_more || (is_sooner && !does_less)
}

#[cfg(test)]
mod tests {
    use super::super::words::tests::{Figures, rows};
    use super::*;

    #[test]
    fn it_is_where_nothing_more_is_gained() {
        let flat = rows(&[(10, 100.0, 50.0), (20, 180.0, 25.0), (40, 182.0, 24.5), (80, 183.0, 24.0)]);
        assert_eq!(knee(&flat), Knee::Flat { at: 1 });
    }

    #[test]
    fn it_is_where_latency_begins_to_rise() {
        let rises = rows(&[(10, 100.0, 50.0), (20, 180.0, 25.0), (40, 180.0, 26.0), (80, 180.0, 40.0)]);
        assert_eq!(knee(&rises), Knee::Rises { at: 1, rises: 3 });
    }

    #[test]
    fn a_gain_within_the_error_bars_is_none() {
        let unsure: Vec<Figures> = vec![(10, 100.0, 50.0), (20, 130.0, 40.0)];
        assert_eq!(knee(&rows(&unsure)), Knee::Beyond);
        let mut unsure = rows(&unsure);
        unsure[1].outcome.throughput_per_s.half = Some(40.0);
        unsure[1].outcome.latency_s.mean.half = Some(0.02);
        assert_eq!(knee(&unsure), Knee::Flat { at: 0 });
    }

    #[test]
    fn a_step_that_gains_only_later_is_not_taken_for_the_end() {
        let step = rows(&[(10, 100.0, 50.0), (12, 100.0, 50.0), (20, 180.0, 25.0), (40, 181.0, 25.0)]);
        assert_eq!(knee(&step), Knee::Flat { at: 2 });
    }

    #[test]
    fn without_a_size_that_keeps_up_there_is_none() {
        let mut all = rows(&[(10, 100.0, 50.0), (20, 100.0, 50.0)]);
        for row in &mut all {
            row.outcome.keeps_up = false;
        }
        assert_eq!(knee(&all), Knee::Overload);
        all[1].outcome.keeps_up = true;
        assert_eq!(knee(&all), Knee::Beyond);
        assert_eq!(knee(&rows(&[(10, 100.0, 50.0)])), Knee::Unknown);
    }
}
