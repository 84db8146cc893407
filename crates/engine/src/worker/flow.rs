//! Backpressure: whoever fills a socket that takes no more is not read meanwhile.

use model::id::ConnId;

use super::Worker;
use crate::contract::Outputs;
use crate::planted::Fault;
use crate::session::client::{Life, Pause};
use crate::time::Now;

impl Worker {
    /// A socket does not take all: whoever fills it is not read meanwhile.
    pub(super) fn backlogged(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        if conn.is_server() {
            let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
            server.backlogged = true;
            if let Some(client) = server.client() {
                out.hold(client);
            }
            return;
        }
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        client.backlogged = Some(now);
        self.hold_back(now, conn, out);
    }

    /// What a client has not taken yet holds its server back.
    pub(super) fn hold_back(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        let Some(server) = client.server().filter(|_| client.backlogged.is_some()) else { return };
        client.backlogged = Some(now);
        out.hold(server);
        let timeout = self.homes[client.slice as usize].slice.settings.client_write_timeout;
        let due = now.plus_maybe(timeout).min(self.client_deadlines.at(conn.index()));
        self.client_deadlines.set(conn.index(), due);
    }

    /// A socket has taken all.
    pub(super) fn drained(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        if conn.is_server() {
            let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
            server.backlogged = false;
            let Some(client) = server.client() else { return };
            if let Some(client) = self.clients.get(client.index(), client.generation)
                && client.pause == Pause::No
            {
                out.read(client.conn);
            }
            return self.maybe_release(now, conn, out);
        }
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        client.backlogged = None;
        if self.planted.is(Fault::HeldForEver) {
            return;
        }
        match client.life {
            Life::Linked { server } => out.read(server),
            Life::Idle => out.read(conn),
            Life::Login(_)
            | Life::Knocking(_)
            | Life::Arriving { .. }
            | Life::Waiting { .. }
            | Life::Cancelled { .. } => {}
        }
    }
}
