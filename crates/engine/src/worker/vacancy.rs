//! Databases that must be vacant for a while: a client's statement is held back until the pools of such a database have let
//! go of it, here and on other workers.
//!
//! ```text
//!   held back: Need::Asked --Note::Vacate--> steward --Order::Vacate--> homes of the pools
//!   offered again: Need::Free <--Order::Vacant-- steward <--Note::Vacant-- no connection but those clients hold
//!   sent: Need::Running --answered--> Note::VacancyOver --> Order::Reopen --> homes of the pools
//! ```
//!
//! Nobody's server is cut: where a client is at work in the database, the server's own refusal is the right answer, and it
//! waits for such a client up to five seconds by itself.

use model::id::{ConnId, SliceId, Ticket};

use super::Worker;
use crate::contract::Outputs;
use crate::orders::Note;
use crate::planted::Fault;
use crate::remark::ServerOut;
use crate::session::client::Pause;
use crate::session::server::Phase;
use crate::session::vacancy::{Need, Vacancy};
use crate::time::Now;

/// A statement is held back so long at most, in microseconds; then the server shall say what it has to say.
pub(super) const VACANCY_US: u64 = 5_000_000;

impl Worker {
    /// A client's next statement needs a database vacant; its bytes are not taken before it is.
    #[cold]
    pub(super) fn ask_for_vacancy(
        &mut self,
        now: Now,
        conn: ConnId,
        server_id: ConnId,
        vacancy: Vacancy,
        out: &mut Outputs,
    ) {
        let ticket = self.ticket(server_id);
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        let home = &self.homes[server.slice as usize];
        if !vacancy.within && *home.slice.settings.dbname == *vacancy.database {
            // The server refuses it from within, and nobody need leave for that.
            self.tickets.remove(&ticket);
            server.need = Need::Free(None);
            return self.take_again(server_id, out);
        }
        server.need = Need::Asked { ticket, since: now };
        let slice = home.slice.id;
        out.notes.push(Note::Vacate { ticket, slice, database: vacancy.database });
        let due = Now(now.0.saturating_add(VACANCY_US)).min(self.client_deadlines.at(conn.index()));
        self.client_deadlines.set(conn.index(), due);
    }

    /// The database is vacant.
    pub(super) fn vacant(&mut self, ticket: Ticket, out: &mut Outputs) {
        let Some(&server_id) = self.tickets.get(&ticket) else { return };
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        if matches!(server.need, Need::Asked { ticket: asked, .. } if asked == ticket) {
            server.need = Need::Free(Some(ticket));
            self.take_again(server_id, out);
        }
    }

    /// Patience is at its end: the statement is sent, whoever is there.
    pub(super) fn go_without_vacancy(
        &mut self,
        now: Now,
        conn: ConnId,
        server_id: ConnId,
        out: &mut Outputs,
    ) {
        if let Some(server) = self.servers.get(server_id.index(), server_id.generation)
            && let Some(ticket) = server.need.ticket()
        {
            self.vacant(ticket, out);
        }
        // What else the client has to keep to is looked up with the next tick.
        self.client_deadlines.set(conn.index(), now);
    }

    /// A client that was held back is read again.
    fn take_again(&mut self, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get(server_id.index(), server_id.generation) else { return };
        let Some(conn) = server.client() else { return };
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        if client.pause == Pause::Vacancy {
            client.pause = Pause::No;
            // A server that takes no more is drained first, and that wakes its client.
            if !server.backlogged {
                out.read(conn);
            }
        }
    }

    /// All that was sent is answered: a client keeps its server for what is held back, and else parts with it as usual.
    #[cold]
    pub(super) fn answered_in_need(&mut self, now: Now, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get(server_id.index(), server_id.generation) else { return };
        if server.need.holds() {
            return;
        }
        self.need_over(server_id, out);
        // The next one of its kind may have been waiting for the end of this one.
        self.take_again(server_id, out);
        self.maybe_release(now, server_id, out);
    }

    /// A statement that is held back will never be sent. One that was sent lasts until its end or the server's EOF.
    #[inline]
    pub(super) fn need_unsent(&mut self, server_id: ConnId, out: &mut Outputs) {
        let server = self.servers.get(server_id.index(), server_id.generation);
        if server.is_some_and(|server| server.need.holds()) {
            self.need_over(server_id, out);
        }
    }

    /// A server's statement that needs a database vacant has ended, or will never be sent.
    #[inline]
    pub(super) fn need_over(&mut self, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        if server.need != Need::No {
            let need = std::mem::take(&mut server.need);
            self.tell_over(need, out);
        }
    }

    #[cold]
    fn tell_over(&mut self, need: Need, out: &mut Outputs) {
        let Some(ticket) = need.ticket() else { return };
        self.tickets.remove(&ticket);
        if !self.planted.is(Fault::VacancyNeverOver) {
            out.notes.push(Note::VacancyOver { ticket });
        }
    }

    /// The steward's word that a pool must let go of its database.
    pub(super) fn vacate(&mut self, now: Now, ticket: Ticket, slice: SliceId, out: &mut Outputs) {
        let Some(&index) = self.by_slice.get(&slice) else {
            out.notes.push(Note::Vacant { ticket, slice });
            return;
        };
        self.homes[index as usize].slice.vacating.push((ticket, false));
        for conn in self.servers_of(index) {
            let Some(server) = self.servers.get(conn.index(), conn.generation) else { continue };
            match server.phase {
                Phase::Dialling | Phase::Greeting(_) | Phase::Idle => {
                    self.close_server(now, conn, ServerOut::Vacated, false, out);
                }
                // At work, for somebody or for us: closed when that is done.
                Phase::Preparing { .. }
                | Phase::Linked { .. }
                | Phase::Draining
                | Phase::CancelWait
                | Phase::Cleaning
                | Phase::Closing
                | Phase::Courier(_) => {}
            }
        }
        self.settle_vacating(index, out);
    }

    /// The end of that.
    pub(super) fn reopen(&mut self, ticket: Ticket, slice: SliceId) {
        let Some(&index) = self.by_slice.get(&slice) else { return };
        self.homes[index as usize].slice.vacating.retain(|(known, _)| *known != ticket);
        self.touch(index);
    }

    /// Says so where nobody but clients holds a connection to a database that must be vacant.
    pub(super) fn settle_vacating(&mut self, index: u32, out: &mut Outputs) {
        let slice = &self.homes[index as usize].slice;
        if slice.vacating.iter().all(|(_, told)| *told) {
            return;
        }
        let early = self.planted.is(Fault::VacantBeforeEof);
        let lent = self.servers.iter().all(|server| {
            let apart = matches!(server.phase, Phase::Courier(_))
                || (early && matches!(server.phase, Phase::Closing));
            server.slice != index || apart || server.client().is_some()
        });
        if !lent {
            return;
        }
        let slice = &mut self.homes[index as usize].slice;
        for (ticket, told) in &mut slice.vacating {
            if !std::mem::replace(told, true) {
                out.notes.push(Note::Vacant { ticket: *ticket, slice: slice.id });
            }
        }
    }
}
