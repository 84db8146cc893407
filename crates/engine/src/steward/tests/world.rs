//! A seeded world: model workers with slices as the contract describes them, model servers with the truth about slots,
//! letters that take time. Thousands of seeds: `CONNWARDEN_SEEDS=5000`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::*;
use crate::contract::DialError;
use crate::orders::DialRefusal;
use model::config::checked::{Database, Server};
use wire::sqlstate::SqlState;

const STEP: u64 = 5_000;
const STARVED: Duration = Duration::from_secs(15);
const USERS: [&str; 3] = ["ann", "bob", "eve"];
const DATABASES: [&str; 3] = ["d", "e", "f"];

/// A small generator of numbers, so that a seed means the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
    fn one_in(&mut self, odds: u64) -> bool {
        self.below(odds) == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Conn {
    Dialling { until: Now },
    Idle { since: Now },
    Busy { until: Now },
    Closing { until: Now },
}

/// A slice as a worker keeps it.
struct Slot {
    key: PoolKey,
    home: WorkerId,
    conns: Vec<Conn>,
    line: VecDeque<Now>,
    owed: u32,
    floor: u32,
    told: (u32, u32),
    shut: bool,
}

/// What lies in a worker's mailbox.
enum Letter {
    Order(Order),
    /// A client that another worker has let in.
    Client(SliceId),
}

/// A PostgreSQL server's truth.
struct Postmaster {
    slots: u32,
    used: u32,
    roles: BTreeMap<&'static str, u32>,
    down_until: Now,
    /// Until then somebody else has taken what was free.
    full_until: Now,
}

struct World {
    dice: Dice,
    now: Now,
    table: Table,
    slots: BTreeMap<SliceId, Slot>,
    to_steward: Vec<VecDeque<(Now, Note)>>,
    to_worker: Vec<VecDeque<(Now, Letter)>>,
    server: Postmaster,
    meter: (u64, u64, u64, Now),
    served: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            dice.below(2);
        }
        let workers = 1 + dice.below(3) as u16;
        let (rate, burst) = (20 + dice.below(200), 2 + dice.below(30));
        let mut maybe = |max: u64| if dice.one_in(2) { None } else { Some(1 + dice.below(max) as u32) };
        let (per_db, per_user) = (maybe(6), maybe(8));
        let table = Table::new(workers, |config| {
            config.proxy.default_pool_size = 1 + dice.below(6) as u32;
            config.proxy.min_pool_size = dice.below(3) as u32;
            config.proxy.reserve_pool_size = dice.below(3) as u32;
            config.proxy.reserve_pool_timeout = Some(Duration::from_millis(200 + dice.below(800)));
            config.proxy.server_login_retry = Duration::from_millis(500);
            config.proxy.max_db_connections = Limit(per_db);
            config.proxy.max_user_connections = Limit(per_user);
            let server = Server {
                dial_rate: rate as u32,
                dial_burst: burst as u32,
                dials_max: 1 + dice.below(20) as u32,
                ..Server::with_defaults("main".into())
            };
            config.add_server(server);
            for (name, weight) in [("d", 100), ("e", 1 + dice.below(300) as u32)] {
                config.add_database(Database {
                    server: "main".into(),
                    weight,
                    ..Database::with_defaults(name.into())
                });
            }
        });
        let roles = if dice.one_in(3) {
            BTreeMap::from([("ann", 1 + dice.below(4) as u32)])
        } else {
            BTreeMap::new()
        };
        let slots = if dice.one_in(2) { 100 } else { 2 + dice.below(12) as u32 };
        let now = table.now;
        Self {
            server: Postmaster { slots, used: 0, roles, down_until: Now(0), full_until: Now(0) },
            to_steward: (0..workers).map(|_| VecDeque::new()).collect(),
            to_worker: (0..workers).map(|_| VecDeque::new()).collect(),
            meter: (burst * 1_000_000, rate, burst * 1_000_000, now),
            dice,
            now,
            table,
            slots: BTreeMap::new(),
            served: 0,
        }
    }

    fn delay(&mut self) -> u64 {
        if self.dice.one_in(10) { self.dice.below(40_000) } else { self.dice.below(1_000) }
    }

    fn send(&mut self, from: WorkerId, note: Note) {
        let at = Now(self.now.0 + self.delay());
        let line = &mut self.to_steward[usize::from(from.0)];
        let at = line.back().map_or(at, |(last, _)| at.max(*last));
        line.push_back((at, note));
    }

    fn step(&mut self) {
        self.now = Now(self.now.0 + STEP);
        self.table.now = self.now;
        self.arrive();
        for worker in 0..self.to_worker.len() {
            while self.to_worker[worker].front().is_some_and(|(at, _)| *at <= self.now) {
                match self.to_worker[worker].pop_front() {
                    Some((_, Letter::Order(order))) => self.obey(order),
                    Some((_, Letter::Client(slice))) => {
                        let now = self.now;
                        self.slot(slice).line.push_back(now);
                    }
                    None => {}
                }
            }
        }
        for id in self.slots.keys().copied().collect::<Vec<_>>() {
            self.turn(id);
        }
        for worker in 0..self.to_steward.len() {
            while self.to_steward[worker].front().is_some_and(|(at, _)| *at <= self.now) {
                if let Some((_, note)) = self.to_steward[worker].pop_front() {
                    let orders = self.table.on(StewardInput::Note(WorkerId(worker as u16), note));
                    self.post(orders);
                }
            }
        }
        if self.now >= self.table.steward.wake() {
            let orders = self.table.on(StewardInput::Tick);
            self.post(orders);
        }
        self.check();
    }

    fn arrive(&mut self) {
        if self.dice.one_in(2) {
            let database = DATABASES[self.dice.below(3) as usize];
            let user = USERS[self.dice.below(3) as usize];
            let crowded = |slot: &Slot| {
                *slot.key.database == *database && *slot.key.user == *user && slot.line.len() > 5
            };
            if self.slots.values().any(crowded) {
                return;
            }
            let conn = ConnId::client(0, 0);
            let worker = WorkerId(self.dice.below(self.to_worker.len() as u64) as u16);
            self.send(worker, Note::Knock { conn, key: key(database, user) });
        }
        if self.dice.one_in(400) {
            self.server.down_until = Now(self.now.0 + self.dice.below(SECOND / 2));
        }
        if self.dice.one_in(400) {
            self.server.full_until = Now(self.now.0 + self.dice.below(SECOND / 2));
        }
    }

    /// What the steward says goes to the mailboxes; its dials are measured by a bucket of our own.
    fn post(&mut self, orders: Vec<(WorkerId, Order)>) {
        for (worker, order) in orders {
            if let Order::Grant { credits, .. } = &order {
                let (tokens, rate, burst, filled) = &mut self.meter;
                *tokens = (*tokens + (self.now.0 - filled.0) * *rate).min(*burst);
                *filled = self.now;
                let price = u64::from(*credits) * 1_000_000;
                assert!(price <= *tokens, "dials stay within the bucket");
                *tokens -= price;
            }
            self.mail(worker, Letter::Order(order));
        }
    }

    fn mail(&mut self, worker: WorkerId, letter: Letter) {
        let at = Now(self.now.0 + self.delay());
        let line = &mut self.to_worker[usize::from(worker.0)];
        let at = line.back().map_or(at, |(last, _)| at.max(*last));
        line.push_back((at, letter));
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Open { slice, key, .. } => {
                let home = self.table.steward.slices[&slice].home;
                let (conns, line, told) = (Vec::new(), VecDeque::new(), (0, 0));
                let slot = Slot { key, home, conns, line, owed: 0, floor: 0, told, shut: false };
                self.slots.entry(slice).or_insert(slot);
            }
            Order::Admit { verdict, .. } => {
                let place = verdict.expect("there is room for all");
                self.mail(place.home, Letter::Client(place.slice));
            }
            Order::Floor { slice, servers } => self.slot(slice).floor = servers,
            Order::Grant { slice, credits } => self.granted(slice, credits),
            Order::Revoke { slice, credits } => self.slot(slice).owed += credits,
            Order::Shut { slice } => self.slot(slice).shut = true,
            other => panic!("{other:?} was not expected"),
        }
    }

    fn slot(&mut self, slice: SliceId) -> &mut Slot {
        self.slots.get_mut(&slice).expect("it was opened before")
    }

    fn granted(&mut self, id: SliceId, credits: u32) {
        let until = Now(self.now.0 + 5_000 + self.dice.below(50_000));
        let slot = self.slot(id);
        slot.told.0 = slot.told.0.saturating_sub(credits);
        let mut unneeded = 0;
        for _ in 0..credits {
            let dialling = slot.conns.iter().filter(|conn| matches!(conn, Conn::Dialling { .. })).count();
            let living = slot.conns.iter().filter(|conn| !matches!(conn, Conn::Closing { .. })).count();
            if slot.line.len() > dialling || living < slot.floor as usize {
                slot.conns.push(Conn::Dialling { until });
            } else {
                unneeded += 1;
            }
        }
        if unneeded > 0 {
            slot.owed = slot.owed.saturating_sub(unneeded);
            let home = slot.home;
            self.send(home, Note::Back { slice: id, credits: unneeded, why: Back::Unneeded });
        }
    }

    /// One slice's turn on its worker.
    fn turn(&mut self, id: SliceId) {
        let mut slot = self.slots.remove(&id).expect("it is there");
        let mut notes = Vec::new();
        let conns = std::mem::take(&mut slot.conns);
        for conn in conns {
            match conn {
                Conn::Dialling { until } if until <= self.now => match self.login(&slot.key) {
                    Ok(()) => {
                        notes.push(Note::Up { slice: id });
                        slot.conns.push(Conn::Idle { since: self.now });
                    }
                    Err(why) => {
                        slot.owed = slot.owed.saturating_sub(1);
                        notes.push(Note::Back { slice: id, credits: 1, why: Back::Refused(why) });
                    }
                },
                Conn::Busy { until } if until <= self.now => {
                    self.served += 1;
                    notes.push(Note::Left { slice: id });
                    slot.conns.push(Conn::Idle { since: self.now });
                }
                Conn::Closing { until } if until <= self.now => {
                    self.server.used -= 1;
                    if let Some(limit) = self.server.roles.get_mut(&*slot.key.user) {
                        *limit += 1;
                    }
                    slot.owed = slot.owed.saturating_sub(1);
                    notes.push(Note::Back { slice: id, credits: 1, why: Back::Closed });
                }
                other => slot.conns.push(other),
            }
        }
        self.lend(&mut slot);
        self.tell(id, &mut slot, &mut notes);
        let home = slot.home;
        self.slots.insert(id, slot);
        for note in notes {
            self.send(home, note);
        }
    }

    /// Idle servers are closed where credits are owed, lent where somebody waits, closed when they rested for long.
    fn lend(&mut self, slot: &mut Slot) {
        for index in 0..slot.conns.len() {
            let Conn::Idle { since } = slot.conns[index] else { continue };
            let closing = slot.conns.iter().filter(|conn| matches!(conn, Conn::Closing { .. })).count();
            let living = slot.conns.len() - closing;
            let aged = self.now.since(since) > Duration::from_millis(300) && living > slot.floor as usize;
            if slot.owed as usize > closing || (aged && slot.line.is_empty()) {
                slot.conns[index] = Conn::Closing { until: Now(self.now.0 + self.dice.below(20_000)) };
            } else if slot.line.pop_front().is_some() {
                slot.conns[index] = Conn::Busy { until: Now(self.now.0 + 1_000 + self.dice.below(100_000)) };
            }
        }
    }

    fn tell(&mut self, id: SliceId, slot: &mut Slot, notes: &mut Vec<Note>) {
        let count = |kind: fn(&Conn) -> bool| slot.conns.iter().filter(|conn| kind(conn)).count() as u32;
        let dialling = count(|conn| matches!(conn, Conn::Dialling { .. }));
        let idle = count(|conn| matches!(conn, Conn::Idle { .. }));
        let servers = (slot.line.len() as u32).saturating_sub(dialling);
        let tick = self.now.0 % 50_000 < STEP;
        if servers > slot.told.0 || (tick && (servers > 0 || slot.told != (servers, idle))) {
            slot.told = (servers, idle);
            notes.push(Note::Want { slice: id, servers, oldest: slot.line.front().copied(), idle });
        }
    }

    fn login(&mut self, key: &PoolKey) -> Result<(), DialRefusal> {
        if self.now < self.server.down_until {
            return Err(DialRefusal::Socket(DialError::Refused));
        }
        let full = |routine: &str| DialRefusal::Server {
            code: SqlState::from_bytes(b"53300"),
            routine: routine.into(),
            message: "no room".into(),
        };
        if self.server.used >= self.server.slots || self.now < self.server.full_until {
            return Err(full("InitProcess"));
        }
        if let Some(left) = self.server.roles.get_mut(&*key.user) {
            *left = left.checked_sub(1).ok_or_else(|| full("InitializeSessionUserId"))?;
        }
        self.server.used += 1;
        Ok(())
    }

    /// What must hold at each step.
    fn check(&self) {
        let steward = &self.table.steward;
        let config = &steward.config.proxy;
        let mut databases = BTreeMap::<&str, u32>::new();
        let mut users = BTreeMap::<&str, u32>::new();
        for (id, slice) in &steward.slices {
            let granted = slice.granted();
            assert!(
                granted <= config.default_pool_size + config.reserve_pool_size,
                "a pool stays within its size"
            );
            *databases.entry(&slice.key.database).or_default() += granted;
            *users.entry(&slice.key.user).or_default() += granted;
            let out: u32 = self
                .to_worker
                .iter()
                .flatten()
                .map(|(_, order)| match order {
                    Letter::Order(Order::Grant { slice, credits }) if slice == id => *credits,
                    _ => 0,
                })
                .sum();
            let back: u32 = self
                .to_steward
                .iter()
                .flatten()
                .map(|(_, note)| match note {
                    Note::Back { slice, credits, .. } if slice == id => *credits,
                    _ => 0,
                })
                .sum();
            let kept = self.slots.get(id).map_or(0, |slot| slot.conns.len() as u32);
            assert_eq!(granted, out + kept + back, "credits are conserved");
        }
        for (counts, limit) in [(databases, config.max_db_connections), (users, config.max_user_connections)]
        {
            let max = limit.max().unwrap_or(u32::MAX);
            assert!(counts.values().all(|count| *count <= max), "a common ceiling holds");
        }
        assert!(self.server.used <= self.server.slots);
        // As many turns as pools may stand in line for one connection, each of a login, a second and a query.
        let oldest = self.slots.values().filter_map(|slot| slot.line.front()).min();
        let waited = oldest.map_or(Duration::ZERO, |joined| self.now.since(*joined));
        assert!(waited < STARVED, "nobody waits for ever");
    }
}

fn run(seed: u64) -> World {
    let mut world = World::new(seed);
    for _ in 0..4_000 {
        world.step();
    }
    world
}

#[test]
fn every_seed_keeps_the_books_and_serves_everybody() {
    let seeds = std::env::var("CONNWARDEN_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    for seed in 0..seeds {
        let caught = std::panic::catch_unwind(|| run(seed));
        let world = caught.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            let text = panic.downcast_ref::<&str>().map_or(text, |text| (*text).to_string());
            panic!("seed {seed}: {text}")
        });
        assert!(world.served > 100, "seed {seed}: only {} were served", world.served);
    }
}
