//! Input -> Outputs for one worker thread: the only room that knows sessions *and* pools.
//!
//! What a client or a server does by itself is decided in `session`, what a pool does in `pool`; here they meet:
//!
//! - `logins`: clients on their way in
//! - `clients`: what clients say, refusals, leaving
//! - `checkout`: from asking for a server to being joined to it
//! - `checkin`: the way back, by cleaning where it must be
//! - `dials`: from a credit to a server that may be lent
//! - `servers`: what servers say, closing, their end
//! - `flow`: backpressure
//! - `cancels`: cancel requests
//! - `timers`: deadlines
//! - `orders`: the steward's words
//! - `vacancy`: statements that need a database vacant, and pools that vacate it
//! - `books`: pages for SHOW
//! - `recording`: rows for RECORD

mod books;
mod cancels;
mod checkin;
mod checkout;
mod clients;
mod dials;
mod flow;
mod logins;
mod orders;
mod recording;
mod servers;
#[cfg(test)]
mod tests;
mod timers;
mod vacancy;

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::RandomState;
use model::config::checked::{Config, PoolMode, PoolSettings};
use model::id::{ConnId, PublicId, SliceId, Ticket, WorkerId};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use self::recording::Recording;
use crate::contract::{Input, Outputs, Peer, Taken};
use crate::orders::{Drain, Note};
use crate::planted::Planted;
use crate::pool::slice::Slice;
use crate::session::client::{Client, Life};
use crate::session::greet::{GreetCx, Welcome};
use crate::session::keys::Keys;
use crate::session::link::Rules;
use crate::session::params::Settings;
use crate::session::seed::ClientSeed;
use crate::session::server::Server;
use crate::session::{params, statements};
use crate::slab::Slab;
use crate::tally::WorkerTally;
use crate::time::{Deadlines, Now};

/// A slice with what its sessions need.
#[derive(Debug)]
struct Home {
    slice: Slice,
    rules: Rules,
    /// What a server has told at login: new clients are told the same.
    welcome: Option<Arc<Welcome>>,
    /// The settings of a session as it begins, as far as they are followed.
    base: Arc<Settings>,
    /// ClientKey of the last SCRAM login, for servers that take a pass-through.
    client_key: Option<[u8; 32]>,
    /// Waiting for these to be answered: closing of old servers.
    wait_close: Vec<Ticket>,
    /// Waiting for these to be answered: a pause.
    pausing: Vec<Ticket>,
    /// Nobody lives here any more.
    gone: bool,
}

impl Home {
    /// What a login to a server of this pool needs.
    fn greeting<'w>(&'w self, rng: &'w mut ChaCha8Rng, keys: &'w mut Keys) -> GreetCx<'w> {
        GreetCx { settings: &self.slice.settings, client_key: self.client_key, rng, keys }
    }
}

/// Everything one worker thread decides.
pub struct Worker {
    id: WorkerId,
    config: Arc<Config>,
    rng: ChaCha8Rng,
    hasher: RandomState,
    clients: Slab<Client>,
    client_deadlines: Deadlines,
    servers: Slab<Server>,
    server_deadlines: Deadlines,
    homes: Vec<Home>,
    by_slice: BTreeMap<SliceId, u32>,
    statements: statements::Store,
    params: params::Store,
    keys: Keys,
    tickets: BTreeMap<Ticket, ConnId>,
    next_ticket: u64,
    next_public: u64,
    logins: u32,
    own_uid: u32,
    draining: Option<Drain>,
    drained_told: bool,
    wrong_keys: BTreeMap<std::net::IpAddr, (Now, u32)>,
    tally: WorkerTally,
    recording: Option<Recording>,
    /// Homes whose slices changed in this call.
    touched: Vec<u32>,
    planted: Planted,
}

impl Worker {
    /// A worker with nobody in it. The seed feeds keys, nonces and jitter: the system's entropy in a shell, a fixed
    /// number in the simulator. `own_uid` is the user the process runs as: over a unix socket it is the operator.
    pub fn new(id: WorkerId, seed: [u8; 32], own_uid: u32, config: Arc<Config>) -> Self {
        let mut rng = ChaCha8Rng::from_seed(seed);
        let mut word = || rng.next_u64();
        let hasher = RandomState::with_seeds(word(), word(), word(), word());
        let prefix = word();
        let mut process_key = [0; 32];
        rng.fill_bytes(&mut process_key);
        Self {
            id,
            config,
            rng,
            clients: Slab::default(),
            client_deadlines: Deadlines::default(),
            servers: Slab::default(),
            server_deadlines: Deadlines::default(),
            homes: Vec::new(),
            by_slice: BTreeMap::new(),
            statements: statements::Store::new(prefix, hasher.clone()),
            params: params::Store::new(hasher.clone()),
            hasher,
            keys: Keys::new(process_key),
            tickets: BTreeMap::new(),
            next_ticket: 0,
            next_public: 0,
            logins: 0,
            own_uid,
            draining: None,
            drained_told: false,
            wrong_keys: BTreeMap::new(),
            tally: WorkerTally::default(),
            recording: None,
            touched: Vec::new(),
            planted: Planted::default(),
        }
    }

    /// The key of what all workers must make alike: the salts of users who do not exist, and of those whose password is
    /// stored as it is.
    pub fn with_process_key(mut self, key: [u8; 32]) -> Self {
        self.keys = Keys::new(key);
        self
    }

