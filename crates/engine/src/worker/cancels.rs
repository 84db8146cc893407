//! Cancel requests: from a key to the query that runs under it, and never to anybody else's.
//!
//! The key names a client. What is cancelled is decided when the request is *sent*: the server that client holds then, or
//! nothing. The server is not lent again before the request's connection has ended; where no end is seen, it is closed.

use model::id::{ConnId, WorkerId};
use wire::backend::TxStatus;
use wire::encode::{self, ErrorText};
use wire::frame::{self, HEADER};
use wire::sqlstate::SqlState;
use wire::tag::FrontendTag as F;

use super::Worker;
use crate::contract::{DialTo, Output, Outputs, Peer, Taken, Then};
use crate::orders::Note;
use crate::planted::Fault;
use crate::refuse::Refusal;
use crate::remark::{ClientOut, Remark, ServerOut};
use crate::session::client::{Body, Life, Pause};
use crate::session::forward::shorter;
use crate::session::server::{Courier, Phase, Server};
use crate::session::statements::Registry;
use crate::time::Now;

/// Wrong keys of an address are counted over so long, in microseconds.
const WRONG_KEY_US: u64 = 60_000_000;
/// Addresses remembered for their wrong keys at most.
const WRONG_KEY_PEERS_MAX: usize = 10_000;
/// Cancel requests for one connection under way at most; more add nothing.
const CANCELS_MAX: u16 = 8;

impl Worker {
    /// A cancel request came by this connection, which is closed when it has been seen to.
    pub(super) fn cancel_asked(
        &mut self,
        now: Now,
        conn: ConnId,
        pid: u32,
        secret: Box<[u8]>,
        out: &mut Outputs,
    ) {
        self.tally.cancels_received += 1;
        if self.is_banned(now, conn) {
            return self.cancel_over((self.id, conn), out);
        }
        let home = home_of(pid);
        if home != self.id {
            self.client_deadlines.set(conn.index(), now.plus_maybe(self.config.proxy.cancel_wait_timeout));
            out.notes.push(Note::Cancel { to: home, conn, pid, secret });
            return;
        }
        if !self.cancel(now, (self.id, conn), pid, &secret, out) {
            self.cancel_unknown(now, conn, out);
        }
    }

    /// Another worker's word of a cancel request: either it received one for a client of ours, or one that we received
    /// comes back, because its key is nobody's there.
    pub(super) fn cancel_passed(
        &mut self,
        now: Now,
        from: (WorkerId, ConnId),
        pid: u32,
        secret: Box<[u8]>,
        out: &mut Outputs,
    ) {
        if home_of(pid) != self.id {
            self.cancel_unknown(now, from.1, out);
        } else if !self.cancel(now, from, pid, &secret, out) {
            out.notes.push(Note::Cancel { to: from.0, conn: from.1, pid, secret });
        }
    }

    /// A request that came by this connection has a key that nobody holds: it counts against whoever sent it.
    fn cancel_unknown(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        self.wrong_key(now, conn, out);
        self.dismiss(now, conn, ClientOut::Left, out);
    }

    /// Sees to a cancel request. False: nobody has that key. The asker hears when it is done.
    pub(super) fn cancel(
        &mut self,
        now: Now,
        asker: (WorkerId, ConnId),
        pid: u32,
        secret: &[u8],
        out: &mut Outputs,
    ) -> bool {
        let index = (pid & 0x00ff_ffff).wrapping_sub(1) as usize;
        let client = self.clients.at(index).filter(|client| {
            client.slice != u32::MAX
                && cancel_pid(self.id.0, client.conn) == pid
                && client.secret.matches(secret)
        });
        let Some(client) = client else { return false };
        let conn = client.conn;
        match client.life {
            Life::Linked { server } => self.cancel_running(now, server, conn, asker, out),
            Life::Waiting { since, .. } => {
                self.cancel_in_line(now, conn, since, out);
                self.cancel_over(asker, out);
            }
            Life::Login(_)
            | Life::Knocking(_)
            | Life::Arriving { .. }
            | Life::Idle
            | Life::Cancelled { .. } => {
                self.cancel_over(asker, out);
            }
        }
        true
    }

    fn cancel_running(
        &mut self,
        now: Now,
        server_id: ConnId,
        client: ConnId,
        asker: (WorkerId, ConnId),
        out: &mut Outputs,
    ) {
        let running = self.servers.get(server_id.index(), server_id.generation).is_some_and(|server| {
            matches!(server.phase, Phase::Linked { .. })
                && !server.ledger.is_empty()
                && server.cancels < CANCELS_MAX
        });
        if running {
            self.send_courier(now, server_id, Some(client), Some(asker), out);
        } else {
            self.cancel_over(asker, out);
        }
    }

