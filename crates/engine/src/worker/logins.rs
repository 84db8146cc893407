//! Clients on their way in: accepted, logged in, admitted by the steward, settled at their pool's home, welcomed.

use std::sync::Arc;

use model::id::ConnId;
use wire::backend::TxStatus;
use wire::encode;

use super::Worker;
use super::cancels::cancel_pid;
use super::checkout::Checkout;
use crate::contract::{Derive, Destination, Output, Outputs, Parcel, Peer, Taken, Then};
use crate::orders::{Admission, Note};
use crate::refuse::Refusal;
use crate::remark::{ClientOut, Remark};
use crate::session::client::{CancelSecret, Client, Life};
use crate::session::login::{Login, LoginCx, LoginStep, Proven};
use crate::session::params::{self, APPLICATION_NAME};
use crate::session::seed::{ClientSeed, ConsoleSeed};
use crate::time::Now;

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

    pub(super) fn login_bytes(&mut self, now: Now, conn: ConnId, bytes: &[u8], out: &mut Outputs) -> Taken {
        let stepped = self.with_login(conn, out, |login, cx, send| login.on_bytes(cx, bytes, send));
        let Some((used, step)) = stepped else { return Taken::NOTHING };
        let then = self.login_step(now, conn, step, out);
        Taken { used, then }
    }

    /// A step of a login under way; `None` where there is none.
    fn with_login<T>(
        &mut self,
        conn: ConnId,
        out: &mut Outputs,
        step: impl FnOnce(&mut Login, LoginCx<'_>, &mut Vec<u8>) -> T,
    ) -> Option<T> {
        let client = self.clients.get_mut(conn.index(), conn.generation)?;
        let Life::Login(login) = &mut client.life else { return None };
        let cx = LoginCx {
            config: &self.config,
            rng: &mut self.rng,
            keys: &mut self.keys,
            tally: &mut self.tally,
            own_uid: self.own_uid,
        };
        Some(out.make(conn, |send| step(login, cx, send)))
    }

    fn login_step(&mut self, now: Now, conn: ConnId, step: LoginStep, out: &mut Outputs) -> Then {
        match step {
            LoginStep::Need(then) => return then,
            LoginStep::Wait => {}
            LoginStep::StartTls => out.list.push(Output::StartTls { conn }),
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
        let step = self.with_login(conn, out, |login, cx, send| login.on_derived(cx, salted, send));
        let Some(step) = step else { return };
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

    /// AuthenticationOk, what the server says of itself, the key, and ReadyForQuery.
    pub(super) fn greet(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
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
}

/// `application_name_add_host`: PgBouncer's form, ` - address:port` behind the name.
fn add_host(over: &mut Vec<(u16, Arc<[u8]>)>, peer: &Peer) {
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
