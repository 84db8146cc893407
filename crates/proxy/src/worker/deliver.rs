//! From a socket to the engine and on: one read, one call, its acts.
//!
//! All reads go into one buffer per thread and leave from there. Only what the engine could not use yet is copied, to
//! the connection it came by.

use engine::contract::{Gone, Input};
use model::id::ConnId;

use super::brain::Brain;
use super::conn::{Conn, Inbound, Offering, Outbound};
use super::gather;
use super::room::News;
use super::turn::Turn;
use crate::mail::Moving;

/// Bytes of one read.
const READ_MAX: usize = 64 * 1024;
/// Kept bytes up to here are put in front of the read; more of them stay where they are and get what was read behind.
const FRONT_MAX: usize = 4 * 1024;

/// The buffer of one thread.
pub(super) fn buffer() -> Box<[u8]> {
    vec![0; FRONT_MAX + READ_MAX].into_boxed_slice()
}

/// What there is to offer.
enum Batch {
    Nothing,
    /// So many bytes at the front of the thread's buffer, of which so many were kept before.
    Buffer {
        bytes: usize,
        kept: usize,
    },
    /// The connection's own bytes, taken out.
    Kept(Vec<u8>),
}

impl<B: Brain> Turn<B> {
    /// Reads and offers what a connection has, once, and tells of its end where that is next.
    #[inline]
    pub(super) fn pump(&mut self, conn: ConnId) {
        let Some(entry) = self.room.table.find(conn) else { return };
        if entry.inbound == Inbound::Over {
            return;
        }
        if !entry.is_stopped() {
            // Whoever has begun a message may finish it: that is what frees the bytes it keeps.
            if !conn.is_server()
                && entry.kept().is_empty()
                && self.room.hoard.bytes() > self.room.tuning.buffer_bytes_max
            {
                if !entry.listed {
                    entry.listed = true;
                    self.room.starved.push(conn);
                }
                return;
            }
            let limit = self.brain.appetite(conn).clamp(1, READ_MAX);
            let before = entry.stocked();
            let batch = fill(entry, &mut self.buffer, limit);
            self.room.hoard.changed(before, entry.stocked());
            match batch {
                Batch::Nothing => {}
                Batch::Buffer { bytes, kept } => self.offer(conn, bytes, kept),
                Batch::Kept(bytes) => self.offer_kept(conn, bytes),
            }
        }
        self.look_again(conn);
        if !self.room.news.is_empty() {
            self.digest();
        }
    }

    /// Offers the front of the thread's buffer.
    #[inline]
    fn offer(&mut self, conn: ConnId, bytes: usize, kept: usize) {
        let input = &self.buffer[..bytes];
        self.outs.clear();
        let taken = self.brain.on(self.room.now, Input::Bytes { conn, bytes: input }, &mut self.outs);
        if let Some(entry) = self.room.table.find(conn) {
            entry.follow(taken.then);
        }
        self.room.perform(&mut self.outs, input);
        if taken.used < bytes || kept > 0 {
            self.room.keep_copy(conn, input.get(taken.used..).unwrap_or_default());
        }
        self.errands.run(&mut self.outs, &mut self.room);
    }

    /// Offers bytes that were kept apart.
    fn offer_kept(&mut self, conn: ConnId, mut bytes: Vec<u8>) {
        self.outs.clear();
        let taken = self.brain.on(self.room.now, Input::Bytes { conn, bytes: &bytes }, &mut self.outs);
        if let Some(entry) = self.room.table.find(conn) {
            entry.follow(taken.then);
        }
        self.room.perform(&mut self.outs, &bytes);
        bytes.drain(..taken.used.min(bytes.len()));
        bytes.shrink_to_fit();
        self.room.keep(conn, bytes);
        self.errands.run(&mut self.outs, &mut self.room);
    }

    /// After an offer: tells of the end where it is reached, stands in line for the next turn where more may be there.
    #[inline]
    fn look_again(&mut self, conn: ConnId) {
        let Some(entry) = self.room.table.find(conn) else { return };
        match entry.inbound {
            Inbound::Quiet | Inbound::Over => {}
            Inbound::Readable | Inbound::Closing => {
                if entry.inbound == Inbound::Closing && entry.offering == Offering::Waiting {
                    entry.inbound = Inbound::Over;
                    let how = end_of(entry);
                    self.say(Input::Gone { conn, how });
                } else if !entry.is_stopped() {
                    self.room.list(conn);
                }
            }
            Inbound::Ended(how) => {
                let withheld =
                    matches!(entry.offering, Offering::Held | Offering::Eager) && !entry.kept().is_empty();
                if !withheld {
                    entry.inbound = Inbound::Over;
                    self.say(Input::Gone { conn, how });
                }
            }
        }
    }

