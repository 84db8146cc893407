//! The server, shared equally by all that work on it.
//!
//! Nobody's remaining work is ever touched: there is a clock of work, which runs at the speed that each one gets just
//! then, and a request that comes with so much work ends when that clock has gone on by so much. So who ends next is the
//! top of a heap, and an arrival or an end costs its logarithm, not a walk over everybody.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::Server;

/// Something that is due at a time of some clock. What is due at once comes in the order it was put in.
pub(super) struct Due<T> {
    pub(super) at: f64,
    order: u64,
    pub(super) what: T,
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Due<T> {}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.order.cmp(&other.order))
    }
}

/// What is due, soonest first.
pub(super) struct Agenda<T> {
    heap: BinaryHeap<Reverse<Due<T>>>,
    orders: u64,
}

impl<T> Agenda<T> {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new(), orders: 0 }
    }

    pub(super) fn add(&mut self, at: f64, what: T) {
        self.orders += 1;
        self.heap.push(Reverse(Due { at, order: self.orders, what }));
    }

    /// When the next is due; infinity if nothing is.
    pub(super) fn next(&self) -> f64 {
        self.heap.peek().map_or(f64::INFINITY, |Reverse(due)| due.at)
    }

    pub(super) fn take(&mut self) -> Option<Due<T>> {
        self.heap.pop().map(|Reverse(due)| due)
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}

/// Those at work.
pub(super) struct Working<T> {
    server: Server,
    agenda: Agenda<T>,
    /// The clock of work.
    work_s: f64,
    /// When it was read.
    at_s: f64,
    speed: f64,
    next_s: f64,
}

impl<T> Working<T> {
    pub(super) fn new(server: Server) -> Self {
        Self { server, agenda: Agenda::new(), work_s: 0.0, at_s: 0.0, speed: 1.0, next_s: f64::INFINITY }
    }

    /// One more begins.
    pub(super) fn begin(&mut self, now_s: f64, work_s: f64, what: T) {
        self.work_s += (now_s - self.at_s) * self.speed;
        self.at_s = now_s;
        self.agenda.add(self.work_s + work_s, what);
        self.settle();
    }

    /// When the next ends, if nobody comes until then.
    pub(super) fn next_s(&self) -> f64 {
        self.next_s
    }

    /// The next ends, now.
    pub(super) fn end(&mut self, now_s: f64) -> Option<T> {
        let due = self.agenda.take()?;
        self.at_s = now_s;
        // Set, not added to: no rounding is carried on. Beginning again at 0 keeps the clock's digits fine.
        self.work_s = if self.agenda.len() == 0 { 0.0 } else { due.at };
        self.settle();
        Some(due.what)
    }

    fn settle(&mut self) {
        self.speed = self.server.speed(self.agenda.len());
        self.next_s = self.at_s + (self.agenda.next() - self.work_s).max(0.0) / self.speed;
    }

    /// Cores that are busy.
    pub(super) fn running(&self) -> f64 {
        self.server.running(self.agenda.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(server: Server, jobs: &[(f64, f64)]) -> Vec<(usize, f64)> {
        let mut working = Working::new(server);
        let mut ends = Vec::new();
        let mut coming = jobs.iter().enumerate().peekable();
        loop {
            let next_s = working.next_s();
            match coming.peek() {
                Some((_, (at_s, _))) if *at_s < next_s => {
                    let (who, (at_s, work_s)) = coming.next().unwrap();
                    working.begin(*at_s, *work_s, who);
                }
                _ => match working.end(next_s) {
                    Some(who) => ends.push((who, next_s)),
                    None => return ends,
                },
            }
        }
    }

    #[test]
    fn one_core_is_shared_by_those_that_are_there() {
        let server = Server { cores: Some(1), sigma: 0.0, kappa: 0.0 };
        // The first is alone for 1 s, then both share: the second's 1 s of work takes 2 s, and the first does its last.
        assert_eq!(ends(server, &[(0.0, 3.0), (1.0, 1.0)]), [(1, 3.0), (0, 4.0)]);
    }

    #[test]
    fn two_on_two_cores_do_not_meet() {
        let server = Server { cores: Some(2), sigma: 0.0, kappa: 0.0 };
        assert_eq!(ends(server, &[(0.0, 3.0), (1.0, 1.0)]), [(1, 2.0), (0, 3.0)]);
    }

    #[test]
    fn who_is_alike_ends_in_the_order_of_coming() {
        let server = Server { cores: Some(1), sigma: 0.0, kappa: 0.0 };
        assert_eq!(ends(server, &[(0.0, 1.0), (0.0, 1.0), (0.0, 1.0)]), [(0, 3.0), (1, 3.0), (2, 3.0)]);
    }

    #[test]
    fn contention_slows_also_where_cores_are_free() {
        let server = Server { cores: Some(4), sigma: 0.5, kappa: 0.0 };
        assert_eq!(ends(server, &[(0.0, 1.0), (0.0, 1.0)]), [(0, 1.5), (1, 1.5)]);
    }
}
