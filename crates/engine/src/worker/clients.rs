//! Clients: accepted, logged in, arrived at their pool's home, read from, gone.

use std::sync::Arc;

use model::id::ConnId;
use wire::backend::TxStatus;
use wire::encode;
use wire::frame::{self, HEADER};
use wire::frontend::{self, Target};
use wire::tag::FrontendTag as F;

use super::Worker;
use super::checkout::Checkout;
use crate::contract::{Derive, Destination, Gone, Outputs, Parcel, Peer, Taken, Then};
use crate::orders::{Admission, Drain, Note, PoolKey};
use crate::planted::Fault;
use crate::refuse::Refusal;
use crate::remark::{ClientOut, Remark};
use crate::session::client::{Body, CancelSecret, Client, Life, Pause};
use crate::session::forward;
use crate::session::link::Link;
use crate::session::login::{LoginCx, LoginStep, Proven};
use crate::session::params;
use crate::session::seed::{ClientSeed, ConsoleSeed};
use crate::session::statements::words::{Deallocate, deallocate};
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
    pub(super) fn accepted(&mut self, now: Now, peer: Peer, out: &mut Outputs) -> Option<ConnId> {
        self.tally.accepted += 1;
        let empty = self.params.empty();
        let index = self
            .clients
            .insert(|index, generation| Client::new(ConnId::client(index, generation), peer, now, empty));
        let conn = self.clients.at(index)?.conn;
        self.logins += 1;
        self.client_deadlines.set(index, now.plus_maybe(self.config.proxy.client_login_timeout));
        if self.draining.is_some() {
            self.refuse(now, conn, Refusal::ShuttingDown, out);
        } else if self.logins > self.config.proxy.login_max {
            self.refuse(now, conn, Refusal::TooManyLogins, out);
        }
        Some(conn)
    }

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
                self.ask_for_vacancy(now, conn, server_id, vacancy, out);
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
                F::Query if body.is_none() && header.body as usize <= 160 => {
                    return Idle::Taken(Taken { used: at, then: Then::AtLeast(header.total()) });
                }
                F::Query => match body.and_then(|body| deallocate_alone(client, body)) {
                    Some(name) => {
                        if let Some(statements) = &mut client.statements {
                            statements.remove(&name);
                        }
                        client.requested = now;
                        out.make(conn, |made| {
                            encode::command_complete(made, "DEALLOCATE");
                            encode::ready(made, TxStatus::Idle);
                        });
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

    fn login_bytes(&mut self, now: Now, conn: ConnId, bytes: &[u8], out: &mut Outputs) -> Taken {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return Taken::NOTHING };
        let Life::Login(login) = &mut client.life else { return Taken::NOTHING };
        let cx = LoginCx {
            config: &self.config,
            rng: &mut self.rng,
            keys: &mut self.keys,
            tally: &mut self.tally,
            own_uid: self.own_uid,
        };
        let (used, step) = out.make(conn, |send| login.on_bytes(cx, bytes, send));
        let then = self.login_step(now, conn, step, out);
        Taken { used, then }
    }

    fn login_step(&mut self, now: Now, conn: ConnId, step: LoginStep, out: &mut Outputs) -> Then {
        match step {
            LoginStep::Need(then) => return then,
            LoginStep::Wait => {}
            LoginStep::StartTls => out.list.push(crate::contract::Output::StartTls { conn }),
            LoginStep::Derive { password, salt, iterations } => {
                let ticket = self.ticket(conn);
                out.derives.push(Derive { ticket, password, salt, iterations });
            }
            LoginStep::Cancel { pid, secret } => self.cancel_asked(now, conn, pid, secret, out),
            LoginStep::Proven(proven) => self.knock(conn, proven, out),
            LoginStep::Console(proven, admin) => self.hand_to_console(conn, *proven, admin, out),
            LoginStep::Refuse(refusal) => {
                self.tally.logins_refused += 1;
                self.refuse(now, conn, refusal, out);
            }
            LoginStep::Leave => self.dismiss(now, conn, ClientOut::Left, out),
        }
        Then::WhenTold
    }

    pub(super) fn client_derived(&mut self, now: Now, conn: ConnId, salted: [u8; 32], out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        let Life::Login(login) = &mut client.life else { return };
        let cx = LoginCx {
            config: &self.config,
            rng: &mut self.rng,
            keys: &mut self.keys,
            tally: &mut self.tally,
            own_uid: self.own_uid,
        };
        let step = out.make(conn, |send| login.on_derived(cx, salted, send));
        if let Then::More | Then::AtLeast(_) = self.login_step(now, conn, step, out) {
            out.read(conn);
        }
    }

    pub(super) fn tls_done(&mut self, conn: ConnId, out: &mut Outputs) {
        if let Some(client) = self.clients.get_mut(conn.index(), conn.generation)
            && let Life::Login(login) = &mut client.life
        {
            login.on_tls();
            out.read(conn);
        }
    }

    fn knock(&mut self, conn: ConnId, proven: Box<Proven>, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        out.notes.push(Note::Knock { conn, key: proven.key.clone() });
        client.life = Life::Knocking(proven);
        self.logins -= 1;
    }

    fn hand_to_console(&mut self, conn: ConnId, proven: Proven, admin: bool, out: &mut Outputs) {
        let Some(client) = self.clients.remove(conn.index(), conn.generation) else { return };
        self.logins -= 1;
        self.client_deadlines.set(conn.index(), Now::NEVER);
        let seed = ConsoleSeed {
            user: proven.key.user,
            database: proven.key.database,
            admin,
            peer: client.peer,
            minor: proven.minor,
            accepted: client.accepted,
        };
        out.parcels.push(Parcel { conn, to: Destination::Console(Box::new(seed)) });
    }

    /// The steward's answer to a knock.
    pub(super) fn admitted(
        &mut self,
        now: Now,
        conn: ConnId,
        verdict: Result<Admission, Refusal>,
        out: &mut Outputs,
    ) {
        let client = self.clients.get_mut(conn.index(), conn.generation);
        let Some(client) = client.filter(|client| matches!(client.life, Life::Knocking(_))) else {
            if let Ok(admission) = verdict {
                out.notes.push(Note::Left { slice: admission.slice });
            }
            return;
        };
        let admission = match verdict {
            Ok(admission) => admission,
            Err(refusal) => {
                self.tally.logins_refused += 1;
                return self.refuse(now, conn, refusal, out);
            }
        };
        let Life::Knocking(proven) = std::mem::replace(&mut client.life, Life::Idle) else { return };
        let seed = ClientSeed {
            public: admission.public,
            slice: admission.slice,
            key: proven.key,
            peer: client.peer.clone(),
            minor: proven.minor,
            parameters: proven.parameters,
            client_key: proven.client_key,
            accepted: client.accepted,
        };
        if admission.home == self.id {
            return self.settle_in(now, conn, seed, out);
        }
        self.clients.remove(conn.index(), conn.generation);
        self.client_deadlines.set(conn.index(), Now::NEVER);
        out.parcels.push(Parcel { conn, to: Destination::Worker(admission.home, Box::new(seed)) });
    }

    /// A client comes home: it is welcomed as soon as a server has told what to say.
    pub(super) fn settle_in(&mut self, now: Now, conn: ConnId, seed: ClientSeed, out: &mut Outputs) {
        let secret = {
            let mut bytes = [0; 28];
            rand_core::RngCore::fill_bytes(&mut self.rng, &mut bytes);
            CancelSecret::new(bytes, seed.minor)
        };
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        client.secret = secret;
        client.public = seed.public;
        client.minor = seed.minor as u8;
        client.accepted = seed.accepted;
        let Some(&home_index) = self.by_slice.get(&seed.slice) else {
            out.notes.push(Note::Left { slice: seed.slice });
            return self.refuse(now, conn, Refusal::DatabaseRemoved, out);
        };
        client.slice = home_index;
        let home = &mut self.homes[home_index as usize];
        home.slice.clients += 1;
        home.slice.tally.logins += 1;
        if seed.client_key.is_some() {
            home.client_key = seed.client_key;
        }
        out.remarks.push(Remark::ClientIn { conn, key: home.slice.key.clone(), peer: client.peer.clone() });
        client.life = Life::Arriving { parameters: seed.parameters.into() };
        let login_deadline = now.plus_maybe(self.config.proxy.client_login_timeout);
        self.client_deadlines.set(conn.index(), login_deadline);
        if self.draining.is_some() {
            return self.refuse(now, conn, Refusal::ShuttingDown, out);
        }
        if home.slice.greeted {
            self.welcome(now, conn, out);
        } else {
            home.slice.arriving.push(conn);
            self.touch(home_index);
        }
    }

    /// A server has told what new clients are told: this one gets its settings, and its welcome.
    pub(super) fn welcome(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        let Life::Arriving { parameters } = &client.life else { return };
        let home = &self.homes[client.slice as usize];
        if home.welcome.is_none() {
            return;
        }
        let mut over = Vec::new();
        let mut refused = None;
        self.params.make_room(parameters.len());
        for (name, value) in parameters {
            match self.params.name(name.as_bytes()) {
                Some(index) => over.push((index, value.clone())),
                None => refused = Some(name.clone()),
            }
        }
        if home.slice.settings.application_name_add_host {
            add_host(&mut over, &client.peer);
        }
        if let Some(name) = refused {
            return self.refuse(now, conn, Refusal::UnsupportedParameter((&*name).into()), out);
        }
        client.settings = self.params.overlaid(&home.base, &over);
        let tried = |(name, value): &(params::Name, params::Value)| {
            home.base.value(*name).is_some_and(|own| own == value) || self.params.is_tried(*name, value)
        };
        if over.iter().all(tried) {
            return self.greet(now, conn, out);
        }
        // A value nobody has asked for before: a server is to say whether it is one, and how it spells it.
        client.greeting = true;
        client.life = Life::Idle;
        if self.checkout(now, conn, out) == Checkout::Linked {
            self.joined(now, conn, out);
        }
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

    /// AuthenticationOk, what the server says of itself, the key, and ReadyForQuery.
    fn greet(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        let home = &self.homes[client.slice as usize];
        let Some(welcome) = home.welcome.clone() else { return };
        let (settings, params) = (client.settings.clone(), &self.params);
        let pid = cancel_pid(self.id.0, conn);
        out.make(conn, |made| {
            encode::auth_ok(made);
            for (name, value) in &welcome.parameters {
                let own = params.known(name).and_then(|name| settings.value(name));
                encode::parameter_status(made, name, own.unwrap_or(value));
            }
            encode::backend_key(made, pid, client.secret.bytes());
            encode::ready(made, TxStatus::Idle);
        });
        client.greeting = false;
        client.life = Life::Idle;
        client.requested = now;
        let idle = now.plus_maybe(home.slice.settings.client_idle_timeout);
        self.client_deadlines.set(conn.index(), idle);
        out.read(conn);
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
    let statements = client.statements.as_ref().filter(|_| body.len() <= 160)?;
    let Deallocate::Name { name, quoted } = deallocate(body.strip_suffix(b"\0")?) else { return None };
    let name = if quoted { name.to_vec() } else { name.to_ascii_lowercase() };
    statements.find(&name).is_some().then_some(name)
}

/// `application_name_add_host`: PgBouncer's form, ` - address:port` behind the name.
fn add_host(over: &mut Vec<(u16, Arc<[u8]>)>, peer: &Peer) {
    use crate::session::params::APPLICATION_NAME;
    let at = match peer {
        Peer::Ip(address, port) => format!("{address}:{port}"),
        Peer::Unix { pid, .. } => format!("unix({pid})"),
    };
    let old = over.iter().rposition(|(name, _)| *name == APPLICATION_NAME);
    let name = old.map(|at| over.remove(at).1);
    let text = match name {
        Some(name) if !name.is_empty() => [&*name, b" - ", at.as_bytes()].concat(),
        Some(_) | None => [b"app - ".as_slice(), at.as_bytes()].concat(),
    };
    over.push((APPLICATION_NAME, text.into()));
}

/// The process id half of a cancel key: worker and slot, never 0, never negative.
pub(super) fn cancel_pid(worker: u16, conn: ConnId) -> u32 {
    (u32::from(worker) & 0x7f) << 24 | ((conn.index() as u32 + 1) & 0x00ff_ffff)
}
