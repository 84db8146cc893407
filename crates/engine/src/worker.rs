//! Input -> Outputs for one worker thread: the only room that knows sessions *and* pools.

use std::sync::Arc;

use model::config::checked::Config;
use model::id::{ConnId, WorkerId};

use crate::contract::{Input, Outputs, Peer, Taken};
use crate::session::seed::ClientSeed;
use crate::time::Now;

/// Everything one worker thread decides.
#[derive(Debug)]
pub struct Worker {
    id: WorkerId,
    config: Arc<Config>,
}

impl Worker {
    /// A worker with nobody in it. The seed feeds keys, nonces and jitter: the system's entropy in a shell, a fixed
    /// number in the simulator.
    pub fn new(id: WorkerId, seed: [u8; 32], config: Arc<Config>) -> Self {
        let _ = seed;
        Self { id, config }
    }

    /// Somebody connected. `None`: not wanted now, drop the socket (whatever is to be said first is in `out` under the
    /// identifier of nobody: nothing).
    pub fn accept(&mut self, now: Now, peer: Peer, out: &mut Outputs) -> Option<ConnId> {
        let _ = (now, peer, out, self.id, &self.config);
        None
    }

    /// A client that another worker has logged in; its kept bytes are to be offered after [`crate::contract::Output::Read`].
    pub fn arrive(&mut self, now: Now, seed: Box<ClientSeed>, out: &mut Outputs) -> ConnId {
        let _ = (now, seed, out);
        ConnId::client(0, 0)
    }

    /// How many bytes to read from this connection at most, now. At least 1.
    pub fn appetite(&self, conn: ConnId) -> usize {
        let _ = conn;
        64 * 1024
    }

    /// Something happened.
    pub fn on(&mut self, now: Now, input: Input<'_>, out: &mut Outputs) -> Taken {
        let _ = (now, input, out);
        Taken::NOTHING
    }
}
