//! Who is on the console: counted, limited, and listed beside the clients.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::contract::Peer;
use model::id::PublicId;

/// Guests at a time. The console must stay open to operators, not to a crowd.
const GUESTS_MAX: usize = 100;

/// One guest.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Its number, from the same count as clients'.
    pub number: PublicId,
    /// Who it is.
    pub user: Arc<str>,
    /// Where it sits.
    pub peer: Peer,
    /// The process's age when it came.
    pub came: Duration,
    /// The process's age when it last asked.
    pub asked: Duration,
}

/// All guests.
#[derive(Clone, Debug, Default)]
pub struct Guests(BTreeMap<u64, Guest>);

impl Guests {
    /// A guest comes in. False where there are too many.
    pub fn enter(&mut self, guest: Guest) -> bool {
        let room = self.0.len() < GUESTS_MAX;
        if room {
            self.0.insert(guest.number.0, guest);
        }
        room
    }

    /// A guest asks something.
    pub fn asks(&mut self, number: PublicId, age: Duration) {
        if let Some(guest) = self.0.get_mut(&number.0) {
            guest.asked = age;
        }
    }

    /// A guest has left.
    pub fn leave(&mut self, number: PublicId) {
        self.0.remove(&number.0);
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// All of them.
    pub fn each(&self) -> impl Iterator<Item = &Guest> {
        self.0.values()
    }
}
