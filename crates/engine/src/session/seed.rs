//! What a logged-in client is made of when it moves to its pool's home or to the console.

use std::sync::Arc;

use model::id::{PublicId, SliceId};

use crate::contract::Peer;
use crate::orders::PoolKey;

/// A client that has proven who it is: everything its home needs, in one value.
#[derive(Debug)]
pub struct ClientSeed {
    /// The number operators see.
    pub public: PublicId,
    /// Its pool's slice at the home.
    pub slice: SliceId,
    /// What it asked for.
    pub key: PoolKey,
    /// Where it sits.
    pub peer: Peer,
    /// The minor protocol version spoken: 0 or 2.
    pub minor: u16,
    /// Startup parameters other than user, database and replication, `options` already taken apart; names in lower
    /// case, in the order given, the last of equals.
    pub parameters: Vec<(Arc<str>, Arc<[u8]>)>,
    /// ClientKey of a SCRAM login, for servers that accept a pass-through.
    pub client_key: Option<[u8; 32]>,
    /// Microseconds since the process started at which it was accepted.
    pub accepted: crate::time::Now,
}

/// A client of the console.
#[derive(Debug)]
pub struct ConsoleSeed {
    /// Who it is.
    pub user: Arc<str>,
    /// The name it used: `connwarden` or `pgbouncer`.
    pub database: Arc<str>,
    /// May it command, or only look?
    pub admin: bool,
    /// Where it sits.
    pub peer: Peer,
    /// The minor protocol version spoken.
    pub minor: u16,
    /// When it was accepted.
    pub accepted: crate::time::Now,
}