    /// Tells the engine something that carries no bytes.
    pub(super) fn say(&mut self, input: Input<'_>) {
        self.outs.clear();
        self.brain.on(self.room.now, input, &mut self.outs);
        self.carry_out(&[]);
    }

    /// Performs what the last call wants.
    pub(super) fn carry_out(&mut self, input: &[u8]) {
        self.room.perform(&mut self.outs, input);
        self.errands.run(&mut self.outs, &mut self.room);
    }

    /// Tells the engine what came of its acts, and performs what it wants then, until there is nothing new.
    pub(super) fn digest(&mut self) {
        while let Some(news) = self.room.news.pop_front() {
            match news {
                News::Backlogged(conn) => self.say(Input::Backlogged { conn }),
                News::Drained(conn) => self.say(Input::Drained { conn }),
                News::Dialled(conn) => self.say(Input::Dialled { conn }),
                News::DialFailed(conn, why) => self.say(Input::DialFailed { conn, why }),
                News::Gone(conn, how) => {
                    if let Some(entry) = self.room.table.find(conn) {
                        entry.inbound = Inbound::Over;
                        self.say(Input::Gone { conn, how });
                    }
                }
                News::Arrived(moving) => self.move_in(*moving),
            }
        }
    }

    /// A client moves in; nothing of it is offered before the engine says so.
    pub(super) fn move_in(&mut self, moving: Moving) {
        let Moving { line, kept, backlog, seed } = moving;
        self.outs.clear();
        let conn = self.brain.arrive(self.room.now, seed, &mut self.outs);
        let entry = self.room.admit(conn, line, Outbound::Open);
        entry.offering = Offering::Waiting;
        entry.keep(kept);
        if !backlog.is_empty() {
            entry.queue(&backlog);
            self.room.news.push_back(News::Backlogged(conn));
        }
        let stocked = self.room.table.find(conn).map_or(0, |entry| entry.stocked());
        self.room.hoard.changed(0, stocked);
        self.carry_out(&[]);
    }
}

/// Reads once, if there may be anything, and puts kept bytes before it.
#[inline]
fn fill(entry: &mut Conn, buffer: &mut [u8], limit: usize) -> Batch {
    let eager = entry.offering == Offering::Eager;
    entry.offering = Offering::Flowing;
    let kept = entry.kept().len();
    let front = if kept <= FRONT_MAX { kept } else { 0 };
    let read = read(entry, &mut buffer[front..front + limit]);
    if read == 0 && !(eager && kept > 0) {
        return Batch::Nothing;
    }
    let complete = kept + read >= entry.need as usize;
    if kept <= FRONT_MAX && complete {
        buffer[..kept].copy_from_slice(entry.kept());
        return Batch::Buffer { bytes: kept + read, kept };
    }
    let mut bytes = entry.take_kept();
    if bytes.capacity() < kept + read {
        // What is claimed is believed only as far as it has come: twice of it at most.
        bytes.reserve_exact((entry.need as usize).clamp(kept + read, 2 * (kept + read)) - kept);
    }
    bytes.extend_from_slice(&buffer[front..front + read]);
    if complete {
        return Batch::Kept(bytes);
    }
    entry.keep(bytes);
    Batch::Nothing
}

/// One read. What it learns about the peer's end is noted.
#[inline]
fn read(entry: &mut Conn, room: &mut [u8]) -> usize {
    match entry.inbound {
        Inbound::Readable | Inbound::Closing => {}
        Inbound::Quiet | Inbound::Ended(_) | Inbound::Over => return 0,
    }
    match entry.line.read(room) {
        Ok(0) => {
            entry.inbound = Inbound::Ended(match entry.outbound {
                Outbound::Broken(how) => how,
                Outbound::Connecting | Outbound::Open | Outbound::Ending => Gone::Eof,
            });
            0
        }
        Ok(bytes) => {
            // A short read empties the socket, unless the end has been announced: it may lie behind, and no event will
            // tell of it again.
            if bytes < room.len() && entry.inbound == Inbound::Readable {
                entry.inbound = Inbound::Quiet;
            }
            bytes
        }
        Err(error) if gather::is_patience(&error) => {
            entry.inbound = match entry.outbound {
                Outbound::Broken(how) => Inbound::Ended(how),
                Outbound::Connecting | Outbound::Open | Outbound::Ending => Inbound::Quiet,
            };
            0
        }
        Err(error) => {
            entry.inbound = Inbound::Ended(gather::ending(&error));
            0
        }
    }
}

/// How a connection ended that is not read to its end.
pub(super) fn end_of(entry: &Conn) -> Gone {
    match entry.outbound {
        Outbound::Broken(how) => how,
        Outbound::Connecting | Outbound::Open | Outbound::Ending => {
            entry.line.error().map_or(Gone::Eof, |error| gather::ending(&error))
        }
    }
}
