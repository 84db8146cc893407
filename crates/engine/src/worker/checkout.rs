//! From asking for a server to being joined to it. The way back is in `checkin`.

use std::sync::Arc;

use model::config::checked::CheckQuery;
use model::id::ConnId;
use wire::encode;
use wire::frontend::Target;

use super::Worker;
use crate::contract::Outputs;
use crate::planted::Fault;
use crate::refuse::Refusal;
use crate::remark::ServerOut;
use crate::session::client::{Life, Pause};
use crate::session::ledger::{Owed, Serve};
use crate::session::params::{self, Change};
use crate::session::server::{Phase, Server, Step};
use crate::time::Now;

/// What asking for a server came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checkout {
    /// It is there, and takes the client's bytes.
    Linked,
    /// It is being made ready, or the client stands in line.
    Later,
    /// The client was refused.
    Refused,
}

impl Worker {
    /// An idle client needs a server.
    pub(super) fn checkout(&mut self, now: Now, conn: ConnId, out: &mut Outputs) -> Checkout {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else {
            return Checkout::Refused;
        };
        let index = client.slice;
        let home = &mut self.homes[index as usize];
        self.touched.push(index);
        let servers = &self.servers;
        let settings = &client.settings;
        let found = if home.slice.waiting() > 0 {
            None
        } else {
            home.slice.take_idle(|server| {
                let server = servers.get(server.index(), server.generation);
                server.is_some_and(|server| Arc::ptr_eq(&server.settings, settings))
            })
        };
        if let Some(server) = found {
            client.requested = now;
            return self.join(now, conn, server, out);
        }
        if !home.slice.settings.max_waiting_clients.admits(home.slice.waiting()) {
            self.refuse(now, conn, Refusal::TooManyWaiting, out);
            return Checkout::Refused;
        }
        client.life = Life::Waiting { since: now, told: false };
        client.requested = now;
        home.slice.join(conn, now);
        self.arm_waiting(now, conn);
        Checkout::Later
    }

    /// Joins a client to a server, and makes the server ready for it.
    pub(super) fn join(&mut self, now: Now, conn: ConnId, server_id: ConnId, out: &mut Outputs) -> Checkout {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else {
            return Checkout::Refused;
        };
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else {
            return Checkout::Refused;
        };
        assert!(server.at_rest() && server.cancels == 0, "only a server that owes nothing is lent");
        let home = &mut self.homes[client.slice as usize];
        home.slice.tally.assignments += 1;
        let rested = now.since(server.since);
        let settings = &home.slice.settings;
        client.life = Life::Linked { server: server_id };
        server.since = now;
        server.lent = true;
        server.boundaries = 0;
        server.phase = Phase::Linked { client: conn };
        if let Some(recording) = &self.recording {
            server.loan = recording.loan(client.requested, now);
        }
        if settings.server_lifetime.is_zero() {
            server.ends = now;
        }
        self.server_deadlines.set(server_id.index(), Now::NEVER);
        let span = [settings.query_timeout, settings.transaction_timeout].into_iter().flatten().min();
        self.client_deadlines.set(conn.index(), now.plus_maybe(span));
        if settings.server_check_query != CheckQuery::Off && rested >= settings.server_check_delay {
            let text: &[u8] = match &settings.server_check_query {
                CheckQuery::Sql(text) => text.as_bytes(),
                CheckQuery::Empty | CheckQuery::Off => b"",
            };
            out.make(server_id, |made| encode::query(made, text));
            server.unnamed = 0;
            server.ledger.push(Owed::Query, Serve::Ours, 0);
            self.prepare(now, server_id, Step::Check);
            return Checkout::Later;
        }
        self.apply_settings(now, conn, server_id, out)
    }

