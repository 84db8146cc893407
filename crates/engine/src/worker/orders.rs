//! The steward's words to this worker.

use std::sync::Arc;

use model::config::checked::PoolSettings;
use model::id::{ConnId, PoolId, PublicId, SliceId, Ticket};

use super::{Home, Worker};
use crate::contract::Outputs;
use crate::orders::{Back, Drain, Note, Order, PoolKey, Scope};
use crate::pool::slice::Slice;
use crate::refuse::Refusal;
use crate::remark::ServerOut;
use crate::session::client::Life;
use crate::session::link::Rules;
use crate::session::server::{Phase, Server};
use crate::time::Now;

impl Worker {
    pub(super) fn order(&mut self, now: Now, order: Order, out: &mut Outputs) {
        match order {
            Order::Configure(config) => self.config = config,
            Order::Admit { conn, verdict } => self.admitted(now, conn, verdict, out),
            Order::Open { slice, pool, key, settings, stale } => {
                self.open(now, slice, pool, key, settings, stale, out);
            }
            Order::Shut { slice } => self.shut(now, slice, out),
            Order::Floor { slice, servers } => {
                if let Some(index) = self.by_slice.get(&slice) {
                    self.homes[*index as usize].slice.floor = servers;
                }
            }
            Order::Grant { slice, credits } => self.grant(now, slice, credits, out),
            Order::Revoke { slice, credits } => self.revoke(now, slice, credits, out),
            Order::Vacate { ticket, slice } => self.vacate(now, ticket, slice, out),
            Order::Reopen { ticket, slice } => self.reopen(ticket, slice),
            Order::Vacant { ticket } => self.vacant(ticket, out),
            Order::Pause { ticket, scope } => self.pause(now, ticket, &scope, out),
            Order::Resume { ticket, scope } => self.resume(now, ticket, &scope, out),
            Order::Reconnect { ticket, scope } => {
                let found = self.renew(now, &scope, out);
                out.notes.push(Note::Done { ticket, found });
            }
            Order::WaitClose { ticket, scope } => self.wait_close(ticket, &scope, out),
            Order::Kill { ticket, scope } => self.kill(now, ticket, &scope, out),
            Order::KillClient { ticket, client } => self.kill_client(now, ticket, client, out),
            Order::Drain(how) => self.drain(now, how, out),
            Order::Snapshot { ticket, ask } => {
                let page = self.page(now, ask);
                out.notes.push(Note::Page { ticket, page });
            }
            Order::Record { ticket, since } => self.record(ticket, since, out),
            Order::Cancel { from, pid, secret } => self.cancel_passed(now, from, pid, secret, out),
            Order::CancelDone { conn } => self.cancel_over((self.id, conn), out),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one order")]
    fn open(
        &mut self,
        now: Now,
        id: SliceId,
        pool: PoolId,
        key: PoolKey,
        settings: Arc<PoolSettings>,
        stale: bool,
        out: &mut Outputs,
    ) {
        let rules = Rules::of(&settings);
        if let Some(&index) = self.by_slice.get(&id) {
            let home = &mut self.homes[index as usize];
            home.rules = rules;
            home.slice.settings = settings;
            home.slice.shut = false;
            if stale {
                home.slice.epoch += 1;
                home.slice.refused = None;
                home.slice.greeted = false;
                self.close_idle(now, index, ServerOut::Outdated, out);
            }
            return;
        }
        let mut home = Home {
            slice: Slice::new(id, pool, key, settings),
            rules,
            welcome: None,
            base: self.params.empty(),
            client_key: None,
            wait_close: Vec::new(),
            pausing: Vec::new(),
            gone: false,
        };
        home.slice.planted = self.planted;
        let index = match self.homes.iter().position(|home| home.gone) {
            Some(free) => {
                self.homes[free] = home;
                free as u32
            }
            None => {
                self.homes.push(home);
                self.homes.len() as u32 - 1
            }
        };
        self.by_slice.insert(id, index);
    }

    fn shut(&mut self, now: Now, id: SliceId, out: &mut Outputs) {
        let Some(&index) = self.by_slice.get(&id) else { return };
        self.homes[index as usize].slice.shut = true;
        for client in self.clients_of(|home| home == index) {
            self.refuse(now, client, Refusal::DatabaseRemoved, out);
        }
        self.close_idle(now, index, ServerOut::Outdated, out);
        self.settle_orders(index, out);
    }

    fn grant(&mut self, now: Now, id: SliceId, credits: u32, out: &mut Outputs) {
        let Some(&index) = self.by_slice.get(&id) else {
            out.notes.push(Note::Back { slice: id, credits, why: Back::Unneeded });
            return;
        };
        self.homes[index as usize].slice.granted(credits);
        for _ in 0..credits {
            let slice = &mut self.homes[index as usize].slice;
            let below = slice.count.open + slice.count.dialling < slice.floor;
            let useful = slice.wants() > 0 || below;
            if !useful
                || slice.paused
                || slice.is_vacating()
                || slice.shut
                || self.draining == Some(Drain::Now)
            {
                out.notes.push(Note::Back { slice: id, credits: 1, why: Back::Unneeded });
                continue;
            }
            slice.credits += 1;
            self.dial(now, index, out);
        }
        self.touch(index);
    }

    fn revoke(&mut self, now: Now, id: SliceId, credits: u32, out: &mut Outputs) {
        let Some(&index) = self.by_slice.get(&id) else { return };
        self.homes[index as usize].slice.revoked += credits;
        while self.homes[index as usize].slice.owes() {
            let Some(server) = self.homes[index as usize].slice.coldest() else { return };
            self.close_server(now, server, ServerOut::Revoked, false, out);
        }
    }

    /// Homes a scope covers.
    fn covered(&self, scope: &Scope) -> Vec<u32> {
        let covers = |home: &Home| !home.gone && scope.covers(&home.slice.key);
        (0u32..).zip(&self.homes).filter(|(_, home)| covers(home)).map(|(index, _)| index).collect()
    }

    fn clients_of(&self, mut wanted: impl FnMut(u32) -> bool) -> Vec<ConnId> {
        self.clients.iter().filter(|client| wanted(client.slice)).map(|client| client.conn).collect()
    }

    pub(super) fn servers_of(&self, index: u32) -> Vec<ConnId> {
        let counts = |phase: &Phase| !matches!(phase, Phase::Courier(_) | Phase::Closing);
        let list = self.servers.iter().filter(|server| server.slice == index && counts(&server.phase));
        list.map(|server| server.conn).collect()
    }

    fn close_idle(&mut self, now: Now, index: u32, why: ServerOut, out: &mut Outputs) {
        let idle: Vec<ConnId> = self.homes[index as usize].slice.idle().collect();
        for server in idle {
            self.close_server(now, server, why, false, out);
        }
    }

    fn pause(&mut self, now: Now, ticket: Ticket, scope: &Scope, out: &mut Outputs) {
        let homes = self.covered(scope);
        for index in &homes {
            self.homes[*index as usize].slice.paused = true;
            self.homes[*index as usize].pausing.push(ticket);
            self.close_idle(now, *index, ServerOut::Operator, out);
        }
        if homes.is_empty() {
            out.notes.push(Note::Done { ticket, found: false });
        }
        for index in homes {
            self.settle_orders(index, out);
        }
    }

    fn resume(&mut self, now: Now, ticket: Ticket, scope: &Scope, out: &mut Outputs) {
        let mut found = false;
        for index in self.covered(scope) {
            let home = &mut self.homes[index as usize];
            found |= std::mem::take(&mut home.slice.paused);
            home.pausing.clear();
            self.serve_line(now, index, out);
            self.touch(index);
        }
        out.notes.push(Note::Done { ticket, found });
    }

    fn renew(&mut self, now: Now, scope: &Scope, out: &mut Outputs) -> bool {
        let homes = self.covered(scope);
        for index in &homes {
            self.homes[*index as usize].slice.epoch += 1;
            self.close_idle(now, *index, ServerOut::Outdated, out);
        }
        !homes.is_empty()
    }

    fn wait_close(&mut self, ticket: Ticket, scope: &Scope, out: &mut Outputs) {
        let homes = self.covered(scope);
        for index in &homes {
            self.homes[*index as usize].wait_close.push(ticket);
        }
        if homes.is_empty() {
            out.notes.push(Note::Done { ticket, found: false });
        }
        for index in homes {
            self.settle_orders(index, out);
        }
    }

    fn kill(&mut self, now: Now, ticket: Ticket, scope: &Scope, out: &mut Outputs) {
        let homes = self.covered(scope);
        for index in &homes {
            self.homes[*index as usize].slice.paused = true;
        }
        for client in self.clients_of(|home| homes.contains(&home)) {
            self.refuse(now, client, Refusal::Killed, out);
        }
        for index in &homes {
            for server in self.servers_of(*index) {
                self.close_server(now, server, ServerOut::Operator, false, out);
            }
        }
        out.notes.push(Note::Done { ticket, found: !homes.is_empty() });
    }

    fn kill_client(&mut self, now: Now, ticket: Ticket, client: PublicId, out: &mut Outputs) {
        let found = self.clients.iter().find(|c| c.public == client && c.slice != u32::MAX).map(|c| c.conn);
        if let Some(conn) = found {
            self.refuse(now, conn, Refusal::Killed, out);
        }
        out.notes.push(Note::Done { ticket, found: found.is_some() });
    }

    fn drain(&mut self, now: Now, how: Drain, out: &mut Outputs) {
        self.draining = Some(self.draining.map_or(how, |old| old.max(how)));
        let (patient, gentle) = (how == Drain::WhenLeft, how <= Drain::WhenIdle);
        let leaving: Vec<ConnId> = self
            .clients
            .iter()
            .filter(|client| match client.life {
                Life::Login(_) | Life::Knocking(_) | Life::Arriving { .. } => true,
                Life::Idle => !patient,
                Life::Waiting { .. } | Life::Cancelled { .. } => !gentle,
                Life::Linked { server } => {
                    let server = self.servers.get(server.index(), server.generation);
                    let rests = |server: &Server| server.at_rest() && !server.need.holds();
                    !gentle || (!patient && server.is_some_and(rests))
                }
            })
            .map(|client| client.conn)
            .collect();
        for conn in leaving {
            self.refuse(now, conn, Refusal::ShuttingDown, out);
        }
        for index in 0..self.homes.len() as u32 {
            if patient {
                continue;
            }
            if self.homes[index as usize].slice.waiting() == 0 {
                self.close_idle(now, index, ServerOut::Operator, out);
            }
            if how == Drain::Now {
                for server in self.servers_of(index) {
                    self.close_server(now, server, ServerOut::Operator, false, out);
                }
            }
        }
    }

    /// Answers orders that waited for servers to end, and lets an empty home go.
    pub(super) fn settle_orders(&mut self, index: u32, out: &mut Outputs) {
        self.settle_vacating(index, out);
        let home = &mut self.homes[index as usize];
        let none = home.slice.count.total() == 0;
        if none {
            for ticket in home.pausing.drain(..) {
                out.notes.push(Note::Done { ticket, found: true });
            }
        }
        if !home.wait_close.is_empty() {
            let epoch = home.slice.epoch;
            let old = self.servers.iter().any(|server| server.slice == index && server.epoch != epoch);
            if !old {
                for ticket in home.wait_close.drain(..) {
                    out.notes.push(Note::Done { ticket, found: true });
                }
            }
        }
        if home.slice.shut && none && home.slice.clients == 0 && home.slice.cancels == 0 && !home.gone {
            home.gone = true;
            let (slice, tally) = (home.slice.id, Box::new(home.slice.tally.clone()));
            self.by_slice.remove(&slice);
            out.notes.push(Note::Shut { slice, tally });
        }
    }
}
