//! Prepared statements: one text is shared by every client that has it, under one name per server.
//!
//! A statement is known by its text, its declared parameter types and the client's settings that are known to change
//! its meaning. Names on servers start with a prefix nobody can guess, so that no client can name another's statement.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ahash::RandomState;

use super::taint::Taint;
use super::vacancy::{Vacancy, may_need};
use crate::planted::{Fault, Planted};

pub mod names;
pub mod registry;
pub mod words;

pub use names::Names;
pub use registry::{Registry, Standing};

/// A text that servers hold under one name.
#[derive(Debug)]
pub struct Statement {
    /// Unique on this worker, from 1, never reused.
    pub id: u64,
    /// Its name on servers.
    pub name: Box<[u8]>,
    /// What stands behind the name in a Parse message: text, count, parameter types.
    pub tail: Arc<[u8]>,
    /// What a look at the text tells.
    pub taint: Taint,
    /// It may take all prepared statements away.
    pub clears: bool,
    /// The database that must be vacant for it.
    pub vacancy: Option<Box<Vacancy>>,
    /// Hash of settings that change its meaning.
    plan_key: u64,
}

/// Healed statements remembered at most.
const HEALED_MAX: usize = 4_096;

/// All shared statements of a worker, kept as long as a client or a server holds them.
#[derive(Debug)]
pub struct Store {
    by_hash: HashMap<u64, Vec<Weak<Statement>>, RandomState>,
    hasher: RandomState,
    prefix: Box<[u8]>,
    last: u64,
    sweep_at: usize,
    /// Statements whose plans were refused after a change of the schema, and how often.
    healed: HashMap<u64, u32, RandomState>,
    /// For the simulator.
    pub planted: Planted,
}

impl Store {
    /// An empty store; `prefix` is random and the same for no two workers.
    pub fn new(prefix: u64, hasher: RandomState) -> Self {
        Self {
            by_hash: HashMap::with_hasher(hasher.clone()),
            healed: HashMap::with_hasher(hasher.clone()),
            hasher,
            prefix: format!("cw_{prefix:016x}_").into_bytes().into(),
            last: 0,
            sweep_at: 1024,
            planted: Planted::default(),
        }
    }

    /// The shared statement of this text, made where it is new.
    pub fn intern(&mut self, tail: &[u8], plan_key: u64) -> Arc<Statement> {
        let short = self.planted.is(Fault::StatementKeyTooShort);
        let key = if short { &tail[..tail.len().min(16)] } else { tail };
        let hash = self.hasher.hash_one((key, plan_key));
        let known = self.by_hash.entry(hash).or_default();
        for statement in known.iter().filter_map(Weak::upgrade) {
            if statement.plan_key == plan_key && (short || *statement.tail == *tail) {
                return statement;
            }
        }
        known.retain(|statement| statement.strong_count() > 0);
        self.last += 1;
        let text = wire::frame::cstr(tail).map_or(tail, |(text, _)| text);
        let statement = Arc::new(Statement {
            id: self.last,
            name: named(&self.prefix, self.last).into(),
            tail: tail.into(),
            taint: Taint::of_text(text),
            clears: words::may_clear(text),
            vacancy: if may_need(text) { Vacancy::of_text(text).map(Box::new) } else { None },
            plan_key,
        });
        known.push(Arc::downgrade(&statement));
        self.sweep();
        statement
    }

    /// Forgets statements that nobody holds, each time their number has doubled.
    fn sweep(&mut self) {
        if self.by_hash.len() < self.sweep_at {
            return;
        }
        self.by_hash.retain(|_, list| {
            list.retain(|statement| statement.strong_count() > 0);
            !list.is_empty()
        });
        self.sweep_at = 1024.max(self.by_hash.len() * 2);
    }

    /// The hasher of this worker's maps.
    pub fn hasher(&self) -> RandomState {
        self.hasher.clone()
    }

    /// The name a statement has on servers.
    pub fn name(&self, id: u64) -> Vec<u8> {
        named(&self.prefix, id)
    }

    /// The name of a statement of no use but to exist: for a duplicate, for a `DEALLOCATE`. Returns its number.
    pub fn write_throwaway(&mut self, out: &mut Vec<u8>) -> u64 {
        self.last += 1;
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(format!("t{:x}", self.last).as_bytes());
        self.last
    }

    /// Finds a name of ours in a text of the server: where it stands, and whose it is.
    pub fn find_name(&self, text: &[u8]) -> Option<(std::ops::Range<usize>, u64)> {
        let start = memchr::memmem::find(text, &self.prefix)?;
        let digits = &text[start + self.prefix.len()..];
        let throwaway = usize::from(digits.first() == Some(&b't'));
        let digits = &digits[throwaway..];
        let len = digits.iter().take(16).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let id = u64::from_str_radix(std::str::from_utf8(&digits[..len]).ok()?, 16).ok()?;
        Some((start..start + self.prefix.len() + throwaway + len, id))
    }

    /// Every server's plan of this statement is void: it is prepared anew before its next use.
    pub fn heal(&mut self, id: u64) {
        if self.healed.len() >= HEALED_MAX {
            // Nothing worse comes of it than preparing once more, or being refused once more.
            self.healed.clear();
        }
        *self.healed.entry(id).or_default() += 1;
    }

    /// Counts the times a statement was healed.
    #[inline]
    pub fn generation(&self, id: u64) -> u32 {
        if self.healed.is_empty() { 0 } else { self.healed.get(&id).copied().unwrap_or(0) }
    }
}

fn named(prefix: &[u8], id: u64) -> Vec<u8> {
    [prefix, format!("{id:x}").as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> RandomState {
        RandomState::with_seeds(1, 2, 3, 4)
    }

    #[test]
    fn one_text_is_one_statement_while_somebody_holds_it() {
        let mut store = Store::new(7, hasher());
        let a = store.intern(b"select 1\0\0\0", 0);
        let b = store.intern(b"select 1\0\0\0", 0);
        assert!(Arc::ptr_eq(&a, &b));
        assert_ne!(store.intern(b"select 1\0\0\0", 9).id, a.id);
        let id = a.id;
        drop((a, b));
        assert_ne!(store.intern(b"select 1\0\0\0", 0).id, id, "numbers are never used again");
    }

    #[test]
    fn names_are_found_in_the_servers_words() {
        let mut store = Store::new(0xabc, hasher());
        let id = store.intern(b"x\0\0\0", 0).id;
        let name = store.name(id);
        let text = [b"prepared statement \"".as_slice(), &name, b"\" already exists"].concat();
        assert_eq!(store.find_name(&text), Some((20..20 + name.len(), id)));
        assert_eq!(store.find_name(b"prepared statement \"s1\""), None);
    }

    #[test]
    fn healed_statements_are_remembered_within_bounds() {
        let mut store = Store::new(7, hasher());
        (0..2 * HEALED_MAX as u64 + 1).for_each(|id| store.heal(id));
        assert!(store.healed.len() <= HEALED_MAX);
    }
}
