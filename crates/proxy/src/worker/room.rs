//! Performs what the engine wants done, act by act. Whatever comes of it that the engine should know is kept as news and
//! told after the last act: a call of the engine is never interrupted by another.

use std::collections::VecDeque;
use std::io;

use engine::contract::{DialError, DialTo, Gone, Output, Outputs};
use engine::time::Now;
use mio::{Registry, Token};
use model::id::ConnId;

use super::conn::{Conn, Inbound, Offering, Outbound, Spares, Table};
use super::dial::{Dials, Step};
use super::gather::{self, Sent};
use super::hoard::Hoard;
use super::linger::Lingering;
use super::socket::Line;
use super::tuning::Tuning;
use crate::mail::Moving;

/// What the engine is to be told next.
#[derive(Debug)]
pub enum News {
    /// A socket did not take everything.
    Backlogged(ConnId),
    /// It has now.
    Drained(ConnId),
    /// A connection ended without being read to its end.
    Gone(ConnId, Gone),
    /// A dial succeeded.
    Dialled(ConnId),
    /// A dial failed.
    DialFailed(ConnId, DialError),
    /// A client moves from this worker to this worker.
    Arrived(Box<Moving>),
}

/// The sockets of one worker and all that is being done with them.
#[derive(Debug)]
pub struct Room {
    /// Who is here.
    pub table: Table,
    /// Whom to look at in this or the next turn, in order.
    pub ready: VecDeque<ConnId>,
    /// Clients that are not read while the process keeps too many bytes.
    pub starved: Vec<ConnId>,
    /// What to tell the engine.
    pub news: VecDeque<News>,
    /// Connections being opened.
    pub dials: Dials,
    /// Connections being ended.
    pub lingering: Lingering,
    /// Bytes kept by the process.
    pub hoard: Hoard,
    /// Room for bytes that are kept for a short time.
    pub spares: Spares,
    /// How sockets are set up.
    pub tuning: Tuning,
    /// The moment of this turn.
    pub now: Now,
    /// Where sockets are registered.
    pub registry: Registry,
}

impl Room {
    /// An empty room.
    pub fn new(registry: Registry, dials: Dials, hoard: Hoard, tuning: Tuning) -> Self {
        Self {
            table: Table::default(),
            ready: VecDeque::new(),
            starved: Vec::new(),
            news: VecDeque::new(),
            dials,
            lingering: Lingering::default(),
            hoard,
            spares: Spares::default(),
            tuning,
            now: Now::default(),
            registry,
        }
    }

    /// Performs the acts of one call; `input` is what the call was given.
    #[inline]
    pub fn perform(&mut self, outs: &mut Outputs, input: &[u8]) {
        for at in 0..outs.list.len() {
            match outs.list[at] {
                Output::Send { to, .. } => self.send(to, at, outs, input),
                Output::Hold { conn } => self.hold(conn),
                Output::Read { conn } => self.read_on(conn),
                Output::Dial { conn, dial } => {
                    if let Some(to) = outs.dials.get(dial as usize) {
                        self.dial(conn, to);
                    }
                }
                // No line of ours can do it yet, and no configuration that is accepted asks for it.
                Output::StartTls { conn } => self.news.push_back(News::Gone(conn, Gone::Tls)),
                Output::Shut { conn } => self.shut(conn),
                Output::Close { conn } => drop(self.take(conn)),
                Output::Finish { conn } => {
                    if let Some(entry) = self.take(conn) {
                        self.lingering.finish(entry, self.now);
                    }
                }
            }
        }
    }

    #[inline]
    fn send(&mut self, to: ConnId, at: usize, outs: &mut Outputs, input: &[u8]) {
        let Some(entry) = self.table.find(to) else { return };
        let before = entry.stocked();
        let sent = gather::send(entry, to, at, outs, input);
        if sent == Sent::All {
            return;
        }
        self.hoard.changed(before, entry.stocked());
        match sent {
            Sent::All | Sent::Deferred => {}
            Sent::Backlogged => {
                self.news.push_back(News::Backlogged(to));
                self.ask_for_room(to, true);
            }
            Sent::Failed(how) => self.break_off(to, how),
        }
    }

    fn hold(&mut self, conn: ConnId) {
        if let Some(entry) = self.table.find(conn)
            && entry.offering != Offering::Waiting
        {
            entry.offering = Offering::Held;
        }
    }

    fn read_on(&mut self, conn: ConnId) {
        let Some(entry) = self.table.find(conn) else { return };
        entry.offering = Offering::Eager;
        self.list(conn);
    }

    fn shut(&mut self, conn: ConnId) {
        let Some(entry) = self.table.find(conn) else { return };
        if entry.outbound == Outbound::Open {
            entry.outbound = Outbound::Ending;
            if entry.backlog().is_empty() {
                entry.line.end_writing();
            }
        }
        self.read_on(conn);
    }

