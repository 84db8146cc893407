//! News of the control thread worth telling a human, as data.

use std::sync::Arc;
use std::time::Duration;

use crate::orders::{DialRefusal, PoolKey, Scope};

use super::ceiling::CeilingOf;
use super::{Command, Shutdown};

/// One piece of news.
#[derive(Clone, Debug, PartialEq)]
pub enum Remark {
    /// A server can't be logged in to; dials rest for a while.
    ServerFailing {
        /// The server.
        server: Arc<str>,
        /// What the last dial met.
        why: DialRefusal,
        /// Until the next try.
        pause: Duration,
    },
    /// A server that had failed has let us in.
    ServerBack {
        /// The server.
        server: Arc<str>,
    },
    /// A pool can't log in, though its server is there; its dials rest for a while.
    PoolFailing {
        /// The pool.
        key: PoolKey,
        /// What the last dial met.
        why: DialRefusal,
        /// Until the next try.
        pause: Duration,
    },
    /// No descriptor, port or memory here for a dial.
    OutOfResources,
    /// A server refused for want of room: a ceiling was lowered.
    CeilingLowered {
        /// Which.
        limit: CeilingOf,
        /// To this many connections.
        connections: u32,
    },
    /// A pool uses its reserve: somebody has been waiting too long.
    ReserveUsed {
        /// The pool.
        key: PoolKey,
        /// How long its head of the line has been waiting.
        waited: Duration,
    },
    /// A command was given on the console.
    Commanded(Command),
    /// Everything PAUSE asked for is done.
    Paused(Scope),
    /// The process begins to end.
    Draining(Shutdown),
    /// The time for draining is over: who is left is sent away.
    DrainOver,
    /// A new configuration is in force.
    Reloaded {
        /// Pools whose servers are replaced.
        stale: u32,
        /// Pools whose database is gone.
        removed: u32,
    },
}