    /// Dials the address this very connection leads to, to cancel what runs on it.
    pub(super) fn send_courier(
        &mut self,
        now: Now,
        victim: ConnId,
        client: Option<ConnId>,
        asker: Option<(WorkerId, ConnId)>,
        out: &mut Outputs,
    ) {
        let Some(server) = self.servers.get_mut(victim.index(), victim.generation) else { return };
        if !self.planted.is(Fault::CancelByServer) {
            server.cancels += 1;
        }
        let (home, key) = (server.slice, server.key.clone());
        let empty = self.params.empty();
        let registry = Registry::new(self.hasher.clone());
        let index = self.servers.insert(|index, generation| {
            let mut courier = Server::new(ConnId::server(index, generation), home, now, empty, registry);
            courier.phase = Phase::Courier(Box::new(Courier { victim, client, key, asker, sent: false }));
            courier
        });
        let Some(conn) = self.servers.at(index).map(|courier| courier.conn) else { return };
        let slice = &mut self.homes[home as usize].slice;
        slice.cancels += 1;
        self.server_deadlines.set(index, now.plus_maybe(slice.settings.cancel_wait_timeout));
        out.list.push(Output::Dial { conn, dial: out.dials.len() as u32 });
        out.dials.push(DialTo::SameAs(victim));
    }

    /// The courier is there: is what it came for still running?
    pub(super) fn courier_up(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get(conn.index(), conn.generation) else { return };
        let Phase::Courier(courier) = &server.phase else { return };
        let (victim, client) = (courier.victim, courier.client);
        let stands = self.servers.get(victim.index(), victim.generation).is_some_and(|server| match client {
            Some(_) if self.planted.is(Fault::CancelByServer) => matches!(server.phase, Phase::Linked { .. }),
            Some(client) => {
                matches!(server.phase, Phase::Linked { client: now } if now == client)
                    && !server.ledger.is_empty()
            }
            None => matches!(server.phase, Phase::Closing),
        });
        if !stands {
            return self.courier_done(now, conn, true, out);
        }
        let Some(server) = self.servers.get_mut(conn.index(), conn.generation) else { return };
        let slice = server.slice;
        let Phase::Courier(courier) = &mut server.phase else { return };
        courier.sent = true;
        let (pid, secret) = &courier.key;
        out.make(conn, |made| encode::cancel_request(made, *pid, secret));
        self.homes[slice as usize].slice.tally.cancels_sent += 1;
        out.read(conn);
    }

    /// A courier's connection has ended. `seen`: in order, so that the request is known to be delivered.
    pub(super) fn courier_done(&mut self, now: Now, conn: ConnId, seen: bool, out: &mut Outputs) {
        let Some(server) = self.servers.remove(conn.index(), conn.generation) else { return };
        self.server_deadlines.set(conn.index(), Now::NEVER);
        out.close(conn);
        self.homes[server.slice as usize].slice.cancels -= 1;
        let Phase::Courier(courier) = server.phase else { return };
        if let Some(asker) = courier.asker {
            self.cancel_over(asker, out);
        }
        self.settle_orders(server.slice, out);
        let victim = courier.victim;
        let Some(server) = self.servers.get_mut(victim.index(), victim.generation) else { return };
        if self.planted.is(Fault::CancelByServer) {
            return;
        }
        server.cancels -= 1;
        let unseen = courier.sent && !seen;
        if unseen {
            server.outdated.get_or_insert(ServerOut::CancelUnseen);
        }
        if matches!(server.phase, Phase::CancelWait) && (server.cancels == 0 || unseen) {
            if unseen {
                self.close_server(now, victim, ServerOut::CancelUnseen, false, out);
            } else {
                self.check_in(now, victim, out);
            }
        }
    }

    /// Tells whoever asked that the request has been seen to: its connection is closed.
    pub(super) fn cancel_over(&mut self, asker: (WorkerId, ConnId), out: &mut Outputs) {
        if asker.0 != self.id {
            out.notes.push(Note::CancelDone { at: asker });
            return;
        }
        let conn = asker.1;
        if self.clients.remove(conn.index(), conn.generation).is_some() {
            self.client_deadlines.set(conn.index(), Now::NEVER);
            self.logins -= 1;
            out.close(conn);
        }
    }

    /// A client that stands in line takes its request back.
    fn cancel_in_line(&mut self, now: Now, conn: ConnId, since: Now, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        client.life = Life::Cancelled { said: false };
        client.pause = Pause::No;
        let index = client.slice;
        let slice = &mut self.homes[index as usize].slice;
        slice.leave(conn, now, since);
        slice.tally.cancels_in_line += 1;
        self.client_deadlines.set(conn.index(), Now::NEVER);
        self.touch(index);
        self.record_gave_up(now, index, since, out);
        out.read(conn);
    }

