//! Clients at their pool's home: read from, refused, gone. How they come in is in `logins`.

use model::id::ConnId;
use wire::backend::TxStatus;
use wire::encode;
use wire::frame::{self, HEADER};
use wire::frontend::{self, Target};
use wire::tag::FrontendTag as F;

use super::Worker;
use super::checkout::Checkout;
use crate::contract::{Gone, Outputs, Taken, Then};
use crate::orders::{Drain, Note, PoolKey};
use crate::planted::Fault;
use crate::refuse::Refusal;
use crate::remark::{ClientOut, Remark};
use crate::session::client::{Body, Client, Life, Pause};
use crate::session::deallocate::deallocate;
use crate::session::forward;
use crate::session::link::Link;
use crate::session::statements::words::{DEALLOCATE_BYTES_MAX, deallocated};
use crate::time::Now;

/// What became of an idle client's bytes.
enum Idle {
    Taken(Taken),
    /// A message that needs a server stands at this offset.
    NeedsServer(usize),
    Refuse(Refusal),
    Leave,
}

impl Worker {
    /// Bytes of a client.
    pub(super) fn client_bytes(&mut self, now: Now, conn: ConnId, bytes: &[u8], out: &mut Outputs) -> Taken {
        let mut at = 0;
        let dead = Taken { used: bytes.len(), then: Then::More };
        loop {
            let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return dead };
            match client.life {
                Life::Linked { .. } => return self.linked_bytes(now, conn, bytes, at, out),
                // What it was sent before has not left yet: it gets no server to fill its backlog further.
                Life::Idle if client.backlogged.is_some() => return Taken { used: at, then: Then::WhenTold },
                Life::Idle => match self.idle_bytes(now, conn, bytes, at, out) {
                    Idle::Taken(taken) => return taken,
                    Idle::NeedsServer(from) => {
                        at = from;
                        match self.checkout(now, conn, out) {
                            Checkout::Linked => {}
                            Checkout::Later => return Taken { used: at, then: Then::WhenTold },
                            Checkout::Refused => return dead,
                        }
                    }
                    Idle::Refuse(refusal) => {
                        self.refuse(now, conn, refusal, out);
                        return dead;
                    }
                    Idle::Leave => {
                        self.dismiss(now, conn, ClientOut::Left, out);
                        return dead;
                    }
                },
                Life::Login(_) => return self.login_bytes(now, conn, bytes, out),
                Life::Knocking(_) | Life::Arriving { .. } | Life::Waiting { .. } => {
                    return Taken { used: at, then: Then::WhenTold };
                }
                Life::Cancelled { .. } => match self.cancelled_bytes(now, conn, bytes, at, out) {
                    Ok(taken) => return taken,
                    Err(from) => at = from,
                },
            }
        }
    }

    fn linked_bytes(&mut self, now: Now, conn: ConnId, bytes: &[u8], at: usize, out: &mut Outputs) -> Taken {
        let dead = Taken { used: bytes.len(), then: Then::More };
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return dead };
        let Some(server_id) = client.server() else { return dead };
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return dead };
        let home = &mut self.homes[client.slice as usize];
        home.slice.tally.received += (bytes.len() - at) as u64;
        let contended = home.slice.waiting() > 0;
        let mut link = Link {
            now,
            rules: home.rules,
            contended,
            statements: &mut self.statements,
            params: &mut self.params,
            tally: &mut home.slice.tally,
            planted: self.planted,
            out,
        };
        match link.forward(client, server, bytes, at) {
            forward::End::Taken(taken) => {
                home.slice.tally.received -= (bytes.len() - taken.used) as u64;
                if server.ledger.is_empty() {
                    self.maybe_release(now, server_id, out);
                }
                taken
            }
            forward::End::Vacate(used, vacancy) => {
                home.slice.tally.received -= (bytes.len() - used) as u64;
                self.ask_for_vacancy(now, conn, server_id, *vacancy, out);
                Taken { used, then: Then::WhenTold }
            }
            forward::End::Refuse(refusal) => {
                self.refuse(now, conn, refusal, out);
                dead
            }
            forward::End::Leave => {
                self.dismiss(now, conn, ClientOut::Left, out);
                dead
            }
        }
    }

    /// Messages of a client without a server: what needs none is answered here.
    fn idle_bytes(&mut self, now: Now, conn: ConnId, bytes: &[u8], mut at: usize, out: &mut Outputs) -> Idle {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else {
            return Idle::Taken(Taken { used: bytes.len(), then: Then::More });
        };
        let rules = self.homes[client.slice as usize].rules;
        loop {
            if let Body::Relay(rest) | Body::Skip(rest) = client.body {
                let take = (rest as usize).min(bytes.len() - at);
                client.body = forward::shorter(rest, take, Body::Skip);
                at += take;
                if client.body != Body::None {
                    return Idle::Taken(Taken { used: at, then: Then::More });
                }
            }
            let header = match frame::peek(&bytes[at..], rules.packet_bytes_max) {
                Ok(Some(header)) => header,
                Ok(None) => return Idle::Taken(Taken { used: at, then: Then::More }),
                Err(error) => return Idle::Refuse(Refusal::of_frame(error)),
            };
            let Some(tag) = F::from_byte(header.tag) else {
                let text = format!("invalid frontend message type {}", header.tag);
                return Idle::Refuse(Refusal::Protocol(text.into()));
            };
            let body = bytes.get(at + HEADER..at + header.total());
            match tag {
                F::Terminate => return Idle::Leave,
                F::Password => {
                    return Idle::Refuse(Refusal::Protocol("invalid frontend message type 112".into()));
                }
                F::CopyData | F::CopyDone | F::CopyFail => {
                    client.body = Body::Skip(header.total() as u32);
                    continue;
                }
                _ if !rules.shared => return Idle::NeedsServer(at),
                F::Flush if header.body == 0 => {}
                F::Sync if header.body == 0 => out.fixed(conn, encode::READY_IDLE),
                F::Close => match close_alone(client, body, header, at) {
                    Ok(()) => out.fixed(conn, encode::CLOSE_COMPLETE),
                    Err(Some(idle)) => return idle,
                    Err(None) => return Idle::Taken(Taken { used: at, then: Then::AtLeast(header.total()) }),
                },
                F::Query if body.is_none() && header.body as usize <= DEALLOCATE_BYTES_MAX => {
                    return Idle::Taken(Taken { used: at, then: Then::AtLeast(header.total()) });
                }
                F::Query => match body.and_then(|body| deallocate_alone(client, body)) {
                    Some(name) => {
                        client.requested = now;
                        deallocate(client, &name, TxStatus::Idle, out);
                    }
                    None => return Idle::NeedsServer(at),
                },
                F::Parse | F::Bind | F::Describe | F::Execute | F::FunctionCall | F::Flush | F::Sync => {
                    return Idle::NeedsServer(at);
                }
            }
            at += header.total();
        }
    }

    /// A client's connection ended.
    pub(super) fn client_gone(&mut self, now: Now, conn: ConnId, how: Gone, out: &mut Outputs) {
        self.dismiss(now, conn, ClientOut::Lost(how), out);
    }

    /// Turns a client away with a word.
    pub(super) fn refuse(&mut self, now: Now, conn: ConnId, refusal: Refusal, out: &mut Outputs) {
        if let Some(client) = self.clients.get(conn.index(), conn.generation)
            && !client.told_fatal
            && !self.is_in_a_message(client)
        {
            out.make(conn, |made| refusal.write(made));
        }
        self.part(now, conn, ClientOut::Refused(refusal), true, out);
    }

    /// Refuses a client whose server has been taken from it already.
    pub(super) fn refuse_unlinked(&mut self, now: Now, conn: ConnId, refusal: Refusal, out: &mut Outputs) {
        if let Some(client) = self.clients.get_mut(conn.index(), conn.generation) {
            client.life = Life::Idle;
        }
        self.refuse(now, conn, refusal, out);
    }

    /// True where the last thing a client was sent is the front of a message: a word put there would be read as its rest.
    fn is_in_a_message(&self, client: &Client) -> bool {
        let server = client.server().and_then(|server| self.servers.get(server.index(), server.generation));
        server.is_some_and(|server| matches!(server.body, Body::Relay(_)))
    }

    /// Lets a client go without a word.
    pub(super) fn dismiss(&mut self, now: Now, conn: ConnId, why: ClientOut, out: &mut Outputs) {
        self.part(now, conn, why, false, out);
    }

    /// Lets a client go: its place in line, its server, its number, its slot.
    pub(super) fn part(&mut self, now: Now, conn: ConnId, why: ClientOut, say: bool, out: &mut Outputs) {
        let Some(client) = self.clients.remove(conn.index(), conn.generation) else { return };
        self.client_deadlines.set(conn.index(), Now::NEVER);
        if say {
            out.finish(conn);
        } else {
            out.close(conn);
        }
        if self.planted.is(Fault::ClosedTwice) {
            out.close(conn);
        }
        let home = client.slice;
        let mut key = None;
        if let Some(home) = self.homes.get_mut(home as usize) {
            key = Some(home.slice.key.clone());
            home.slice.clients -= 1;
            out.notes.push(Note::Left { slice: home.slice.id });
        }
        match &client.life {
            Life::Login(_) => self.logins -= 1,
            Life::Knocking(_) | Life::Idle | Life::Cancelled { .. } => {}
            Life::Arriving { .. } => self.homes[home as usize].slice.arriving.retain(|other| *other != conn),
            Life::Waiting { .. } if self.planted.is(Fault::DeadWaiterKept) => {}
            Life::Waiting { since, .. } => {
                self.homes[home as usize].slice.leave(conn, now, *since);
                self.record_gave_up(now, home, *since, out);
            }
            Life::Linked { server } => self.abandon(now, *server, client.body != Body::None, &why, out),
        }
        if self.homes.get(home as usize).is_some_and(|home| home.slice.shut) {
            self.settle_orders(home, out);
        }
        self.touch(home);
        let age = now.since(client.accepted);
        out.remarks.push(Remark::ClientOut { conn, key, peer: client.peer, why, age });
    }

    /// Back to rest: what an idle client is.
    pub(super) fn at_rest(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        client.life = Life::Idle;
        client.requested = now;
        let paused = std::mem::take(&mut client.pause);
        let timeout = self.homes[client.slice as usize].slice.settings.client_idle_timeout;
        self.client_deadlines.set(conn.index(), now.plus_maybe(timeout));
        if self.draining.is_some_and(|how| how > Drain::WhenLeft) {
            return self.refuse(now, conn, Refusal::ShuttingDown, out);
        }
        if paused != Pause::No {
            out.read(conn);
        }
    }

    /// Whose pool a client is of, for remarks.
    pub(super) fn key_of(&self, home: u32) -> Option<PoolKey> {
        self.homes.get(home as usize).map(|home| home.slice.key.clone())
    }
}

/// A Close of a client without a server: nothing it could name is on a server under that name. `Err(None)`: not whole.
fn close_alone(
    client: &mut Client,
    body: Option<&[u8]>,
    header: frame::Header,
    at: usize,
) -> Result<(), Option<Idle>> {
    if header.body as usize > frontend::NAME_BYTES_MAX + 2 {
        return Err(Some(Idle::Refuse(Refusal::Protocol("a name is too long".into()))));
    }
    let Some(body) = body else { return Err(None) };
    match frontend::describe_or_close(body) {
        Ok((Target::Portal, _)) => {}
        Ok((Target::Statement, b"")) => {
            client.unnamed = None;
            client.pinned = false;
        }
        Ok((Target::Statement, name)) => {
            if let Some(statements) = &mut client.statements {
                statements.remove(name);
            }
        }
        Err(_) => return Err(Some(Idle::NeedsServer(at))),
    }
    Ok(())
}

/// The statement a `DEALLOCATE name` names, where this client has it.
fn deallocate_alone(client: &Client, body: &[u8]) -> Option<Vec<u8>> {
    let statements = client.statements.as_ref()?;
    let name = deallocated(body.strip_suffix(b"\0")?)?;
    statements.find(&name).is_some().then_some(name)
}
