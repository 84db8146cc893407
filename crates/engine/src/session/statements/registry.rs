//! Which shared statements a server holds, and what is under way with them.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use super::Statement;

/// What one server holds.
#[derive(Debug)]
pub struct Registry {
    held: HashMap<u64, Held, RandomState>,
    /// Closes on their way, with their batches: an error before them leaves the statement where it was.
    closing: Vec<(u64, u32, Held)>,
    clock: u64,
}

#[derive(Debug)]
struct Held {
    /// Keeps the shared text alive while a server has it.
    _statement: Arc<Statement>,
    generation: u32,
    used: u64,
    /// Parses on their way; the statement stands for sure when there is none.
    in_flight: u16,
    /// The batch of the last of them.
    batch: u32,
}

/// What must be done before a statement can be used on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: it is there.
    There,
    /// It must be prepared.
    Absent,
    /// It must be closed and prepared anew: its plan was refused.
    Void,
}

impl Registry {
    /// An empty server.
    pub fn new(hasher: RandomState) -> Self {
        Self { held: HashMap::with_hasher(hasher), closing: Vec::new(), clock: 0 }
    }

    /// How many statements are held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Looks a statement up for use, which makes it the most recently used.
    #[inline]
    pub fn stand(&mut self, id: u64, generation: u32) -> Standing {
        self.clock += 1;
        match self.held.get_mut(&id) {
            None => Standing::Absent,
            Some(held) if held.generation != generation => Standing::Void,
            Some(held) => {
                held.used = self.clock;
                Standing::There
            }
        }
    }

    /// A Parse is on its way.
    pub fn begin(&mut self, statement: &Arc<Statement>, generation: u32, batch: u32) {
        self.clock += 1;
        let used = self.clock;
        let held = self.held.entry(statement.id).or_insert_with(|| Held {
            _statement: statement.clone(),
            generation,
            used,
            in_flight: 0,
            batch,
        });
        held.batch = batch;
        held.generation = generation;
        held.used = used;
        held.in_flight += 1;
    }

    /// True where it hangs on an earlier batch that has not been answered whether the server holds it.
    pub fn is_unsettled(&self, id: u64, batch: u32) -> bool {
        let parsing = self.held.get(&id).is_some_and(|held| held.in_flight > 0 && held.batch != batch);
        parsing || self.closing.iter().any(|(closing, of, _)| *closing == id && *of != batch)
    }

    /// A Parse was answered.
    pub fn confirm(&mut self, id: u64) {
        if let Some(held) = self.held.get_mut(&id) {
            held.in_flight = held.in_flight.saturating_sub(1);
        }
    }

    /// A Parse failed or was skipped.
    pub fn undo(&mut self, id: u64) {
        if let Some(held) = self.held.get_mut(&id) {
            held.in_flight = held.in_flight.saturating_sub(1);
            if held.in_flight == 0 {
                self.held.remove(&id);
            }
        }
    }

    /// The least recently used statement beyond `max`, which is forgotten here: the caller closes it in line.
    pub fn evict(&mut self, max: usize, batch: u32) -> Option<u64> {
        if self.held.len() < max.max(1) {
            return None;
        }
        let id =
            self.held.iter().filter(|(_, held)| held.in_flight == 0).min_by_key(|(_, held)| held.used)?.0;
        let id = *id;
        self.retire(id, batch);
        Some(id)
    }

    /// A Close is on its way: [`Registry::forget`] or [`Registry::restore`] follows.
    pub fn retire(&mut self, id: u64, batch: u32) {
        if let Some(held) = self.held.remove(&id) {
            self.closing.push((id, batch, held));
        }
    }

    /// A Close was answered.
    pub fn forget(&mut self, id: u64) {
        if let Some(at) = self.closing.iter().position(|(closing, ..)| *closing == id) {
            self.closing.remove(at);
        }
    }

    /// A Close was skipped: the server holds the statement still.
    pub fn restore(&mut self, id: u64) {
        if let Some(at) = self.closing.iter().position(|(closing, ..)| *closing == id) {
            let (id, _, held) = self.closing.remove(at);
            self.held.entry(id).or_insert(held);
        }
    }

    /// The server itself says that it has no such statement.
    pub fn remove(&mut self, id: u64) {
        self.held.remove(&id);
    }

    /// DEALLOCATE ALL or DISCARD ALL has happened. What was sent behind it stays.
    pub fn clear(&mut self) {
        self.held.retain(|_, held| held.in_flight > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Names, Store};
    use super::*;

    fn hasher() -> RandomState {
        RandomState::with_seeds(1, 2, 3, 4)
    }

    #[test]
    fn a_failed_parse_leaves_nothing() {
        let mut store = Store::new(7, hasher());
        let statement = store.intern(b"bad\0\0\0", 0);
        let mut server = Registry::new(hasher());
        let mut client = Names::new(hasher());
        server.begin(&statement, 0, 0);
        let serial = client.begin(b"s", statement.clone(), 0);
        server.undo(statement.id);
        client.undo(serial);
        assert_eq!(server.stand(statement.id, 0), Standing::Absent);
        assert!(client.find(b"s").is_none());
    }

    #[test]
    fn discard_all_keeps_what_was_sent_behind_it() {
        let mut store = Store::new(7, hasher());
        let (old, new) = (store.intern(b"a\0\0\0", 0), store.intern(b"b\0\0\0", 0));
        let mut server = Registry::new(hasher());
        server.begin(&old, 0, 0);
        server.confirm(old.id);
        server.begin(&new, 0, 0);
        server.clear();
        assert_eq!(server.stand(old.id, 0), Standing::Absent);
        assert_eq!(server.stand(new.id, 0), Standing::There);
    }

    #[test]
    fn the_least_recently_used_statement_goes() {
        let mut store = Store::new(7, hasher());
        let mut server = Registry::new(hasher());
        let list: Vec<_> = (0..3u8).map(|n| store.intern(&[b'a' + n, 0, 0, 0], 0)).collect();
        for statement in &list {
            server.begin(statement, 0, 0);
            server.confirm(statement.id);
        }
        server.stand(list[0].id, 0);
        assert_eq!(server.evict(3, 0), Some(list[1].id));
        assert_eq!(server.evict(3, 0), None);
    }

    #[test]
    fn a_healed_statement_is_void_until_it_is_prepared_anew() {
        let mut store = Store::new(7, hasher());
        let statement = store.intern(b"a\0\0\0", 0);
        let mut server = Registry::new(hasher());
        server.begin(&statement, store.generation(statement.id), 0);
        store.heal(statement.id);
        assert_eq!(server.stand(statement.id, store.generation(statement.id)), Standing::Void);
    }
}
