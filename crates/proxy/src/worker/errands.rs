//! What a worker hands to other threads: clients that move, costly steps, notes and news.

use engine::contract::{Destination, Outputs, Parcel};
use engine::remark::Remark;
use model::id::WorkerId;

use super::room::{News, Room};
use crate::derive::Derivers;
use crate::mail::{ConsoleDoor, ConsoleGuest, Letter, Moving, StewardMail, WorkerMail};
use crate::observe::log::Journal;

/// The ways to the other threads.
#[derive(Debug)]
pub struct Errands {
    /// This worker.
    pub id: WorkerId,
    /// The mailboxes of all workers, this one's included, by number.
    pub workers: Vec<WorkerMail>,
    /// The steward's.
    pub steward: StewardMail,
    /// The console's door.
    pub console: ConsoleDoor,
    /// The deriving threads.
    pub derivers: Derivers,
    /// The log.
    pub journal: Journal,
}

impl Errands {
    /// Runs what the last call has to hand over, after its acts were performed and its unused bytes kept.
    #[inline]
    pub fn run(&self, outs: &mut Outputs, room: &mut Room) {
        if !(outs.notes.is_empty()
            && outs.remarks.is_empty()
            && outs.parcels.is_empty()
            && outs.derives.is_empty())
        {
            self.run_all(outs, room);
        }
    }

    #[cold]
    fn run_all(&self, outs: &mut Outputs, room: &mut Room) {
        if let Some(mail) = self.workers.get(usize::from(self.id.0)) {
            for derive in outs.derives.drain(..) {
                self.derivers.ask(derive, mail);
            }
        }
        for parcel in outs.parcels.drain(..) {
            self.send_off(parcel, room);
        }
        for note in outs.notes.drain(..) {
            // The steward outlives the workers; where it has ended, so has the process.
            self.steward.note(self.id, note);
        }
        for remark in outs.remarks.drain(..) {
            let from = match &remark {
                Remark::ServerIn { conn, .. } => room.table.find(*conn).and_then(|conn| conn.line.local()),
                Remark::ClientIn { .. }
                | Remark::ClientOut { .. }
                | Remark::ServerOut { .. }
                | Remark::DialRefused { .. }
                | Remark::OutOfStep { .. }
                | Remark::Tainted { .. }
                | Remark::WrongCancelKey { .. } => None,
            };
            self.journal.remark(self.id, remark, from);
        }
    }

    fn send_off(&self, parcel: Parcel, room: &mut Room) {
        let Ok(Some(mut conn)) = room.detach(parcel.conn) else {
            tracing::error!(conn = ?parcel.conn, "a client was to move and has no socket");
            return;
        };
        let kept = conn.take_kept();
        let backlog = conn.backlog().to_vec();
        match parcel.to {
            Destination::Console(seed) => {
                self.console.enter(ConsoleGuest { socket: conn.line.detach(), kept, backlog, seed });
            }
            Destination::Worker(to, seed) => {
                let moving = Box::new(Moving { line: conn.line, kept, backlog, seed });
                if to == self.id {
                    room.news.push_back(News::Arrived(moving));
                } else if let Some(mail) = self.workers.get(usize::from(to.0)) {
                    mail.send(Letter::Parcel(moving));
                }
            }
        }
    }
}
