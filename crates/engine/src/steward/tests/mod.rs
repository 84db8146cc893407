//! The steward alone: what it decides on single notes, and in a seeded world of model workers and servers.

mod commands;
mod dealing;
mod narrower;
mod places;
mod vacancies;
mod world;

use std::sync::Arc;

use model::config::checked::{Config, Limit, SecretText, User};
use model::id::{ConnId, PublicId, SliceId, Ticket, WorkerId};

use super::*;
use crate::orders::{Back, Replication};

const SECOND: u64 = 1_000_000;
const W0: WorkerId = WorkerId(0);

/// A steward on a table: what it says is looked at, nobody answers by himself.
struct Table {
    steward: Steward,
    out: StewardOutputs,
    now: Now,
    conns: u32,
}

fn user(name: &str) -> User {
    User { password: Some(SecretText::new(name.into())), ..User::with_defaults(name.into()) }
}

fn config(change: impl FnOnce(&mut Config)) -> Arc<Config> {
    let mut config = Config::for_tests();
    for name in ["ann", "bob", "eve"] {
        config.add_user(user(name));
    }
    change(&mut config);
    Arc::new(config)
}

fn key(database: &str, user: &str) -> PoolKey {
    PoolKey { database: database.into(), user: user.into(), replication: Replication::No }
}

impl Table {
    fn new(workers: u16, change: impl FnOnce(&mut Config)) -> Self {
        let steward = Steward::new([7; 32], workers, config(change));
        Self { steward, out: StewardOutputs::default(), now: Now(SECOND), conns: 0 }
    }

    /// Something happens; the orders that follow.
    fn on(&mut self, input: StewardInput) -> Vec<(WorkerId, Order)> {
        self.out.clear();
        self.steward.on(self.now, input, &mut self.out);
        std::mem::take(&mut self.out.orders)
    }

    fn note(&mut self, note: Note) -> Vec<(WorkerId, Order)> {
        self.on(StewardInput::Note(W0, note))
    }

    fn command(&mut self, command: Command) -> Vec<(WorkerId, Order)> {
        self.on(StewardInput::Command(Ticket(1), command))
    }

    fn later(&mut self, micros: u64) -> Vec<(WorkerId, Order)> {
        self.now = Now(self.now.0 + micros);
        self.on(StewardInput::Tick)
    }

    fn knock(&mut self, database: &str, user: &str) -> Result<Admission, Refusal> {
        self.conns += 1;
        let conn = ConnId::client(self.conns, 0);
        let orders = self.note(Note::Knock { conn, key: key(database, user) });
        let verdicts: Vec<_> = orders
            .into_iter()
            .filter_map(|(_, order)| match order {
                Order::Admit { conn: to, verdict } if to == conn => Some(verdict),
                _ => None,
            })
            .collect();
        assert_eq!(verdicts.len(), 1, "a knock is answered once");
        verdicts.into_iter().next().expect("there is one")
    }

    fn pool(&mut self, database: &str, user: &str) -> SliceId {
        self.knock(database, user).expect("there is room").slice
    }

    /// A slice wants so many; the credits that come at once.
    fn want(&mut self, slice: SliceId, servers: u32) -> u32 {
        let oldest = (servers > 0).then_some(self.now);
        let orders = self.note(Note::Want { slice, servers, oldest, idle: 0 });
        granted(&orders, slice)
    }

    /// A slice wants and gets so many, and they log in.
    fn opened(&mut self, slice: SliceId, servers: u32) {
        assert_eq!(self.want(slice, servers), servers);
        for _ in 0..servers {
            self.note(Note::Up { slice });
        }
    }

    fn idle(&mut self, slice: SliceId, idle: u32) -> Vec<(WorkerId, Order)> {
        self.note(Note::Want { slice, servers: 0, oldest: None, idle })
    }

    fn back(&mut self, slice: SliceId, why: Back) -> Vec<(WorkerId, Order)> {
        self.note(Note::Back { slice, credits: 1, why })
    }

    fn answer(&self) -> Option<&Answer> {
        self.out.answers.last().map(|(_, answer)| answer)
    }
}

fn granted(orders: &[(WorkerId, Order)], of: SliceId) -> u32 {
    let credits = |(_, order): &(WorkerId, Order)| match order {
        Order::Grant { slice, credits } if *slice == of => *credits,
        _ => 0,
    };
    orders.iter().map(credits).sum()
}

fn revoked(orders: &[(WorkerId, Order)], of: SliceId) -> u32 {
    let credits = |(_, order): &(WorkerId, Order)| match order {
        Order::Revoke { slice, credits } if *slice == of => *credits,
        _ => 0,
    };
    orders.iter().map(credits).sum()
}
