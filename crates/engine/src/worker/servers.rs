//! Connections to servers: dialled, logged in, read from, closed, gone.

use std::sync::Arc;

use model::id::ConnId;
use wire::encode;
use wire::sqlstate::SqlState;

use super::Worker;
use crate::contract::{Derive, DialError, DialTo, Gone, Output, Outputs, Taken, Then};
use crate::orders::{Back, DialRefusal, Note};
use crate::planted::Fault;
use crate::refuse::Refusal;
use crate::remark::{ClientOut, Remark, ServerOut};
use crate::session::back;
use crate::session::client::{Body, Life};
use crate::session::greet::{Greet, GreetCx, GreetStep, Welcome};
use crate::session::ledger::{Copy, Owed, Serve};
use crate::session::link::Link;
use crate::session::params::{Name, Value};
use crate::session::server::{Phase, Server};
use crate::session::statements::Registry;
use crate::time::Now;

/// Settings every server reports that are kept per client, beside the configured ones.
const FOLLOWED: [&str; 6] = [
    "client_encoding",
    "DateStyle",
    "TimeZone",
    "standard_conforming_strings",
    "application_name",
    "search_path",
];
/// A server that does not close after our goodbye is let go after so long, in microseconds.
const CLOSING_US: u64 = 30_000_000;

impl Worker {
    /// A credit is spent.
    pub(super) fn dial(&mut self, now: Now, home_index: u32, out: &mut Outputs) {
        let empty = self.params.empty();
        let registry = Registry::new(self.hasher.clone());
        let public = self.public();
        let index = self.servers.insert(|index, generation| {
            Server::new(ConnId::server(index, generation), home_index, now, empty, registry)
        });
        let home = &mut self.homes[home_index as usize];
        home.slice.count.dialling += 1;
        let timeout = home.slice.settings.server_connect_timeout;
        let target = home.slice.settings.server.clone();
        let epoch = home.slice.epoch;
        self.server_deadlines.set(index, now.plus_maybe(timeout));
        let Some(conn) = self.servers.at(index).map(|server| server.conn) else { return };
        if let Some(server) = self.servers.get_mut(index, conn.generation) {
            server.public = public;
            server.epoch = epoch;
            server.ledger.planted = self.planted;
        }
        out.list.push(Output::Dial { conn, dial: out.dials.len() as u32 });
        out.dials.push(DialTo::Server(target));
        self.touch(home_index);
    }

    /// The socket is connected.
    pub(super) fn dialled(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        if let Phase::Courier(_) = server.phase {
            return self.courier_up(now, conn, out);
        }
        let Phase::Dialling = server.phase else { return };
        let home = &self.homes[server.slice as usize];
        let cx = GreetCx {
            settings: &home.slice.settings,
            client_key: home.client_key,
            rng: &mut self.rng,
            keys: &mut self.keys,
        };
        let greet = out.make(conn, |send| Greet::start(cx, &home.slice.key, send));
        server.phase = Phase::Greeting(Box::new(greet));
        out.read(conn);
    }

    /// The socket could not be connected.
    pub(super) fn dial_failed(&mut self, now: Now, conn: ConnId, why: DialError, out: &mut Outputs) {
        let Some(server) = self.servers.get(conn.index(), conn.generation) else { return };
        match server.phase {
            Phase::Courier(_) => self.courier_done(now, conn, true, out),
            Phase::Dialling => self.login_failed(now, conn, DialRefusal::Socket(why), out),
            // It was connected: this is its end.
            Phase::Greeting(_)
            | Phase::Idle
            | Phase::Preparing { .. }
            | Phase::Linked { .. }
            | Phase::Draining
            | Phase::CancelWait
            | Phase::Cleaning
            | Phase::Closing => self.server_gone(now, conn, Gone::Reset, out),
        }
    }

    /// A dial or login came to nothing, and no connection is left of it: the credit goes back with the reason.
    pub(super) fn login_failed(&mut self, now: Now, conn: ConnId, why: DialRefusal, out: &mut Outputs) {
        let Some(server) = self.servers.remove(conn.index(), conn.generation) else { return };
        self.server_deadlines.set(conn.index(), Now::NEVER);
        out.close(conn);
        self.homes[server.slice as usize].slice.count.dialling -= 1;
        self.refused_back(server.slice, why.clone(), out);
        self.refused(now, server.slice, why, out);
    }

