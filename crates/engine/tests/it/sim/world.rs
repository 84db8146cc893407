//! A seeded world: clients, model servers, and between them nothing, or the engine with a model shell.

use std::collections::{BTreeMap, VecDeque};

use wire::encode;

use super::client::{Client, Outcome, Visit, Wish};
use super::net::{End, Ending, Later, Net};
use super::postgres::{BackendId, Postgres};
use super::proxy::{Proxy, Wake};
use super::script::Act;
use crate::rng::Rng;

/// Rounds of the shell that one event may lead to: more is a proxy that spins.
const ROUNDS_MAX: u32 = 20_000;

/// Who reads at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Nobody,
    Client(usize),
    /// A client's cancel request: waits for the end, says nothing.
    Canceller,
    Backend(usize, BackendId),
    /// A connection of this worker.
    Shell(usize, model::id::ConnId),
    /// Between two workers.
    Parcel,
    /// Said goodbye: what still comes is read and dropped.
    Drain(usize),
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Land(End),
    Room(End),
    Client(usize),
    /// A client comes.
    Come(usize),
    Backend(usize, BackendId),
    Proxy(Wake),
    Chaos(usize),
}

/// A client that is yet to come.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) visit: Visit,
    pub(crate) script: Vec<Act>,
}

/// A disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A backend is terminated.
    Kill(usize),
    /// A server restarts and is away for so long.
    Restart(usize, u64),
    /// A connection of the proxy to a server is reset.
    Cut,
    /// The server's administrator lowers or raises `max_connections`.
    Squeeze(usize, u32),
    /// An operator's order.
    Operator(super::proxy::Operator),
}

/// Everything.
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    pub(crate) trace: bool,
    queue: BTreeMap<(u64, u64), Event>,
    serial: u64,
    pub(crate) net: Net,
    pub(crate) owners: Vec<[Owner; 2]>,
    pub(crate) guests: Vec<Guest>,
    pub(crate) clients: BTreeMap<usize, Client>,
    pub(crate) servers: Vec<Postgres>,
    backend_ends: BTreeMap<(usize, BackendId), End>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) troubles: Vec<(u64, Trouble)>,
    pub(crate) steps: u64,
    pub(crate) outcomes: BTreeMap<usize, Outcome>,
    /// Backends that were killed or cut: their clients may be hurt.
    pub(crate) hurt: bool,
    /// Statements that needed a database alone, and had it.
    pub(crate) upheavals: u64,
}

impl World {
    pub(crate) fn new(mut rng: Rng, servers: Vec<Postgres>, proxy: Option<Proxy>) -> Self {
        Self {
            now: 0,
            trace: std::env::var_os("SIM_TRACE").is_some(),
            queue: BTreeMap::new(),
            serial: 0,
            net: Net::new(rng.fork()),
            owners: Vec::new(),
            guests: Vec::new(),
            clients: BTreeMap::new(),
            servers,
            backend_ends: BTreeMap::new(),
            proxy,
            troubles: Vec::new(),
            steps: 0,
            outcomes: BTreeMap::new(),
            hurt: false,
            upheavals: 0,
            rng,
        }
    }

    pub(crate) fn at(&mut self, when: u64, event: Event) {
        self.serial += 1;
        self.queue.insert((when.max(self.now), self.serial), event);
    }

