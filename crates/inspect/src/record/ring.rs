//! The last samples, in memory.

use std::collections::VecDeque;
use std::mem::size_of;
use std::sync::Arc;

use crate::catalog::{Sample, Session};

/// A sample with its number: 1 for the first that was ever added.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its number.
    pub number: u64,
    /// What was seen.
    pub sample: Arc<Sample>,
}

/// The newest samples within two bounds: a count, and bytes (estimated). The newest one always stays.
#[derive(Clone, Debug)]
pub struct Ring {
    kept: VecDeque<(Kept, usize)>,
    bytes: usize,
    samples_max: usize,
    bytes_max: usize,
    last: u64,
}

impl Ring {
    /// An empty ring with its bounds.
    pub fn new(samples_max: usize, bytes_max: usize) -> Self {
        Self { kept: VecDeque::new(), bytes: 0, samples_max, bytes_max, last: 0 }
    }

    /// Adds the newest; the oldest make room.
    pub fn push(&mut self, sample: Arc<Sample>) -> Kept {
        self.last += 1;
        let bytes = bytes_of(&sample);
        let kept = Kept { number: self.last, sample };
        self.kept.push_back((kept.clone(), bytes));
        self.bytes += bytes;
        while self.kept.len() > 1 && (self.kept.len() > self.samples_max || self.bytes > self.bytes_max) {
            if let Some((_, bytes)) = self.kept.pop_front() {
                self.bytes -= bytes;
            }
        }
        kept
    }

    /// Samples that are there.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// None yet.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The newest.
    pub fn newest(&self) -> Option<&Kept> {
        self.kept.back().map(|(kept, _)| kept)
    }

    /// The oldest that is left.
    pub fn oldest(&self) -> Option<&Kept> {
        self.kept.front().map(|(kept, _)| kept)
    }

    /// The last one before `number`; where all of those are gone, the oldest.
    pub fn before(&self, number: u64) -> Option<&Kept> {
        let (kept, _) =
            self.kept.iter().rev().find(|(kept, _)| kept.number < number).or(self.kept.front())?;
        Some(kept)
    }

    /// The first one behind `number`.
    pub fn after(&self, number: u64) -> Option<&Kept> {
        self.kept.iter().map(|(kept, _)| kept).find(|kept| kept.number > number)
    }
}

fn bytes_of(sample: &Sample) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
    let texts = |session: &Session| {
        text(&session.started)
            + text(&session.changed)
            + text(&session.database)
            + text(&session.user)
            + text(&session.query)
            + session.application.capacity()
            + session.wait.as_ref().map_or(0, |(kind, event)| kind.capacity() + event.capacity())
    };
    let sessions: usize = sample.sessions.iter().map(|session| size_of::<Session>() + texts(session)).sum();
    size_of::<Sample>() + sessions + sample.limits.len() * 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample_line::tests::sample;

    fn numbers(ring: &Ring) -> (u64, u64, usize) {
        (ring.oldest().unwrap().number, ring.newest().unwrap().number, ring.len())
    }

    #[test]
    fn the_oldest_make_room_by_count_and_by_bytes() {
        let mut ring = Ring::new(3, usize::MAX);
        for n in 0..5 {
            ring.push(Arc::new(sample(n)));
        }
        assert_eq!(numbers(&ring), (3, 5, 3));
        let one = bytes_of(&sample(0));
        let mut ring = Ring::new(1_000, one * 2 + one / 2);
        for n in 0..5 {
            ring.push(Arc::new(sample(n)));
        }
        assert_eq!(numbers(&ring), (4, 5, 2));
    }

    #[test]
    fn one_that_is_larger_than_the_ring_is_kept_alone() {
        let mut ring = Ring::new(10, 1);
        ring.push(Arc::new(sample(0)));
        ring.push(Arc::new(sample(1)));
        assert_eq!(numbers(&ring), (2, 2, 1));
    }

    #[test]
    fn it_is_walked_in_both_directions_and_stops_at_its_ends() {
        let mut ring = Ring::new(3, usize::MAX);
        for n in 0..5 {
            ring.push(Arc::new(sample(n)));
        }
        let number = |kept: Option<&Kept>| kept.map(|kept| kept.number);
        assert_eq!(number(ring.before(5)), Some(4));
        assert_eq!(number(ring.before(3)), Some(3));
        assert_eq!(number(ring.before(1)), Some(3));
        assert_eq!(number(ring.after(4)), Some(5));
        assert_eq!(number(ring.after(5)), None);
        assert_eq!(number(ring.after(1)), Some(3));
    }
}