    /// A login came to nothing on a connection that is still there: the server may hold its slot until its EOF, so the
    /// credit is kept until then, and what the refusal teaches comes with it.
    pub(super) fn login_refused(&mut self, now: Now, conn: ConnId, why: DialRefusal, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        server.phase = Phase::Closing;
        server.refused = Some(Box::new(why.clone()));
        let index = server.slice;
        let slice = &mut self.homes[index as usize].slice;
        slice.count.dialling -= 1;
        slice.count.closing += 1;
        slice.refusing += u32::from(is_answer(&why));
        self.server_deadlines.set(conn.index(), Now(now.0.saturating_add(CLOSING_US)));
        out.shut(conn);
        out.read(conn);
        self.refused(now, index, why, out);
    }

    fn refused_back(&mut self, index: u32, why: DialRefusal, out: &mut Outputs) {
        let slice = &mut self.homes[index as usize].slice;
        slice.gives_back();
        if !self.planted.is(Fault::PermitLost) {
            out.notes.push(Note::Back { slice: slice.id, credits: 1, why: Back::Refused(why) });
        }
    }

    /// Tells of a dial that came to nothing, and refuses whom trying again will not help.
    fn refused(&mut self, now: Now, index: u32, why: DialRefusal, out: &mut Outputs) {
        let home = &mut self.homes[index as usize];
        home.slice.tally.dials_refused += 1;
        out.remarks.push(Remark::DialRefused { key: home.slice.key.clone(), why: why.clone() });
        if let DialRefusal::Credentials(_)
        | DialRefusal::Server { code: Some(SqlState::INVALID_PASSWORD), .. } = &why
        {
            home.client_key = None;
        }
        let fatal = match &why {
            DialRefusal::Server { code, message, .. } if is_final(*code) => {
                Some(Refusal::ServerLogin { code: *code, message: message.clone() })
            }
            DialRefusal::Credentials(_) => {
                Some(Refusal::ServerUnreachable("the server's credentials do not fit: see the log".into()))
            }
            DialRefusal::Server { .. }
            | DialRefusal::Socket(_)
            | DialRefusal::Lost
            | DialRefusal::TimedOut => None,
        };
        home.slice.refused = Some(why);
        self.touch(index);
        if let Some(refusal) = fatal.filter(|_| self.homes[index as usize].slice.count.open == 0) {
            let slice = &mut self.homes[index as usize].slice;
            let mut lost: Vec<ConnId> = std::mem::take(&mut slice.arriving);
            lost.extend(slice.line().map(|waiter| waiter.client));
            for client in lost {
                self.refuse(now, client, refusal.clone(), out);
            }
        }
        self.settle_orders(index, out);
    }

    /// A dial nobody waits for any more: no startup packet was sent, so no slot is held.
    fn give_up_dial(&mut self, conn: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.remove(conn.index(), conn.generation) else { return };
        self.server_deadlines.set(conn.index(), Now::NEVER);
        out.close(conn);
        let slice = &mut self.homes[server.slice as usize].slice;
        slice.count.dialling -= 1;
        slice.gives_back();
        out.notes.push(Note::Back { slice: slice.id, credits: 1, why: Back::Unneeded });
        self.touch(server.slice);
        self.settle_orders(server.slice, out);
    }

