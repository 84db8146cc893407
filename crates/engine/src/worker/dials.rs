//! From a credit to a server that may be lent, or to the reason why there is none. Not here: servers that are ours.

use std::sync::Arc;

use model::id::{ConnId, Ticket};
use wire::encode;
use wire::sqlstate::SqlState;

use super::Worker;
use super::servers::{CLOSING_US, is_answer};
use crate::contract::{Derive, DialError, DialTo, Gone, Output, Outputs, Then};
use crate::orders::{Back, DialRefusal, Note};
use crate::planted::Fault;
use crate::refuse::Refusal;
use crate::remark::Remark;
use crate::session::greet::{Greet, GreetStep, Welcome};
use crate::session::ledger::{Owed, Serve};
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
        let cx = home.greeting(&mut self.rng, &mut self.keys);
        let greet = out.make(conn, |send| Greet::start(cx, &home.slice.key, send));
        server.phase = Phase::Greeting(Box::new(greet));
        out.read(conn);
    }

    pub(super) fn greet_step(&mut self, now: Now, conn: ConnId, step: GreetStep, out: &mut Outputs) -> Then {
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
    pub(super) fn derived(&mut self, now: Now, ticket: Ticket, salted: [u8; 32], out: &mut Outputs) {
        let Some(conn) = self.tickets.remove(&ticket) else { return };
        if !conn.is_server() {
            return self.client_derived(now, conn, salted, out);
        }
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        let Phase::Greeting(greet) = &mut server.phase else { return };
        let home = &self.homes[server.slice as usize];
        let cx = home.greeting(&mut self.rng, &mut self.keys);
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

    pub(super) fn refused_back(&mut self, index: u32, why: DialRefusal, out: &mut Outputs) {
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
    pub(super) fn give_up_dial(&mut self, conn: ConnId, out: &mut Outputs) {
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
}

/// A refusal that trying again will not mend.
fn is_final(code: Option<SqlState>) -> bool {
    code.is_some_and(|code| {
        matches!(&code.class(), b"28" | b"3D" | b"42" | b"22") || code == SqlState::PROTOCOL_VIOLATION
    })
}
