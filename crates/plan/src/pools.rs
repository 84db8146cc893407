//! What a container makes of what it is told: how many processes it runs, what pool each of them has, or that it is
//! a pooler, or the server itself.

use std::cell::RefCell;

use crate::{Container, Finding, Number, Place, Stage, Text};
use told::Told;

mod address;
mod amount;
mod calls;
mod launch;
mod library;
mod lines;
mod literal;
mod opens;
mod options;
mod pooler;
pub mod rules;
mod server;
mod service;
mod sums;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod told;
mod url;
mod words;

/// What a container is to the server's limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It opens connections to PostgreSQL, or to a pooler in front of it. Several if it runs several programs.
    Opens(Vec<Opener>),
    /// It collects clients' connections and opens fewer.
    Pooler(Pooler),
    /// It is the PostgreSQL server.
    Server(Server),
    /// Nothing shows that it talks to PostgreSQL: a cache, a web server.
    Nothing,
}

/// A program that opens connections: `processes * (pool + aside)` of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opener {
    /// What it is recognised as: `gunicorn, Django`.
    pub what: String,
    /// Processes in one container; each has pools of its own.
    pub processes: Number,
    /// The pool of one process.
    pub pool: Pool,
    /// Connections of one process beside its pool: LISTEN, advisory locks, a second database alias.
    pub aside: Number,
    /// Whom it connects to, if its settings say so.
    pub to: Option<Address>,
    /// The application name it sends, if its settings say so.
    pub application: Option<String>,
    /// `Init`: it ends before the container's main programs begin (a migration before the server), and such programs
    /// run one after the other. Never beside them.
    pub stage: Stage,
}

/// The pool of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Connections it keeps when there is little to do.
    pub kept: Number,
    /// The most it opens, overflow included. Never below `kept`.
    pub most: Number,
}

impl Pool {
    /// A pool that keeps what it opens.
    pub fn fixed(size: Number) -> Self {
        Self { kept: size.clone(), most: size }
    }
}

/// A pooler: PgBouncer, connwarden, another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooler {
    /// What it is recognised as.
    pub what: String,
    /// Processes in one container (`so_reuseport`): each has pools of its own.
    pub processes: Number,
    /// Server connections it keeps (`min_pool_size`).
    pub kept: Number,
    /// The most server connections one process opens: pools and their reserves over all databases and users, or
    /// the limits above them if those are lower.
    pub most: Number,
    /// The most clients it lets in.
    pub clients_max: Number,
    /// The server it connects to, if its settings say so.
    pub to: Option<Address>,
}

/// A PostgreSQL server, as far as its arguments and files show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `max_connections`.
    pub connections_max: Number,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: Number,
    /// `reserved_connections` (16 and later).
    pub reserved: Number,
    /// Every setting its arguments and its file give, in order, as written: `shared_buffers` -> `256MB`. Of several of one
    /// name the last holds.
    pub settings: Vec<(Text, Text)>,
}

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host, as written: a service's name, mostly.
    pub host: String,
    /// The port, if written.
    pub port: Option<u16>,
    /// The database, if written.
    pub database: Option<String>,
    /// The user, if written.
    pub user: Option<String>,
    /// Where this is written.
    pub place: Place,
}

/// What a look at a container shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The part it plays.
    pub part: Part,
    /// What contradicts itself in what it is told.
    pub findings: Vec<Finding>,
}

/// What part a container plays.
pub fn look(container: &Container) -> Look {
    let findings = RefCell::default();
    let told = Told::new(container, &findings);
    let calls = calls::calls(&told);
    let server = server::look(&told, &calls).map(Part::Server);
    let part = server.or_else(|| pooler::look(&told, &calls)).unwrap_or_else(|| opens::look(&told, &calls));
    Look { part, findings: findings.into_inner() }
}