    /// Holds the client back until the server has done a step of ours.
    fn prepare(&mut self, now: Now, server_id: ConnId, step: Step) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        let Some(conn) = server.client() else { return };
        server.phase = Phase::Preparing { client: conn, step };
        if let Some(client) = self.clients.get_mut(conn.index(), conn.generation) {
            client.pause = Pause::Preparing;
        }
        self.arm_step(now, server_id);
    }

    /// Gives a server the settings of its client, where they differ.
    fn apply_settings(&mut self, now: Now, conn: ConnId, server_id: ConnId, out: &mut Outputs) -> Checkout {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else {
            return Checkout::Refused;
        };
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else {
            return Checkout::Refused;
        };
        if Arc::ptr_eq(&client.settings, &server.settings) || self.planted.is(Fault::SettingsSkipped) {
            return Checkout::Linked;
        }
        let changes = self.params.changes(&client.settings, &server.settings);
        if changes.is_empty() {
            client.settings = server.settings.clone();
            return Checkout::Linked;
        }
        let home = &mut self.homes[client.slice as usize];
        home.slice.tally.settings_sent += 1;
        let shared = home.rules.shared;
        server.unnamed = 0;
        if let [Change { name: params::APPLICATION_NAME, value: Some(value) }] = &changes[..]
            && rides(value)
        {
            send_batch(out, server, &self.params, &changes, shared);
            server.settings = self.params.with(&server.settings, params::APPLICATION_NAME, value);
            return Checkout::Linked;
        }
        let (encoding, rest) = changes.split_at(usize::from(changes[0].name == params::CLIENT_ENCODING));
        if !self.planted.is(Fault::SettingNotReset) {
            send_resets(out, server, &self.params, &changes);
        }
        for batch in [encoding, rest] {
            if batch.iter().any(|change| change.value.is_some()) {
                send_batch(out, server, &self.params, batch, shared);
            }
        }
        self.prepare(now, server_id, Step::Settings(changes.into()));
        Checkout::Later
    }

    /// A client has its server: its bytes may come, or its welcome is due.
    pub(super) fn joined(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        if !client.greeting {
            out.read(conn);
            return self.hold_back(now, conn, out);
        }
        let server = client.server();
        self.greet(now, conn, out);
        if let Some(server) = server {
            if let Some(client) = self.clients.get_mut(conn.index(), conn.generation) {
                client.life = Life::Linked { server };
            }
            self.maybe_release(now, server, out);
        }
    }

    /// A step of ours is done: on to the next, or the client's bytes may come.
    pub(super) fn prepared(&mut self, now: Now, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        let failed = server.failed.take();
        let Phase::Preparing { client: conn, step } = std::mem::replace(&mut server.phase, Phase::Cleaning)
        else {
            return;
        };
        let checkout = match (&step, failed) {
            (Step::Check, None) => {
                server.phase = Phase::Linked { client: conn };
                self.apply_settings(now, conn, server_id, out)
            }
            (Step::Check, Some(_)) => {
                self.forget_loan(server_id);
                self.stand_again(now, conn, out);
                self.close_server(now, server_id, ServerOut::CheckFailed, false, out);
                return;
            }
            (Step::Settings(_), Some(failure)) => {
                let failure = *failure;
                let refusal = Refusal::SettingRefused { code: failure.code, message: failure.message };
                self.refuse_unlinked(now, conn, refusal, out);
                self.close_server(now, server_id, ServerOut::SettingRefused, false, out);
                return;
            }
            (Step::Settings(changes), None) => {
                for change in changes {
                    let Some(asked) = &change.value else {
                        if server.base.value(change.name).is_none() {
                            server.settings = self.params.without(&server.settings, change.name);
                        }
                        continue;
                    };
                    if server.base.value(change.name).is_none() {
                        server.settings = self.params.with(&server.settings, change.name, asked);
                        self.params.learn(change.name, asked, asked);
                    } else if let Some(reported) = server.settings.value(change.name).cloned() {
                        self.params.learn(change.name, asked, &reported);
                    }
                }
                if let Some(client) = self.clients.get_mut(conn.index(), conn.generation) {
                    client.settings = server.settings.clone();
                }
                server.phase = Phase::Linked { client: conn };
                Checkout::Linked
            }
        };
        if checkout == Checkout::Linked {
            self.server_deadlines.set(server_id.index(), Now::NEVER);
            if let Some(client) = self.clients.get_mut(conn.index(), conn.generation) {
                client.pause = Pause::No;
            }
            self.joined(now, conn, out);
        }
    }

    /// A client whose server failed before it had any of its bytes: back to the head of the line.
    pub(super) fn stand_again(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        let since = client.requested;
        client.pause = Pause::No;
        client.life = Life::Waiting { since, told: false };
        let index = client.slice;
        self.homes[index as usize].slice.join_front(conn, since);
        self.touch(index);
        self.arm_waiting(now, conn);
        self.serve_line(now, index, out);
    }

    /// Gives resting servers to whoever waits.
    pub(super) fn serve_line(&mut self, now: Now, index: u32, out: &mut Outputs) {
        loop {
            let slice = &mut self.homes[index as usize].slice;
            if slice.waiting() == 0 || slice.paused {
                return;
            }
            let Some(server) = slice.take_idle(|_| false) else { return };
            let Some(client) = slice.next(now) else { return };
            if self.join(now, client, server, out) == Checkout::Linked {
                self.joined(now, client, out);
            }
        }
    }
}

/// Any text is accepted for application_name, but only a plain one is taken as it is.
fn rides(value: &[u8]) -> bool {
    value.len() < 64 && value.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// `set_config` for each value, as one extended batch: no quoting. It is an unnamed statement, which a client with a server of
/// its own must not find there; from one that shares servers `Link::bind` keeps it.
fn send_batch(
    out: &mut Outputs,
    server: &mut Server,
    params: &params::Store,
    changes: &[Change],
    shared: bool,
) {
    let values: Vec<(&[u8], &[u8])> = changes
        .iter()
        .filter_map(|change| Some((params.text(change.name).as_bytes(), &**change.value.as_ref()?)))
        .collect();
    out.make(server.conn, |made| encode::settings_batch(made, &values));
    for owed in [Owed::Parse, Owed::Bind, Owed::Execute, Owed::Sync] {
        server.ledger.push(owed, Serve::Ours, 0);
    }
    if !shared {
        out.make(server.conn, |made| encode::close(made, Target::Statement, b""));
        out.fixed(server.conn, encode::SYNC);
        server.ledger.push(Owed::Close, Serve::Ours, 0);
        server.ledger.push(Owed::Sync, Serve::Ours, 0);
    }
}

/// `RESET name` for what the client does not have: names were checked to need no quotes.
fn send_resets(out: &mut Outputs, server: &mut Server, params: &params::Store, changes: &[Change]) {
    let list: Vec<String> = changes
        .iter()
        .filter(|change| change.value.is_none())
        .map(|change| format!("RESET {}", params.text(change.name)))
        .collect();
    if !list.is_empty() {
        out.make(server.conn, |made| encode::query(made, list.join("; ").as_bytes()));
        server.ledger.push(Owed::Query, Serve::Ours, 0);
    }
}
