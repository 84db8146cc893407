//! What was seen so far: samples while they fit, and small sums of many more.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use inspect::catalog::Sample;
use inspect::census::{By, Totals, Utilization};
use inspect::record::{Kept, Ring};

/// Most samples kept whole.
const SAMPLES_MAX: usize = 3_600;
/// And most bytes of them.
const SAMPLES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Points of the curve: 15 minutes at two a second, with room to go back.
const POINTS_MAX: usize = 8_192;
/// Samples that trends look back on.
const COUNTS_MAX: usize = 240;
/// Groups that a trend is kept of, per key.
const GROUPS_MAX: usize = 100;

/// What can be grouped by, in the order of the key `g`.
pub(crate) const KEYS: [By; 5] = [By::App, By::User, By::Db, By::Client, By::State];

/// How full it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Which sample.
    pub(crate) number: u64,
    /// The server's clock.
    pub(crate) at_us: i64,
    /// Of the usable slots.
    pub(crate) percent: f64,
}

type Counts = [HashMap<Arc<str>, u32>; KEYS.len()];

/// Everything that is remembered, within bounds.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) ring: Ring,
    points: VecDeque<Point>,
    counts: VecDeque<(u64, Counts)>,
}

impl History {
    pub(crate) fn new() -> Self {
        let ring = Ring::new(SAMPLES_MAX, SAMPLES_BYTES_MAX);
        Self { ring, points: VecDeque::new(), counts: VecDeque::new() }
    }

    /// Remembers a sample.
    pub(crate) fn push(&mut self, sample: Arc<Sample>) -> Kept {
        let percent = Utilization::of(&Totals::of(&sample), &sample.facts).of_usable_percent;
        let counts = KEYS.map(|by| largest(&sample, by));
        let kept = self.ring.push(sample);
        self.points.push_back(Point { number: kept.number, at_us: kept.sample.facts.now_us, percent });
        self.counts.push_back((kept.number, counts));
        while self.points.len() > POINTS_MAX {
            self.points.pop_front();
        }
        while self.counts.len() > COUNTS_MAX {
            self.counts.pop_front();
        }
        kept
    }

    /// The points of the `seconds` up to a sample, the oldest first.
    pub(crate) fn points(&self, until: u64, seconds: f64) -> impl Iterator<Item = &Point> {
        let end = self.points.partition_point(|point| point.number <= until);
        let at_us = end.checked_sub(1).map_or(0, |last| self.points[last].at_us);
        let from_us = at_us - (seconds * 1e6) as i64;
        self.points.range(..end).filter(move |point| point.at_us > from_us)
    }

    /// How many sessions a group had, in `cells` steps up to a sample; fewer at the beginning.
    pub(crate) fn trend(&self, by: By, key: &str, until: u64, cells: usize) -> Vec<u32> {
        let at = KEYS.iter().position(|known| *known == by).unwrap_or(0);
        let end = self.counts.partition_point(|(number, _)| *number <= until);
        let looks = end.min(COUNTS_MAX);
        let steps = cells.min(looks);
        let number = |look: usize| self.counts[look].1[at].get(key).copied().unwrap_or(0);
        (0..steps)
            .map(|step| {
                let (from, to) = (step * looks / steps, (step + 1) * looks / steps);
                (end - looks + from..end - looks + to).map(number).max().unwrap_or(0)
            })
            .collect()
    }
}

fn largest(sample: &Sample, by: By) -> HashMap<Arc<str>, u32> {
    let mut all: HashMap<String, u32> = HashMap::new();
    for session in sample.slot_holders() {
        *all.entry(by.key(session)).or_default() += 1;
    }
    let mut all: Vec<(String, u32)> = all.into_iter().collect();
    if all.len() > GROUPS_MAX {
        all.select_nth_unstable_by(GROUPS_MAX, |a, b| b.1.cmp(&a.1));
        all.truncate(GROUPS_MAX);
    }
    all.into_iter().map(|(key, number)| (key.into(), number)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::sample;
    use super::*;

    #[test]
    fn a_trend_shows_peaks_and_ends_at_the_sample_that_is_shown() {
        let mut history = History::new();
        for n in 0..100 {
            history.push(Arc::new(sample(n * 5, &[("a", if n == 42 { 9 } else { 2 })])));
        }
        let trend = history.trend(By::App, "a", 100, 10);
        assert_eq!((trend.len(), trend[4], trend.iter().sum::<u32>()), (10, 9, 27));
        assert_eq!(history.trend(By::App, "a", 3, 10), [2, 2, 2]);
        assert_eq!(history.trend(By::App, "b", 3, 10), [0, 0, 0]);
        assert!(history.trend(By::App, "a", 0, 10).is_empty());
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut history = History::new();
        let names: Vec<String> = (0..500).map(|n| format!("app{n}")).collect();
        let apps: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let large = Arc::new(sample(0, &apps));
        for _ in 0..COUNTS_MAX + 50 {
            history.push(Arc::clone(&large));
        }
        assert_eq!(history.counts.len(), COUNTS_MAX);
        assert!(history.counts.iter().all(|(_, counts)| counts.iter().all(|map| map.len() <= GROUPS_MAX)));
    }

    #[test]
    fn points_are_those_of_the_last_minutes() {
        let mut history = History::new();
        for n in 0..100 {
            history.push(Arc::new(sample(n * 60, &[("a", 2)])));
        }
        assert_eq!(history.points(100, 900.0).count(), 15);
        assert_eq!(history.points(5, 900.0).map(|point| point.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}
