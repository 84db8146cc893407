//! The loop of one worker thread.
//!
//! A turn: wait, read the clock once, empty the mailbox, then servers before clients (a server that died is seen before
//! it is lent); between them whoever was left over or has been given a server; then new clients, then the passing of
//! time. Every connection gets one read of bounded size per turn; what it has left stands at the end of the ready list.
//! The wait has no time limit: time comes as an event (`pulse`).

use std::io;
use std::time::{Duration, Instant};

use engine::contract::{Input, Outputs};
use engine::orders::Order;
use engine::time::Now;
use mio::event::Event;
use mio::{Events, Poll};
use model::id::ConnId;

use super::brain::Brain;
use super::conn::{Conn, Inbound, Offering, Outbound};
use super::errands::Errands;
use super::gather;
use super::pulse::Pulse;
use super::room::Room;
use super::tuning::Tuning;
use crate::door::{Doors, PULSE};
use crate::mail::{Letter, WorkerInbox};

/// Events of one batch.
const EVENTS_MAX: usize = 1_024;
/// How often the engine hears that time has passed.
const TICK: Duration = Duration::from_millis(50);

/// One worker: a brain, its sockets, its doors and its mail.
pub struct Turn<B> {
    pub(super) brain: B,
    pub(super) outs: Outputs,
    pub(super) buffer: Box<[u8]>,
    pub(super) room: Room,
    pub(super) errands: Errands,
    doors: Doors,
    inbox: WorkerInbox,
    poll: Poll,
    epoch: Instant,
    /// Time is to be told to the engine in this turn.
    pulsed: bool,
    running: bool,
}

impl<B: Brain> Turn<B> {
    /// Everything in its place; `epoch` is when the process started.
    pub fn new(
        brain: B,
        room: Room,
        errands: Errands,
        doors: Doors,
        mail: WorkerInbox,
        poll: Poll,
        epoch: Instant,
    ) -> Self {
        Self {
            brain,
            outs: Outputs::default(),
            buffer: super::deliver::buffer(),
            room,
            errands,
            doors,
            inbox: mail,
            poll,
            epoch,
            pulsed: false,
            running: true,
        }
    }

    /// Turns until it is told to stop.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let pulse = Pulse::start(&self.room.registry, PULSE, TICK)?;
        while self.running {
            self.wait(&mut events)?;
            if self.inbox.rings() {
                self.read_mail();
            }
            for event in events.iter().filter(|event| is_server(event)) {
                self.event(event);
            }
            // Whoever has just been given a server is served before a crowd of newcomers is so much as read.
            self.serve_ready();
            for event in events.iter().filter(|event| !is_server(event)) {
                self.event(event);
            }
            self.open_doors();
            if std::mem::take(&mut self.pulsed) {
                pulse.take();
                self.tick();
            }
        }
        Ok(())
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let idle =
            self.room.ready.is_empty() && self.room.news.is_empty() && !self.doors.is_knocked(self.room.now);
        let patience = if idle { None } else { Some(Duration::ZERO) };
        match self.poll.poll(events, patience) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.room.now = Now(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX));
        Ok(())
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        if event.token() == PULSE {
            self.pulsed = true;
            return;
        }
        if self.doors.knock(event.token()) {
            return;
        }
        let conn = ConnId::from_token(event.token().0 as u64);
        let Some(entry) = self.room.table.find(conn) else { return };
        if entry.outbound == Outbound::Connecting {
            self.room.dial_event(conn);
            self.digest();
            return;
        }
        note(entry, event);
        let has_room = event.is_writable() && !entry.backlog().is_empty();
        let failed = event.is_error() && entry.outbound == Outbound::Open;
        let listed = entry.listed;
        if has_room || failed {
            self.write_event(conn, failed);
        }
        // Who stands in the list has its turn there: one read, however often more of its bytes arrive.
        if !listed {
            self.pump(conn);
        }
    }

    fn write_event(&mut self, conn: ConnId, failed: bool) {
        if failed {
            let error = self.room.table.find(conn).and_then(|entry| entry.line.error());
            if let Some(error) = error {
                self.room.break_off(conn, gather::ending(&error));
            }
        } else {
            self.room.flush(conn);
        }
        self.digest();
    }

    fn serve_ready(&mut self) {
        if !self.room.starved.is_empty() && !self.room.is_full() {
            self.room.ready.extend(self.room.starved.drain(..));
        }
        for _ in 0..self.room.ready.len() {
            let Some(conn) = self.room.ready.pop_front() else { return };
            if let Some(entry) = self.room.table.find(conn) {
                entry.listed = false;
                self.pump(conn);
            }
        }
    }

    fn open_doors(&mut self) {
        while let Some((line, peer)) = self.doors.accept(self.room.now) {
            self.outs.clear();
            if let Some(conn) = self.brain.accept(self.room.now, peer, &mut self.outs) {
                self.room.admit(conn, line, Outbound::Open);
            }
            self.carry_out(&[]);
            self.digest();
        }
    }

    fn read_mail(&mut self) {
        self.inbox.open();
        while let Some(letter) = self.inbox.next() {
            match letter {
                Letter::Order(order) => self.order(order),
                Letter::Parcel(moving) => self.move_in(*moving),
                Letter::Derived { ticket, salted } => self.say(Input::Derived { ticket, salted }),
                Letter::Resolved { conn, addresses } => {
                    let step = self.room.dials.resolved(conn, &addresses, &self.room.tuning);
                    self.room.step(conn, step);
                }
                Letter::Stop => self.running = false,
            }
            self.digest();
        }
    }

    /// Some orders mean something to the shell, too; the engine hears all of them.
    fn order(&mut self, order: Order) {
        match &order {
            Order::Configure(config) => {
                self.room.tuning = Tuning::of(&config.proxy);
                self.doors.retune(&self.room.tuning);
                self.errands.journal.retune(&config.proxy);
            }
            Order::Drain(_) => self.doors.close_to_network(),
            _ => {}
        }
        self.say(Input::Order(order));
    }

    fn tick(&mut self) {
        self.room.lingering.tick(self.room.now);
        for conn in self.room.dials.to_retry() {
            let step = self.room.dials.go_on(conn, &self.room.tuning);
            self.room.step(conn, step);
        }
        self.say(Input::Tick);
        self.digest();
    }
}

#[inline]
fn is_server(event: &Event) -> bool {
    let token = event.token();
    !Doors::owns(token) && ConnId::from_token(token.0 as u64).is_server()
}

/// Remembers what an event says about the peer's bytes.
#[inline]
fn note(entry: &mut Conn, event: &Event) {
    match entry.inbound {
        Inbound::Quiet | Inbound::Readable => {
            if event.is_read_closed() || event.is_error() {
                entry.inbound = Inbound::Closing;
            } else if event.is_readable() {
                entry.inbound = Inbound::Readable;
            }
        }
        Inbound::Closing | Inbound::Ended(_) | Inbound::Over => {}
    }
    // A waiter that has left needs no reading: it is known to be gone.
    if entry.inbound == Inbound::Closing && entry.offering == Offering::Waiting {
        entry.inbound = Inbound::Ended(super::deliver::end_of(entry));
    }
}