    pub(crate) fn log(&self, text: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:>9} {}", self.now, text());
        }
    }

    /// Runs until every client's visit is over. `Err`: what went wrong.
    pub(crate) fn run(&mut self, deadline: u64) -> Result<(), String> {
        for index in 0..self.guests.len() {
            let when = self.rng.below(20_000);
            self.at(when, Event::Come(index));
        }
        for index in 0..self.troubles.len() {
            let when = self.troubles[index].0;
            self.at(when, Event::Chaos(index));
        }
        self.begin_proxy();
        while self.outcomes.len() < self.guests.len() {
            self.step(deadline)?;
        }
        let settled = self.now + 3_000_000;
        while self.queue.first_key_value().is_some_and(|((when, _), _)| *when < settled) {
            self.step(u64::MAX)?;
        }
        Ok(())
    }

    fn step(&mut self, deadline: u64) -> Result<(), String> {
        let Some(((when, _), event)) = self.queue.pop_first() else {
            return Err(format!("nothing will ever happen again, but: {}", self.unfinished()));
        };
        self.now = when;
        self.steps += 1;
        if when > deadline {
            return Err(format!("not done in time: {}", self.unfinished()));
        }
        match event {
            Event::Land(end) => {
                self.net.land(end);
                self.stir(end)?;
            }
            Event::Room(end) => self.stir(end)?,
            Event::Client(index) => self.client_turn(index)?,
            Event::Come(index) => self.come(index)?,
            Event::Backend(server, id) => self.backend_turn(server, id)?,
            Event::Proxy(wake) => self.proxy_wakes(wake)?,
            Event::Chaos(index) => self.trouble(self.troubles[index].1)?,
        }
        self.after()
    }

    fn after(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS_MAX {
            for server in 0..self.servers.len() {
                for id in self.servers[server].stirred() {
                    self.at(self.now, Event::Backend(server, id));
                }
            }
            for (when, later) in std::mem::take(&mut self.net.later) {
                let event = match later {
                    Later::Land(end) => Event::Land(end),
                    Later::Room(end) => Event::Room(end),
                };
                self.at(when, event);
            }
            if !self.proxy_follows()? {
                self.check_intruders()?;
                return self.check_books();
            }
        }
        Err(format!("the proxy is busy for ever with one event: {}", self.unfinished()))
    }

    fn unfinished(&self) -> String {
        let open = self.clients.iter().filter(|(index, _)| !self.outcomes.contains_key(index));
        let mut list: Vec<String> = open.map(|(_, client)| client.describe()).collect();
        list.extend(self.proxy_describe());
        format!("(now {}) {}", self.now, list.join("\n    "))
    }

    /// Something changed at this end.
    fn stir(&mut self, end: End) -> Result<(), String> {
        match self.owners[end.pipe][end.side] {
            Owner::Nobody | Owner::Parcel => Ok(()),
            Owner::Client(index) => self.client_turn(index),
            Owner::Canceller => {
                if self.net.ended(end).is_some() {
                    self.net.end(self.now, end, Ending::Fin);
                }
                Ok(())
            }
            Owner::Backend(server, id) => self.backend_turn(server, id),
            Owner::Shell(worker, conn) => self.shell_stirred(worker, conn),
            Owner::Drain(_) => {
                self.shell_drain(end);
                Ok(())
            }
        }
    }

    pub(crate) fn owner(&mut self, end: End, owner: Owner) {
        if self.owners.len() <= end.pipe {
            self.owners.resize(end.pipe + 1, [Owner::Nobody; 2]);
        }
        self.owners[end.pipe][end.side] = owner;
    }

    fn come(&mut self, index: usize) -> Result<(), String> {
        let guest = self.guests[index].clone();
        let end = self.net.connect();
        self.owner(end, Owner::Client(index));
        self.log(|| format!("client {} comes on pipe {}", guest.visit.token, end.pipe));
        let rng = self.rng.fork();
        self.clients.insert(index, Client::new(guest.visit, end, guest.script, rng));
        self.arrive(end.other())?;
        self.client_turn(index)
    }

    /// A new connection reaches whoever listens: a proxy's door, or the first server itself.
    fn arrive(&mut self, end: End) -> Result<(), String> {
        if self.proxy.is_some() {
            self.proxy_accepts(end)
        } else {
            self.server_accepts(0, end);
            Ok(())
        }
    }

    /// A connection reaches a server; false where nobody listens.
    pub(crate) fn server_accepts(&mut self, server: usize, end: End) -> bool {
        match self.servers[server].accept(self.now) {
            Some(id) => {
                self.owner(end, Owner::Backend(server, id));
                self.backend_ends.insert((server, id), end);
                true
            }
            None => {
                self.net.end(self.now, end, Ending::Reset);
                false
            }
        }
    }

    fn client_turn(&mut self, index: usize) -> Result<(), String> {
        let Some(client) = self.clients.get_mut(&index) else { return Ok(()) };
        let wishes = client
            .turn(self.now, &mut self.net)
            .map_err(|error| format!("client {}: {error}", client.visit.token))?;
        // A plan that broke is healed: the next error of its text needs another ALTER TABLE.
        let altered: u64 = self.servers.iter().map(|server| server.shared.generation).sum();
        if let Some((text, errors)) = client.shadow.broken.iter().find(|(_, errors)| **errors > altered) {
            let token = &client.visit.token;
            return Err(format!("client {token}: {text:?} failed {errors} times for {altered} changes"));
        }
        if let Some(outcome) = client.outcome()
            && !self.outcomes.contains_key(&index)
        {
            let (outcome, token) = (outcome.clone(), client.visit.token.clone());
            self.log(|| format!("client {token} is over: {outcome:?}"));
            self.judge(index, &outcome)?;
            self.outcomes.insert(index, outcome);
        }
        for wish in wishes {
            match wish {
                Wish::At(when) => self.at(when, Event::Client(index)),
                Wish::Cancel { pid, secret } => self.send_cancel(pid, &secret)?,
            }
        }
        Ok(())
    }

    fn send_cancel(&mut self, pid: u32, secret: &[u8]) -> Result<(), String> {
        let end = self.net.connect();
        self.owner(end, Owner::Canceller);
        self.log(|| format!("a cancel request for {pid} on pipe {}", end.pipe));
        let mut bytes = Vec::new();
        encode::cancel_request(&mut bytes, pid, secret);
        self.net.write(self.now, end, &bytes);
        self.arrive(end.other())
    }

    fn backend_turn(&mut self, server: usize, id: BackendId) -> Result<(), String> {
        const INPUT: usize = 8 * 1024;
        let Some(end) = self.backend_ends.get(&(server, id)).copied() else { return Ok(()) };
        let postgres = &mut self.servers[server];
        if postgres.backends.get(&id).is_some_and(|backend| backend.input.len() < INPUT) {
            let bytes = self.net.read(self.now, end, INPUT);
            postgres.offer(id, &bytes);
        }
        let ended = self.net.ended(end);
        if ended == Some(Ending::Reset) || (ended.is_some() && self.net.readable(end) == 0) {
            postgres.closed(id);
        }
        let turn = postgres.turn(self.now, id);
        let mut wrote = 0;
        if let Some(backend) = postgres.backends.get_mut(&id) {
            wrote = self.net.write(self.now, end, &backend.output);
            backend.output.drain(..wrote);
        }
        let empty = postgres.backends.get(&id).is_none_or(|backend| backend.output.is_empty());
        if turn.gone || (empty && wrote > 0 && postgres.turn(self.now, id).gone) {
            self.backend_ends.remove(&(server, id));
            self.net.end(self.now, end, Ending::Fin);
            return Ok(());
        }
        // More may be possible at once: after output left, or with input still in the socket.
        let room = postgres.backends.get(&id).is_some_and(|backend| backend.input.len() < INPUT);
        if wrote > 0 || (room && self.net.readable(end) > 0) {
            self.at(self.now, Event::Backend(server, id));
        } else if let Some(when) = turn.wake {
            self.at(when, Event::Backend(server, id));
        }
        Ok(())
    }

    fn trouble(&mut self, trouble: Trouble) -> Result<(), String> {
        self.log(|| format!("trouble: {trouble:?}"));
        match trouble {
            Trouble::Kill(server) => {
                let ids: Vec<BackendId> = self.servers[server].backends.keys().copied().collect();
                if !ids.is_empty() {
                    let id = *self.rng.pick(&ids);
                    self.servers[server].kill(id);
                }
            }
            Trouble::Restart(server, us) => self.servers[server].restart(self.now + us),
            Trouble::Squeeze(server, connections) => self.servers[server].setup.max_connections = connections,
            Trouble::Cut => {
                let ends: Vec<End> = self.backend_ends.values().copied().collect();
                if !ends.is_empty() {
                    let end = *self.rng.pick(&ends);
                    self.net.end(self.now, end, Ending::Reset);
                    self.net.end(self.now, end.other(), Ending::Reset);
                }
            }
            Trouble::Operator(order) => self.proxy_operator(order),
        }
        Ok(())
    }

    /// Was this end of a visit allowed?
    fn judge(&self, index: usize, outcome: &Outcome) -> Result<(), String> {
        let token = &self.guests[index].visit.token;
        match outcome {
            Outcome::Done | Outcome::Vanished => Ok(()),
            Outcome::Refused(..) | Outcome::Dropped if self.hurt => Ok(()),
            // A cancel that hits a Parse makes something else of the Bind behind it: an old COPY, say.
            Outcome::Refused(..) if self.clients[&index].shadow.deserved => Ok(()),
            Outcome::Refused(code, text) => Err(format!("client {token} was sent away: {code} {text}")),
            Outcome::Dropped => Err(format!("client {token} was dropped without a word")),
        }
    }

    /// What every client committed is there, once, in its order.
    pub(crate) fn check_rows(&self) -> Result<(), String> {
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in self.servers.iter().flat_map(|server| &server.shared.rows) {
            let owner = row.split('n').next().unwrap_or_default();
            found.entry(owner).or_default().push(row);
        }
        for (index, client) in &self.clients {
            let token = client.visit.token.as_str();
            let rows = found.remove(token).unwrap_or_default();
            let expected: Vec<&str> = client.shadow.shared.rows.iter().map(String::as_str).collect();
            let whole = self.outcomes.get(index) == Some(&Outcome::Done);
            if whole && rows != expected {
                return Err(format!("client {token} committed {expected:?}; the server has {rows:?}"));
            }
            if !whole && !rows.starts_with(&expected) {
                return Err(format!("client {token} saw {expected:?} committed; the server has {rows:?}"));
            }
        }
        match found.first_key_value() {
            Some((owner, rows)) => Err(format!("rows of nobody: {owner:?} {rows:?}")),
            None => Ok(()),
        }
    }
}

/// Bytes of a queue's front, as one slice.
pub(crate) fn front(bytes: &VecDeque<u8>) -> &[u8] {
    bytes.as_slices().0
}
