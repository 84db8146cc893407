//! What the loop asks for its decisions. The engine is the one brain there is; tests put a simpler one in its place, at
//! no cost: the loop is compiled for each.

use engine::contract::{Input, Outputs, Peer, Taken};
use engine::session::seed::ClientSeed;
use engine::time::Now;
use model::id::ConnId;

/// Decides what a worker's sockets do: see [`engine::contract`] for the rules.
pub trait Brain {
    /// Somebody connected.
    fn accept(&mut self, now: Now, peer: Peer, out: &mut Outputs) -> Option<ConnId>;
    /// A client moves in.
    fn arrive(&mut self, now: Now, seed: Box<ClientSeed>, out: &mut Outputs) -> ConnId;
    /// How many bytes to read at most.
    fn appetite(&self, conn: ConnId) -> usize;
    /// Something happened.
    fn on(&mut self, now: Now, input: Input<'_>, out: &mut Outputs) -> Taken;
}

impl Brain for engine::worker::Worker {
    fn accept(&mut self, now: Now, peer: Peer, out: &mut Outputs) -> Option<ConnId> {
        self.accept(now, peer, out)
    }

    fn arrive(&mut self, now: Now, seed: Box<ClientSeed>, out: &mut Outputs) -> ConnId {
        self.arrive(now, seed, out)
    }

    #[inline]
    fn appetite(&self, conn: ConnId) -> usize {
        self.appetite(conn)
    }

    #[inline]
    fn on(&mut self, now: Now, input: Input<'_>, out: &mut Outputs) -> Taken {
        self.on(now, input, out)
    }
}
