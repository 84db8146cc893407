//! The pools of the processes: who holds a connection, and who waits for one, first come, first served.

use std::collections::VecDeque;

use super::Spreading;
use super::random::{Random, Stream};

/// A request on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) arrived_s: f64,
    /// The server's part of its hold.
    pub(super) work_s: f64,
    /// The application's part.
    pub(super) rest_s: f64,
    pub(super) process: usize,
    /// Counts up: tells whether the one at the front is still the one that was meant.
    pub(super) number: u64,
}

/// What becomes of a request that comes.
pub(super) enum Met {
    /// A connection was free.
    Lent,
    /// It stands in line.
    Waits,
    /// The line was full.
    Refused,
}

struct Pool {
    free: u32,
    waiting: VecDeque<Request>,
}

/// All pools.
pub(super) struct Pools {
    pools: Vec<Pool>,
    waiting_max: usize,
    spreading: Spreading,
    random: Random,
    turn: usize,
    lent: u32,
    waiting: u32,
    /// The longest all lines together have been.
    pub(super) waiting_most: u32,
}

impl Pools {
    pub(super) fn new(
        processes: u32,
        size: u32,
        waiting_max: Option<u32>,
        spreading: Spreading,
        seed: u64,
    ) -> Self {
        Self {
            pools: (0..processes.max(1)).map(|_| Pool { free: size, waiting: VecDeque::new() }).collect(),
            waiting_max: waiting_max.map_or(usize::MAX, |most| most as usize),
            spreading,
            random: Random::new(seed, Stream::Spreading),
            turn: 0,
            lent: 0,
            waiting: 0,
            waiting_most: 0,
        }
    }

    /// The process that the next request comes to.
    pub(super) fn process(&mut self) -> usize {
        match (self.pools.len(), self.spreading) {
            (1, _) => 0,
            (all, Spreading::Random) => self.random.below(all),
            (all, Spreading::RoundRobin) => {
                self.turn = (self.turn + 1) % all;
                self.turn
            }
        }
    }

    pub(super) fn come(&mut self, request: Request) -> Met {
        let pool = &mut self.pools[request.process];
        if pool.free > 0 {
            assert!(pool.waiting.is_empty(), "nobody waits beside a free connection of its own pool");
            pool.free -= 1;
            self.lent += 1;
            return Met::Lent;
        }
        if pool.waiting.len() >= self.waiting_max {
            return Met::Refused;
        }
        pool.waiting.push_back(request);
        self.waiting += 1;
        self.waiting_most = self.waiting_most.max(self.waiting);
        Met::Waits
    }

    /// A connection comes back: to the first who waits, if somebody does.
    pub(super) fn give_back(&mut self, process: usize) -> Option<Request> {
        let pool = &mut self.pools[process];
        if let Some(next) = pool.waiting.pop_front() {
            self.waiting -= 1;
            return Some(next);
        }
        pool.free += 1;
        self.lent -= 1;
        None
    }

    /// That request still waits. With one patience for all it is the first of its line then.
    pub(super) fn is_waiting(&self, process: usize, number: u64) -> bool {
        self.pools[process].waiting.front().is_some_and(|first| first.number == number)
    }

    /// The first of a line gives up.
    pub(super) fn give_up(&mut self, process: usize) {
        let gone = self.pools[process].waiting.pop_front();
        assert!(gone.is_some(), "who gives up has waited");
        self.waiting -= 1;
    }

    pub(super) fn lent(&self) -> u32 {
        self.lent
    }

    pub(super) fn waiting(&self) -> u32 {
        self.waiting
    }
}