    /// Bytes of a server.
    pub(super) fn server_bytes(&mut self, now: Now, conn: ConnId, bytes: &[u8], out: &mut Outputs) -> Taken {
        let all = Taken { used: bytes.len(), then: Then::More };
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return all };
        match &mut server.phase {
            Phase::Dialling | Phase::Closing | Phase::Courier(_) => all,
            Phase::Greeting(greet) => {
                let home = &self.homes[server.slice as usize];
                let cx = GreetCx {
                    settings: &home.slice.settings,
                    client_key: home.client_key,
                    rng: &mut self.rng,
                    keys: &mut self.keys,
                };
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
                    // A COPY needs its client.
                    Phase::Draining if copying => {
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

    fn greet_step(&mut self, now: Now, conn: ConnId, step: GreetStep, out: &mut Outputs) -> Then {
        match step {
            GreetStep::Need(then) => return then,
            GreetStep::Wait => {}
            GreetStep::Derive { password, salt, iterations } => {
                self.tally.derivations += 1;
                let ticket = self.ticket(conn);
                out.derives.push(Derive { ticket, password, salt, iterations });
            }
            GreetStep::Ready(welcome) => {
                self.logged_in(now, conn, *welcome, out);
                return Then::More;
            }
            GreetStep::Refused(why) => self.login_refused(now, conn, why, out),
        }
        Then::WhenTold
    }

    /// The answer to a costly step, for whoever asked.
    pub(super) fn derived(
        &mut self,
        now: Now,
        ticket: model::id::Ticket,
        salted: [u8; 32],
        out: &mut Outputs,
    ) {
        let Some(conn) = self.tickets.remove(&ticket) else { return };
        if !conn.is_server() {
            return self.client_derived(now, conn, salted, out);
        }
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        let Phase::Greeting(greet) = &mut server.phase else { return };
        let home = &self.homes[server.slice as usize];
        let cx = GreetCx {
            settings: &home.slice.settings,
            client_key: home.client_key,
            rng: &mut self.rng,
            keys: &mut self.keys,
        };
        let step = out.make(conn, |send| greet.on_derived(cx, salted, send));
        if let Then::More | Then::AtLeast(_) = self.greet_step(now, conn, step, out) {
            out.read(conn);
        }
    }

    /// A server is ours.
    fn logged_in(&mut self, now: Now, conn: ConnId, welcome: Welcome, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        let index = server.slice;
        let home = &mut self.homes[index as usize];
        let mut values: Vec<(Name, Value)> = Vec::new();
        self.params.make_room(welcome.parameters.len());
        for (name, value) in &welcome.parameters {
            let extra = &home.slice.settings.track_extra_parameters;
            let followed = FOLLOWED.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
                || extra.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
            if let Some(index) = self.params.name(name).filter(|_| followed) {
                values.push((index, value.clone()));
            }
        }
        let base = self.params.intern(values);
        server.base = base.clone();
        server.settings = base.clone();
        server.key = (welcome.pid, welcome.secret.clone());
        server.up = true;
        let settings = &home.slice.settings;
        let lifetime = settings.server_lifetime;
        let cut = lifetime.as_micros() as u64 / 100 * u64::from(settings.server_lifetime_jitter.0);
        let jitter = if cut == 0 { 0 } else { rand_core::RngCore::next_u64(&mut self.rng) % cut };
        // A life of nothing ends with the first use.
        server.ends = if lifetime.is_zero() { Now::NEVER } else { Now(now.plus(lifetime).0 - jitter) };
        home.base = base;
        home.welcome = Some(Arc::new(welcome));
        home.slice.greeted = true;
        home.slice.refused = None;
        home.slice.count.dialling -= 1;
        home.slice.count.open += 1;
        home.slice.tally.servers_opened += 1;
        out.notes.push(Note::Up { slice: home.slice.id });
        out.remarks.push(Remark::ServerIn { conn, key: home.slice.key.clone() });
        for client in std::mem::take(&mut self.homes[index as usize].slice.arriving) {
            self.welcome(now, client, out);
        }
        self.touch(index);
        self.start(now, conn, out);
    }

    /// A session as it begins, or begins again behind a cleaning: connect_query first, where there is one.
    pub(super) fn start(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        let connect_query = self.homes[server.slice as usize].slice.settings.connect_query.clone();
        let Some(text) = connect_query else { return self.check_in_new(now, conn, out) };
        out.make(conn, |made| encode::query(made, text.as_bytes()));
        server.ledger.push(Owed::Query, Serve::Ours, 0);
        server.phase = Phase::Cleaning;
        server.starting = true;
        self.arm_step(now, conn);
    }

    /// A new server: nobody has used it, so nothing is to be cleaned.
    pub(super) fn check_in_new(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        if let Some(server) = self.servers.get_mut(conn.index(), conn.generation) {
            server.since = now;
            server.phase = Phase::Cleaning;
            server.settings = self.params.within(&server.settings, &server.base);
            server.base = server.settings.clone();
        }
        self.cleaned(now, conn, out);
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
        let busy = !server.ledger.is_empty();
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
fn is_answer(why: &DialRefusal) -> bool {
    match why {
        DialRefusal::Server { .. } | DialRefusal::Credentials(_) => true,
        DialRefusal::Socket(_) | DialRefusal::Lost | DialRefusal::TimedOut => false,
    }
}

/// A refusal that trying again will not mend.
fn is_final(code: Option<SqlState>) -> bool {
    code.is_some_and(|code| {
        matches!(&code.class(), b"28" | b"3D" | b"42" | b"22") || code == SqlState::PROTOCOL_VIOLATION
    })
}