    /// Drops what a cancelled client had asked for, and answers it. `Err`: the client is idle again, from there on.
    pub(super) fn cancelled_bytes(
        &mut self,
        now: Now,
        conn: ConnId,
        bytes: &[u8],
        mut at: usize,
        out: &mut Outputs,
    ) -> Result<Taken, usize> {
        let dead = Taken { used: bytes.len(), then: Then::More };
        loop {
            let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return Ok(dead) };
            if let Body::Relay(rest) | Body::Skip(rest) = client.body {
                let take = (rest as usize).min(bytes.len() - at);
                client.body = shorter(rest, take, Body::Skip);
                at += take;
                if client.body != Body::None {
                    return Ok(Taken { used: at, then: Then::More });
                }
            }
            let limit = self.homes[client.slice as usize].rules.packet_bytes_max;
            let header = match frame::peek(&bytes[at..], limit) {
                Ok(Some(header)) => header,
                Ok(None) => return Ok(Taken { used: at, then: Then::More }),
                Err(error) => {
                    self.refuse(now, conn, Refusal::of_frame(error), out);
                    return Ok(dead);
                }
            };
            let Life::Cancelled { said } = client.life else { return Ok(dead) };
            let tag = F::from_byte(header.tag);
            if said && matches!(tag, Some(F::Query | F::FunctionCall)) {
                // Behind an error a server skips these too.
                client.body = Body::Skip(header.total() as u32);
                continue;
            }
            match tag {
                Some(F::Terminate) => {
                    self.dismiss(now, conn, ClientOut::Left, out);
                    return Ok(dead);
                }
                Some(F::Query | F::Sync | F::FunctionCall) => {
                    let kept = self.planted.is(Fault::CancelledBatchKept);
                    client.body = match header.body {
                        _ if kept => Body::None,
                        0 => Body::None,
                        body => Body::Skip(body),
                    };
                    if tag == Some(F::Query) {
                        // A server that answers so has begun with it, and that destroys the unnamed statement.
                        client.unnamed = None;
                    }
                    out.make(conn, |made| {
                        if !said {
                            encode::error(made, &canceled());
                        }
                        encode::ready(made, TxStatus::Idle);
                    });
                    self.at_rest(now, conn, out);
                    return Err(if kept { at } else { at + HEADER });
                }
                Some(
                    F::Bind
                    | F::Close
                    | F::CopyData
                    | F::CopyDone
                    | F::CopyFail
                    | F::Describe
                    | F::Execute
                    | F::Flush
                    | F::Parse,
                ) => {
                    let parse = tag == Some(F::Parse) && !said;
                    match bytes.get(at + HEADER) {
                        None if parse => return Ok(Taken { used: at, then: Then::AtLeast(HEADER + 1) }),
                        // As a query does.
                        Some(0) if parse => client.unnamed = None,
                        None | Some(_) => {}
                    }
                    client.body = Body::Skip(header.total() as u32);
                    let extended =
                        matches!(tag, Some(F::Bind | F::Close | F::Describe | F::Execute | F::Parse));
                    if extended && !said {
                        client.life = Life::Cancelled { said: true };
                        out.make(conn, |made| encode::error(made, &canceled()));
                    }
                }
                Some(F::Password) | None => {
                    let text = format!("invalid frontend message type {}", header.tag);
                    self.refuse(now, conn, Refusal::Protocol(text.into()), out);
                    return Ok(dead);
                }
            }
        }
    }

    fn wrong_key(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        self.tally.cancels_unknown += 1;
        let Some(client) = self.clients.get(conn.index(), conn.generation) else { return };
        let Peer::Ip(address, _) = client.peer else { return };
        if self.wrong_keys.len() >= WRONG_KEY_PEERS_MAX {
            self.wrong_keys.retain(|_, (since, _)| now.0.saturating_sub(since.0) < WRONG_KEY_US);
        }
        if self.wrong_keys.len() >= WRONG_KEY_PEERS_MAX {
            return;
        }
        let (since, count) = self.wrong_keys.entry(address).or_insert((now, 0));
        if now.0.saturating_sub(since.0) >= WRONG_KEY_US {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if self.config.proxy.wrong_cancel_keys_max.max() == Some(*count) {
            out.remarks.push(Remark::WrongCancelKey { peer: client.peer.clone() });
        }
    }

    fn is_banned(&self, now: Now, conn: ConnId) -> bool {
        let Some(client) = self.clients.get(conn.index(), conn.generation) else { return false };
        let Peer::Ip(address, _) = client.peer else { return false };
        let Some((since, count)) = self.wrong_keys.get(&address) else { return false };
        now.0.saturating_sub(since.0) < WRONG_KEY_US
            && !self.config.proxy.wrong_cancel_keys_max.admits(*count)
    }
}

/// The worker that a key names.
fn home_of(pid: u32) -> WorkerId {
    WorkerId((pid >> 24) as u16)
}

fn canceled() -> ErrorText<'static> {
    ErrorText {
        severity: "ERROR",
        code: SqlState::QUERY_CANCELED,
        message: "canceling statement due to user request",
        detail: None,
        hint: None,
    }
}

/// The process id half of a cancel key: worker and slot, never 0, never negative.
pub(super) fn cancel_pid(worker: u16, conn: ConnId) -> u32 {
    (u32::from(worker) & 0x7f) << 24 | ((conn.index() as u32 + 1) & 0x00ff_ffff)
}
