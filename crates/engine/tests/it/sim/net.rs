//! Sockets: two directions, each with room, delay, fragments and an end. Order is kept within a direction, not between.

use std::collections::VecDeque;

use crate::rng::Rng;

/// One end of a connection: its number, and which side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct End {
    pub(crate) pipe: usize,
    /// 0: who connected; 1: who accepted.
    pub(crate) side: usize,
}

impl End {
    pub(crate) fn other(self) -> Self {
        Self { pipe: self.pipe, side: 1 - self.side }
    }
}

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Fin,
    Reset,
}

#[derive(Debug, Default)]
struct Direction {
    flying: VecDeque<u8>,
    landed: VecDeque<u8>,
    /// Chunks on their way, oldest first.
    chunks: VecDeque<usize>,
    ending: Option<Ending>,
    ended: Option<Ending>,
    lands_at: u64,
    /// The writer was told that there is no room and waits.
    starved: bool,
    /// Bytes written so far: only the first are cut small, or a large result would take all day.
    written: usize,
}

#[derive(Debug)]
struct Pipe {
    /// By the side that writes.
    directions: [Direction; 2],
    room: usize,
    delay: u64,
}

/// What is to happen later, for the world's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// Call [`Net::land`] for the reader.
    Land(End),
    /// The writer may write again.
    Room(End),
}

/// Bytes of a direction that are cut small and find little room.
const PATIENCE: usize = 6_000;

/// All sockets of a world.
#[derive(Debug)]
pub(crate) struct Net {
    pipes: Vec<Pipe>,
    rng: Rng,
    /// Cut everything into small pieces.
    shred: bool,
    pub(crate) later: Vec<(u64, Later)>,
}

impl Net {
    pub(crate) fn new(mut rng: Rng) -> Self {
        let shred = rng.percent(30);
        Self { pipes: Vec::new(), rng, shred, later: Vec::new() }
    }

    /// A new connection; the end is the connecting one.
    pub(crate) fn connect(&mut self) -> End {
        let room = *self.rng.pick(&[300, 2_000, 16_000, 64_000]);
        let delay = *self.rng.pick(&[5, 20, 80, 300]);
        self.pipes.push(Pipe { directions: Default::default(), room, delay });
        End { pipe: self.pipes.len() - 1, side: 0 }
    }

    /// Writes what there is room for; the number of bytes taken.
    pub(crate) fn write(&mut self, now: u64, from: End, bytes: &[u8]) -> usize {
        let pipe = &mut self.pipes[from.pipe];
        let direction = &mut pipe.directions[from.side];
        if direction.ending.is_some() {
            return bytes.len();
        }
        let room = if direction.written > PATIENCE { pipe.room.max(16_000) } else { pipe.room };
        let taken = bytes.len().min(room.saturating_sub(direction.flying.len() + direction.landed.len()));
        direction.written += taken;
        let shred = self.shred && direction.written < PATIENCE;
        direction.starved = taken < bytes.len();
        let mut rest = &bytes[..taken];
        while !rest.is_empty() {
            let most = if shred { 7 } else { 4_000 };
            let len = if self.rng.percent(60) && !shred {
                rest.len()
            } else {
                1 + self.rng.below(most.min(rest.len() as u64)) as usize
            };
            let len = len.min(rest.len());
            direction.flying.extend(&rest[..len]);
            direction.chunks.push_back(len);
            direction.lands_at = direction.lands_at.max(now) + 1 + self.rng.below(pipe.delay);
            self.later.push((direction.lands_at, Later::Land(from.other())));
            rest = &rest[len..];
        }
        taken
    }

    /// Ends what this side writes.
    pub(crate) fn end(&mut self, now: u64, from: End, how: Ending) {
        let pipe = &mut self.pipes[from.pipe];
        let direction = &mut pipe.directions[from.side];
        if direction.ending.is_some() {
            return;
        }
        direction.ending = Some(how);
        direction.chunks.push_back(0);
        direction.lands_at = direction.lands_at.max(now) + 1 + self.rng.below(pipe.delay);
        self.later.push((direction.lands_at, Later::Land(from.other())));
        if how == Ending::Reset {
            // Nothing more is taken from the other side either.
            let back = &mut pipe.directions[1 - from.side];
            back.ending.get_or_insert(Ending::Reset);
        }
    }

    /// A chunk arrives at its reader.
    pub(crate) fn land(&mut self, to: End) {
        let direction = &mut self.pipes[to.pipe].directions[1 - to.side];
        match direction.chunks.pop_front() {
            Some(0) => direction.ended = direction.ending,
            Some(len) => {
                let chunk: Vec<u8> = direction.flying.drain(..len).collect();
                direction.landed.extend(chunk);
            }
            None => {}
        }
    }

    /// Bytes that can be read.
    pub(crate) fn readable(&self, at: End) -> usize {
        self.pipes[at.pipe].directions[1 - at.side].landed.len()
    }

    /// How the other side ended, once that has arrived. Bytes may still be readable.
    pub(crate) fn ended(&self, at: End) -> Option<Ending> {
        self.pipes[at.pipe].directions[1 - at.side].ended
    }

    pub(crate) fn read(&mut self, now: u64, at: End, most: usize) -> Vec<u8> {
        let direction = &mut self.pipes[at.pipe].directions[1 - at.side];
        let len = most.min(direction.landed.len());
        let bytes = direction.landed.drain(..len).collect();
        if direction.starved && len > 0 {
            direction.starved = false;
            self.later.push((now + 1 + self.rng.below(20), Later::Room(at.other())));
        }
        bytes
    }
}
