//! Connections to servers: read from, closed, gone. Not here: how they come to be, which is in `dials`.

use model::id::ConnId;
use wire::encode;

use super::Worker;
use crate::contract::{Gone, Outputs, Taken, Then};
use crate::orders::{Back, DialRefusal, Note};
use crate::planted::Fault;
use crate::refuse::Refusal;
use crate::remark::{ClientOut, Remark, ServerOut};
use crate::session::back;
use crate::session::client::{Body, Life};
use crate::session::ledger::Copy;
use crate::session::link::Link;
use crate::session::server::{Phase, Server};
use crate::time::Now;

/// A server that does not close after our goodbye is let go after so long, in microseconds.
pub(super) const CLOSING_US: u64 = 30_000_000;

impl Worker {
    /// Bytes of a server.
    pub(super) fn server_bytes(&mut self, now: Now, conn: ConnId, bytes: &[u8], out: &mut Outputs) -> Taken {
        let all = Taken { used: bytes.len(), then: Then::More };
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return all };
        match &mut server.phase {
            Phase::Dialling | Phase::Closing | Phase::Courier(_) => all,
            Phase::Greeting(greet) => {
                let home = &self.homes[server.slice as usize];
                let cx = home.greeting(&mut self.rng, &mut self.keys);
                let (used, step) = out.make(conn, |send| greet.on_bytes(cx, bytes, send));
                let then = self.greet_step(now, conn, step, out);
                Taken { used, then }
            }
            Phase::Idle
            | Phase::Preparing { .. }
            | Phase::Linked { .. }
            | Phase::Draining
            | Phase::CancelWait
            | Phase::Cleaning => self.session_bytes(now, conn, bytes, out),
        }
    }

    fn session_bytes(&mut self, now: Now, conn: ConnId, bytes: &[u8], out: &mut Outputs) -> Taken {
        let all = Taken { used: bytes.len(), then: Then::More };
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return all };
        let home = &mut self.homes[server.slice as usize];
        let client = match server.phase {
            Phase::Linked { client } => self.clients.get_mut(client.index(), client.generation),
            Phase::Dialling
            | Phase::Greeting(_)
            | Phase::Idle
            | Phase::Preparing { .. }
            | Phase::Draining
            | Phase::CancelWait
            | Phase::Cleaning
            | Phase::Closing
            | Phase::Courier(_) => None,
        };
        home.slice.tally.sent += bytes.len() as u64;
        let mut link = Link {
            now,
            rules: home.rules,
            contended: false,
            statements: &mut self.statements,
            params: &mut self.params,
            tally: &mut home.slice.tally,
            planted: self.planted,
            out,
        };
        match link.back(client, server, bytes) {
            back::End::Taken(taken) => {
                home.slice.tally.sent -= (bytes.len() - taken.used) as u64;
                let quiet = server.ledger.is_empty() || self.planted.is(Fault::ReleasedWithRepliesOwed);
                let (whole, copying) = (taken.used == bytes.len(), server.ledger.copy() != Copy::No);
                match server.phase {
                    // Half a message nobody asked for: not lent before the rest has come.
                    Phase::Idle if !whole || server.body != Body::None => {
                        server.phase = Phase::Cleaning;
                        home.slice.leave_idle(conn);
                        self.arm_step(now, conn);
                    }
                    // A COPY needs its client, and so does the Sync that a server skips to.
                    Phase::Draining if copying || server.ledger.wants_sync() => {
                        self.close_server(now, conn, ServerOut::ClientLeft, false, out)
                    }
                    _ if whole && quiet => self.quiet(now, conn, out),
                    _ => {}
                }
                taken
            }
            back::End::Misfit { tag, owed } => {
                self.misfit(now, conn, tag, owed, out);
                all
            }
            back::End::Broken => {
                self.lose_server(now, conn, ServerOut::Protocol, Refusal::ServerLost, out);
                all
            }
            back::End::Adrift => {
                let refusal = Refusal::Protocol(
                    "a Sync or Close was sent within COPY data: where the conversation stands is not known"
                        .into(),
                );
                self.lose_server(now, conn, ServerOut::ClientLeft, refusal, out);
                all
            }
            back::End::InTransaction => {
                self.lose_server(now, conn, ServerOut::ClientLeft, Refusal::TransactionInStatementMode, out);
                all
            }
        }
    }

    /// Nothing is owed: whoever waited for that goes on.
    #[inline]
    fn quiet(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        match server.phase {
            Phase::Linked { .. } => self.maybe_release(now, conn, out),
            Phase::Draining if server.body == Body::None => self.drained_dry(now, conn, out),
            Phase::Preparing { .. } if server.body == Body::None => self.prepared(now, conn, out),
            Phase::Cleaning if server.body == Body::None => self.cleaned(now, conn, out),
            Phase::Idle if server.fatal || server.outdated.is_some() => {
                let why = server.outdated.unwrap_or(ServerOut::ServerClosed);
                self.close_server(now, conn, why, false, out);
            }
            Phase::Idle
            | Phase::Preparing { .. }
            | Phase::Cleaning
            | Phase::Draining
            | Phase::CancelWait
            | Phase::Dialling
            | Phase::Greeting(_)
            | Phase::Closing
            | Phase::Courier(_) => {}
        }
    }

    fn misfit(&mut self, now: Now, conn: ConnId, tag: u8, owed: &'static str, out: &mut Outputs) {
        self.tally.out_of_step += 1;
        if let Some(server) = self.servers.get(conn.index(), conn.generation)
            && let Some(key) = self.key_of(server.slice)
        {
            let (client, ring) = (server.client(), server.ring.dump());
            out.remarks.push(Remark::OutOfStep { client, server: conn, key, tag, owed, ring });
        }
        self.lose_server(now, conn, ServerOut::OutOfStep, Refusal::OutOfStep, out);
    }

    /// A server that can't be gone on with: its client is told, both ends are closed.
    fn lose_server(&mut self, now: Now, conn: ConnId, why: ServerOut, refusal: Refusal, out: &mut Outputs) {
        let client = self.servers.get(conn.index(), conn.generation).and_then(Server::client);
        self.close_server(now, conn, why, false, out);
        if let Some(client) = client {
            self.refuse_unlinked(now, client, refusal, out);
        }
    }

    /// Says goodbye to a server. Its slot is free at its EOF only. `half_sent`: the last message to it is not whole, so no
    /// further word can be said.
    pub(super) fn close_server(
        &mut self,
        now: Now,
        conn: ConnId,
        why: ServerOut,
        half_sent: bool,
        out: &mut Outputs,
    ) {
        self.record_return(now, conn, out);
        self.need_unsent(conn, out);
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        let index = server.slice;
        let home = &mut self.homes[index as usize];
        let busy = server.ledger.owes();
        match server.phase {
            Phase::Closing | Phase::Courier(_) => return,
            Phase::Dialling => return self.give_up_dial(conn, out),
            Phase::Greeting(_) => home.slice.count.dialling -= 1,
            Phase::Idle => {
                home.slice.leave_idle(conn);
                home.slice.count.open -= 1;
            }
            Phase::Preparing { .. }
            | Phase::Linked { .. }
            | Phase::Draining
            | Phase::CancelWait
            | Phase::Cleaning => {
                home.slice.count.open -= 1;
            }
        }
        let greeting = matches!(server.phase, Phase::Greeting(_));
        if self.planted.is(Fault::ClosingFreedAtOnce) {
            home.slice.gives_back();
            out.notes.push(Note::Back { slice: home.slice.id, credits: 1, why: Back::Closed });
        } else {
            home.slice.count.closing += 1;
        }
        home.slice.closings.count(why);
        home.slice.tally.servers_closed += 1;
        server.phase = Phase::Closing;
        server.why = why;
        server.ledger.clear();
        server.backlogged = false;
        if !half_sent && !greeting {
            out.fixed(conn, encode::TERMINATE);
        }
        out.shut(conn);
        self.server_deadlines.set(conn.index(), Now(now.0.saturating_add(CLOSING_US)));
        if busy && !greeting {
            self.send_courier(now, conn, None, None, out);
        }
        // Whoever was held back because this connection's peer was slow need not be told: it is read to its end.
        out.read(conn);
        self.touch(index);
    }

    /// A server's connection has ended.
    pub(super) fn server_gone(&mut self, now: Now, conn: ConnId, how: Gone, out: &mut Outputs) {
        let Some(server) = self.servers.get(conn.index(), conn.generation) else { return };
        match server.phase {
            Phase::Courier(_) => return self.courier_done(now, conn, how == Gone::Eof, out),
            Phase::Dialling | Phase::Greeting(_) => {
                return self.login_failed(now, conn, DialRefusal::Lost, out);
            }
            Phase::Idle
            | Phase::Preparing { .. }
            | Phase::Linked { .. }
            | Phase::Draining
            | Phase::CancelWait
            | Phase::Cleaning
            | Phase::Closing => {}
        }
        self.need_over(conn, out);
        let Some(server) = self.servers.remove(conn.index(), conn.generation) else { return };
        self.server_deadlines.set(conn.index(), Now::NEVER);
        out.close(conn);
        let index = server.slice;
        if let Some(why) = server.refused {
            let slice = &mut self.homes[index as usize].slice;
            slice.count.closing -= 1;
            slice.refusing -= u32::from(is_answer(&why));
            self.refused_back(index, *why, out);
            self.touch(index);
            return self.settle_orders(index, out);
        }
        let slice = &mut self.homes[index as usize].slice;
        if matches!(server.phase, Phase::Closing) && self.planted.is(Fault::ClosingFreedAtOnce) {
            return;
        }
        slice.gives_back();
        let mut why = server.why;
        if let Phase::Closing = server.phase {
            slice.count.closing -= 1;
        } else {
            slice.leave_idle(conn);
            slice.count.open -= 1;
            why = if how == Gone::Eof { ServerOut::ServerClosed } else { ServerOut::Lost };
            slice.closings.count(why);
            slice.tally.servers_closed += 1;
        }
        let back = if server.up { Back::Closed } else { Back::Unneeded };
        out.notes.push(Note::Back { slice: slice.id, credits: 1, why: back });
        let age = now.since(server.born);
        out.remarks.push(Remark::ServerOut { conn, key: slice.key.clone(), why, age });
        self.touch(index);
        // Whose server was still being prepared for it waits on.
        if let Some(loan) = server.loan.filter(|_| !matches!(server.phase, Phase::Preparing { .. })) {
            self.record_end(now, index, loan, out);
        }
        match server.phase {
            Phase::Preparing { client, .. } => self.stand_again(now, client, out),
            Phase::Linked { client } => self.server_lost(now, client, &server, out),
            Phase::Dialling
            | Phase::Greeting(_)
            | Phase::Idle
            | Phase::Draining
            | Phase::CancelWait
            | Phase::Cleaning
            | Phase::Closing
            | Phase::Courier(_) => {}
        }
        self.settle_orders(index, out);
    }

    /// The server ended under its client: one clear error, the server's own where it gave one.
    fn server_lost(&mut self, now: Now, conn: ConnId, server: &Server, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        client.life = Life::Idle;
        if client.told_fatal || server.body != Body::None {
            let why = ClientOut::ServerSaid("server connection ended".into());
            return self.part(now, conn, why, true, out);
        }
        self.refuse(now, conn, Refusal::ServerLost, out);
    }
}

/// True where the server has said no, so that its end follows at once.
pub(super) fn is_answer(why: &DialRefusal) -> bool {
    match why {
        DialRefusal::Server { .. } | DialRefusal::Credentials(_) => true,
        DialRefusal::Socket(_) | DialRefusal::Lost | DialRefusal::TimedOut => false,
    }
}