    /// Puts a connection at the end of the ready list, once.
    #[inline]
    pub fn list(&mut self, conn: ConnId) {
        if let Some(entry) = self.table.find(conn)
            && !entry.listed
        {
            entry.listed = true;
            self.ready.push_back(conn);
        }
    }

    /// Offers the backlog to the socket again.
    pub fn flush(&mut self, conn: ConnId) {
        let Some(entry) = self.table.find(conn) else { return };
        let before = entry.stocked();
        if entry.backlog().is_empty() {
            return;
        }
        let flushed = entry.flush();
        self.hoard.changed(before, entry.stocked());
        match flushed {
            Ok(true) => {
                if entry.outbound == Outbound::Ending {
                    entry.line.end_writing();
                }
                self.news.push_back(News::Drained(conn));
                self.ask_for_room(conn, false);
            }
            Ok(false) => {}
            Err(error) if gather::is_patience(&error) => {}
            Err(error) => self.break_off(conn, gather::ending(&error)),
        }
    }

    /// Nothing can be sent to this one any more.
    pub fn break_off(&mut self, conn: ConnId, how: Gone) {
        let Some(entry) = self.table.find(conn) else { return };
        let before = entry.stocked();
        entry.break_off(conn, how);
        self.hoard.changed(before, entry.stocked());
        self.list(conn);
    }

    fn ask_for_room(&mut self, conn: ConnId, wants_room: bool) {
        let Some(entry) = self.table.find(conn) else { return };
        let asked = entry.line.ask_for_room(&self.registry, token(conn), wants_room);
        if asked.is_err() && wants_room {
            self.break_off(conn, Gone::Reset);
        }
    }

    /// Moves a connection in and starts to listen to it.
    pub fn admit(&mut self, conn: ConnId, line: Line, outbound: Outbound) -> &mut Conn {
        let mut entry = Conn::new(line, conn.generation, outbound);
        if entry.line.register(&self.registry, token(conn), outbound == Outbound::Connecting).is_err() {
            entry.inbound = Inbound::Over;
            self.news.push_back(News::Gone(conn, Gone::Reset));
        }
        self.table.insert(conn, entry)
    }

    /// Moves a connection out; its descriptor still lives in what is returned.
    pub fn take(&mut self, conn: ConnId) -> Option<Conn> {
        if conn.is_server() {
            self.dials.forget(conn);
        }
        let entry = self.table.remove(conn)?;
        self.hoard.changed(entry.stocked(), 0);
        Some(entry)
    }

    /// Moves a connection out of this worker's loop altogether.
    pub fn detach(&mut self, conn: ConnId) -> io::Result<Option<Conn>> {
        let Some(mut entry) = self.take(conn) else { return Ok(None) };
        entry.line.deregister(&self.registry)?;
        Ok(Some(entry))
    }

    /// Changes what is kept of a connection's bytes.
    pub fn keep(&mut self, conn: ConnId, bytes: Vec<u8>) {
        let Some(entry) = self.table.find(conn) else { return };
        let before = entry.stocked();
        entry.keep(bytes);
        self.hoard.changed(before, entry.stocked());
    }

    /// As [`Room::keep`], a copy.
    #[inline]
    pub fn keep_copy(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(entry) = self.table.find(conn) else { return };
        let before = entry.stocked();
        entry.keep_copy(bytes, &mut self.spares);
        self.hoard.changed(before, entry.stocked());
    }

    /// True while clients are not to be read.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.hoard.bytes() > self.tuning.buffer_bytes_max
    }

    fn dial(&mut self, conn: ConnId, to: &DialTo) {
        let step = self.dials.start(conn, to, &self.tuning);
        self.step(conn, step);
    }

    /// The socket of a dial has something to say.
    pub fn dial_event(&mut self, conn: ConnId) {
        let Some(entry) = self.table.find(conn) else { return };
        if let Some(error) = entry.line.error() {
            self.table.remove(conn);
            let step = self.dials.failed(conn, &error, &self.tuning);
            self.step(conn, step);
        } else if entry.line.is_connected() {
            entry.outbound = Outbound::Open;
            self.dials.done(conn);
            self.news.push_back(News::Dialled(conn));
        }
    }

    /// What a dial has come to.
    pub fn step(&mut self, conn: ConnId, step: Step) {
        match step {
            Step::Connected(line) => {
                self.news.push_back(News::Dialled(conn));
                self.admit(conn, line, Outbound::Open);
            }
            Step::Connecting(line) => {
                self.admit(conn, line, Outbound::Connecting);
            }
            Step::Waiting => {}
            Step::Failed(why) => self.news.push_back(News::DialFailed(conn, why)),
        }
    }
}

/// The event loop's name for a connection.
#[inline]
pub fn token(conn: ConnId) -> Token {
    Token(conn.token() as usize)
}