    /// Plants a fault, for the simulator to find.
    #[cfg(feature = "planted")]
    pub fn plant(&mut self, fault: crate::planted::Fault) {
        self.planted = Planted::new(fault);
        self.statements.planted = self.planted;
    }

    /// Somebody connected. `None`: not wanted, drop the socket.
    pub fn accept(&mut self, now: Now, peer: Peer, out: &mut Outputs) -> Option<ConnId> {
        let conn = self.accepted(now, peer, out);
        self.after(now, out);
        conn
    }

    /// A client that another worker has logged in; its kept bytes are to be offered after
    /// [`crate::contract::Output::Read`].
    #[allow(clippy::boxed_local, reason = "it travels in a box")]
    pub fn arrive(&mut self, now: Now, seed: Box<ClientSeed>, out: &mut Outputs) -> ConnId {
        let empty = self.params.empty();
        let peer = seed.peer.clone();
        let index = self
            .clients
            .insert(|index, generation| Client::new(ConnId::client(index, generation), peer, now, empty));
        let conn = self.clients.at(index).map_or(ConnId::client(0, 0), |client| client.conn);
        if let Some(client) = self.clients.get_mut(conn.index(), conn.generation) {
            // It has logged in elsewhere: it is none of the logins that are counted here.
            client.life = Life::Idle;
        }
        self.settle_in(now, conn, *seed, out);
        self.after(now, out);
        conn
    }

    /// How many bytes to read from this connection at most, now. At least 1.
    ///
    /// An idle client of a pool without an idle server will stand in line with what it sent: it is read in small bits.
    #[inline]
    pub fn appetite(&self, conn: ConnId) -> usize {
        const FULL: usize = 64 * 1024;
        const SMALL: usize = 4 * 1024;
        if conn.is_server() {
            return FULL;
        }
        match self.clients.get(conn.index(), conn.generation) {
            Some(client) => match client.life {
                Life::Linked { .. } => FULL,
                Life::Idle | Life::Cancelled { .. } => {
                    let rests =
                        self.homes.get(client.slice as usize).is_some_and(|home| home.slice.idle_len() > 0);
                    if rests { FULL } else { SMALL }
                }
                Life::Login(_) | Life::Knocking(_) | Life::Arriving { .. } | Life::Waiting { .. } => SMALL,
            },
            None => SMALL,
        }
    }

    /// Something happened.
    pub fn on(&mut self, now: Now, input: Input<'_>, out: &mut Outputs) -> Taken {
        let taken = match input {
            Input::Bytes { conn, bytes } if conn.is_server() => self.server_bytes(now, conn, bytes, out),
            Input::Bytes { conn, bytes } => self.client_bytes(now, conn, bytes, out),
            other => {
                self.event(now, other, out);
                Taken::NOTHING
            }
        };
        self.after(now, out);
        taken
    }

    fn event(&mut self, now: Now, input: Input<'_>, out: &mut Outputs) {
        match input {
            Input::Bytes { .. } => {}
            Input::Gone { conn, how } if conn.is_server() => self.server_gone(now, conn, how, out),
            Input::Gone { conn, how } => self.client_gone(now, conn, how, out),
            Input::Dialled { conn } => self.dialled(now, conn, out),
            Input::DialFailed { conn, why } => self.dial_failed(now, conn, why, out),
            Input::Backlogged { conn } => self.backlogged(now, conn, out),
            Input::Drained { conn } => self.drained(now, conn, out),
            Input::TlsDone { conn } => self.tls_done(conn, out),
            Input::Derived { ticket, salted } => self.derived(now, ticket, salted, out),
            Input::Order(order) => self.order(now, order, out),
            Input::Tick => self.tick(now, out),
        }
    }

    /// After each call: the steward hears of wants, and the books are checked.
    #[inline]
    fn after(&mut self, now: Now, out: &mut Outputs) {
        let _ = now;
        while let Some(index) = self.touched.pop() {
            let home = &mut self.homes[index as usize];
            home.slice.check();
            if let Some(note) = home.slice.news(false) {
                out.notes.push(note);
            }
        }
        if self.draining.is_some() && !self.drained_told && self.clients.len() == 0 {
            self.drained_told = true;
            self.end_recording(out);
            out.notes.push(Note::Drained);
        }
    }

    #[inline]
    fn touch(&mut self, home: u32) {
        if self.touched.last() != Some(&home) && (home as usize) < self.homes.len() {
            self.touched.push(home);
        }
    }

    fn ticket(&mut self, conn: ConnId) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.tickets.insert(ticket, conn);
        ticket
    }

    /// Numbers of connections to servers: apart from the steward's, who numbers clients from 1.
    fn public(&mut self) -> PublicId {
        self.next_public += 1;
        PublicId(1 << 30 | (self.next_public & 0x3f_ffff) << 8 | u64::from(self.id.0 & 0xff))
    }
}

impl Rules {
    /// The rules of a pool.
    pub fn of(settings: &PoolSettings) -> Self {
        let shared = settings.mode != PoolMode::Session;
        Self {
            shared,
            statement_mode: settings.mode == PoolMode::Statement,
            statements_max: settings.max_prepared_statements as usize,
            statement_bytes_max: u32::try_from(settings.statement_bytes_max).unwrap_or(u32::MAX),
            packet_bytes_max: u32::try_from(settings.max_packet_size).unwrap_or(u32::MAX),
            no_simple_query: settings.disable_pqexec,
        }
    }
}
