//! The rules of what contradicts itself in what one container is told.

use crate::{Level, Rule};

/// `--workers=four`
pub const NO_NUMBER: Rule = Rule {
    id: "POOL001",
    level: Level::Error,
    summary: "A count of processes, threads or connections is no number.",
};

/// `--workers=$WORKERS`, and nothing sets WORKERS.
pub const UNKNOWN_VARIABLE: Rule = Rule {
    id: "POOL002",
    level: Level::Warning,
    summary: "A count names a variable that none of the files sets.",
};

/// `CONN_MAX_AGE` beside a pool.
pub const AGE_WITH_POOL: Rule = Rule {
    id: "POOL003",
    level: Level::Error,
    summary: "Django refuses to start with a pool and a CONN_MAX_AGE that is not 0.",
};

/// More threads than connections.
pub const STARVED: Rule = Rule {
    id: "POOL004",
    level: Level::Warning,
    summary: "A process has more threads than its pool has connections: some wait, and then fail.",
};

/// More connections than threads.
pub const IDLE_ROOM: Rule = Rule {
    id: "POOL005",
    level: Level::Note,
    summary: "A pool may open more connections than the process has threads to use them.",
};

/// A least that is above its most.
pub const UPSIDE_DOWN: Rule = Rule {
    id: "POOL006",
    level: Level::Warning,
    summary: "A pool is told to keep more connections than it may open.",
};

/// No limit at all.
pub const UNBOUNDED: Rule = Rule {
    id: "POOL007",
    level: Level::Warning,
    summary: "Nothing bounds the connections that a process opens.",
};

/// A configuration that could not be read.
pub const UNREADABLE: Rule = Rule {
    id: "POOL008",
    level: Level::Error,
    summary: "A configuration file that says how many connections there are could not be read.",
};

/// `MAX_CONNS` in `DATABASES`.
pub const NO_EFFECT: Rule = Rule {
    id: "POOL009",
    level: Level::Warning,
    summary: "A setting that is meant to bound connections has no effect.",
};

/// Every rule of this room, for lists of them.
pub const ALL: [&Rule; 9] = [
    &NO_NUMBER,
    &UNKNOWN_VARIABLE,
    &AGE_WITH_POOL,
    &STARVED,
    &IDLE_ROOM,
    &UPSIDE_DOWN,
    &UNBOUNDED,
    &UNREADABLE,
    &NO_EFFECT,
];
