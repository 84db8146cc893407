//! Names for what the proxy keeps. All are plain numbers: printable, comparable, replayable.

use std::fmt;

/// A connection of one worker: a slot of its tables and the generation that tells its tenants apart.
/// Client connections have the slot's highest bit clear, connections to servers have it set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId {
    /// Slot, side bit included.
    pub slot: u32,
    /// Counts the tenants of the slot.
    pub generation: u32,
}

impl ConnId {
    const SERVER: u32 = 1 << 31;

    /// A connection that somebody opened to us.
    #[inline]
    pub const fn client(index: u32, generation: u32) -> Self {
        Self { slot: index, generation }
    }
    /// A connection that we opened.
    #[inline]
    pub const fn server(index: u32, generation: u32) -> Self {
        Self { slot: index | Self::SERVER, generation }
    }
    /// True for a connection that we opened.
    #[inline]
    pub const fn is_server(self) -> bool {
        self.slot & Self::SERVER != 0
    }
    /// Index into the table of its side.
    #[inline]
    pub const fn index(self) -> usize {
        (self.slot & !Self::SERVER) as usize
    }
    /// Both halves in one word, for an event loop's token.
    #[inline]
    pub const fn token(self) -> u64 {
        ((self.generation as u64) << 32) | self.slot as u64
    }
    /// The reverse of [`ConnId::token`].
    #[inline]
    pub const fn from_token(token: u64) -> Self {
        Self { slot: token as u32, generation: (token >> 32) as u32 }
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.is_server() { 'S' } else { 'C' };
        write!(f, "{side}{}.{}", self.index(), self.generation)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);
    };
}

number!(/// A worker thread, from 0.
    WorkerId(u16));
number!(/// A pool: one (database, user, kind) of the whole process.
    PoolId(u32));
number!(/// The part of a pool that lives on one worker. Unique over the process, never reused.
    SliceId(u32));
number!(/// The number SHOW CLIENTS and SHOW SERVERS print; unique over the process while it lives.
    PublicId(u64));
number!(/// Pairs a question with its answer.
    Ticket(u64));
