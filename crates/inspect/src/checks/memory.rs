//! What earlier looks leave behind for later ones: the sample before, for what comes and goes, and the last hour, for where
//! it leads. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::Point;
use crate::catalog::Sample;

/// No two points stand closer together, by the server's clock.
const APART_US: i64 = 15_000_000;
/// What comes and goes is counted over no less, unless somebody says otherwise: five logins between two probes that came
/// together are no storm.
const BEFORE: Duration = Duration::from_secs(5);
/// Points kept: an hour of them.
const POINTS_MAX: usize = 240;

/// Earlier looks at one server, for those who look again and again over one connection.
#[derive(Debug)]
pub struct Memory {
    place: String,
    before_us: i64,
    /// At least `before_us` older than `recent`.
    older: Option<Sample>,
    recent: Option<Sample>,
    points: VecDeque<Point>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(BEFORE)
    }
}

impl Memory {
    /// Nothing yet. What comes and goes will be counted over `before` at least.
    pub fn new(before: Duration) -> Self {
        let before_us = i64::try_from(before.as_micros()).unwrap_or(i64::MAX);
        Self { place: String::new(), before_us, older: None, recent: None, points: VecDeque::new() }
    }

    /// The same, of another server.
    fn afresh(&self, place: String) -> Self {
        Self { place, older: None, recent: None, points: VecDeque::new(), ..*self }
    }

    /// Forgets everything unless this is the same server as before.
    pub fn turn_to(&mut self, place: &str) {
        if self.place != place {
            *self = self.afresh(place.to_owned());
        }
    }

    /// The latest look that is old enough beside this one.
    pub fn before(&self, now: &Sample) -> Option<&Sample> {
        [&self.recent, &self.older]
            .into_iter()
            .flatten()
            .find(|sample| now.facts.now_us - sample.facts.now_us >= self.before_us)
    }

    /// Nobody has looked yet.
    pub fn is_empty(&self) -> bool {
        self.recent.is_none()
    }

    /// The last hour, the oldest first.
    pub fn points(&mut self) -> &[Point] {
        self.points.make_contiguous()
    }

    /// Keeps a look. Of many that stand close together one stays.
    pub fn keep(&mut self, sample: Sample) {
        let now = sample.facts.now_us;
        let last = self.recent.as_ref().map(|recent| recent.facts.now_us);
        // A clock that went back begins anew.
        if last.is_some_and(|last| now < last) {
            *self = self.afresh(self.place.clone());
        }
        if self.points.back().is_none_or(|point| now - point.ts_us >= APART_US) {
            if self.points.len() == POINTS_MAX {
                self.points.pop_front();
            }
            self.points.push_back(Point { place: self.place.clone(), ..Point::of(&sample) });
        }
        if self.recent.as_ref().is_none_or(|recent| now - recent.facts.now_us >= self.before_us) {
            self.older = self.recent.replace(sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Facts;

    fn at(second: i64) -> Sample {
        Sample { facts: Facts { now_us: second * 1_000_000, ..Facts::default() }, ..Sample::default() }
    }

    fn seconds(memory: &mut Memory) -> Vec<i64> {
        memory.points().iter().map(|point| point.ts_us / 1_000_000).collect()
    }

    #[test]
    fn points_stand_apart_and_are_an_hours_at_most() {
        let mut memory = Memory::default();
        for second in 0..31 {
            memory.keep(at(second));
        }
        assert_eq!(seconds(&mut memory), [0, 15, 30]);
        for minute in 1..1_000 {
            memory.keep(at(minute * 60));
        }
        assert_eq!(memory.points().len(), POINTS_MAX);
    }

    #[test]
    fn the_look_before_is_never_a_moment_ago() {
        let mut memory = Memory::default();
        let mut found = Vec::new();
        for second in [0, 1, 4, 5, 6, 9, 10, 40, 41] {
            let now = at(second);
            found.push(memory.before(&now).map(|sample| sample.facts.now_us / 1_000_000));
            memory.keep(now);
        }
        assert_eq!(
            found,
            [None, None, None, Some(0), Some(0), Some(0), Some(5), Some(10), Some(10)],
            "the latest that is 5 s old at least"
        );
    }

    #[test]
    fn another_server_or_a_clock_that_went_back_begins_anew() {
        let mut memory = Memory::default();
        memory.turn_to("a");
        memory.keep(at(100));
        memory.turn_to("a");
        assert_eq!(seconds(&mut memory), [100]);
        memory.keep(at(50));
        assert_eq!(seconds(&mut memory), [50]);
        memory.turn_to("b");
        assert!(memory.points().is_empty() && memory.before(&at(1_000)).is_none());
    }
}
