//! Settings of a session as far as they are known, and what must be sent so that a server has those of a client.
//!
//! A server reports some of its settings (ParameterStatus); for others only what we set ourselves is known. Sets of
//! settings are interned: equal ones are the same allocation, so that the common case is one pointer comparison.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ahash::RandomState;

/// Index of a setting's name in [`Store`].
pub type Name = u16;
/// A setting's value as the wire has it.
pub type Value = Arc<[u8]>;

/// Different names a worker keeps at most: they come from clients.
const NAMES_MAX: usize = 512;
/// Remembered spellings at most.
const CANONICAL_MAX: usize = 4_096;
/// Longer values are not remembered.
const SPELLING_BYTES_MAX: usize = 256;

/// A set of settings, by name.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    values: Box<[(Name, Value)]>,
    /// Hash of those that are known to change the meaning of statements; 0 where none is set.
    pub plan_key: u64,
}

impl Settings {
    /// A setting's value.
    pub fn value(&self, name: Name) -> Option<&Value> {
        self.values.binary_search_by_key(&name, |(name, _)| *name).ok().map(|at| &self.values[at].1)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(Name, Value)> {
        self.values.iter()
    }
}

/// One change to make on a server: a value, or back to what the session began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which setting.
    pub name: Name,
    /// To what; `None`: reset.
    pub value: Option<Value>,
}

/// Names, interned sets, and how servers spell what clients ask for.
#[derive(Debug)]
pub struct Store {
    names: Vec<Arc<str>>,
    /// Places in `names` to be taken again.
    free: Vec<Name>,
    by_name: HashMap<Box<[u8]>, Name, RandomState>,
    sets: HashMap<u64, Vec<Weak<Settings>>, RandomState>,
    hasher: RandomState,
    canonical: HashMap<(Name, Value), Value, RandomState>,
    empty: Arc<Settings>,
    sweep_at: usize,
}

/// `client_encoding`: how every other byte is read, so it is set first.
pub const CLIENT_ENCODING: Name = 0;
/// `application_name`: any text is accepted, so it may ride in front of a query.
pub const APPLICATION_NAME: Name = 1;
/// `in_hot_standby`: a change tells that the server's role changed.
pub const IN_HOT_STANDBY: Name = 2;
const SEARCH_PATH: Name = 3;
const ROLE: Name = 4;
const SESSION_AUTHORIZATION: Name = 5;
/// The names above are never forgotten.
const RESERVED: usize = 6;

impl Store {
    /// Knows the names this module treats apart, nothing else.
    pub fn new(hasher: RandomState) -> Self {
        let mut store = Self {
            names: Vec::new(),
            free: Vec::new(),
            by_name: HashMap::with_hasher(hasher.clone()),
            sets: HashMap::with_hasher(hasher.clone()),
            canonical: HashMap::with_hasher(hasher.clone()),
            hasher,
            empty: Arc::new(Settings { values: Box::default(), plan_key: 0 }),
            sweep_at: 256,
        };
        for name in [
            "client_encoding",
            "application_name",
            "in_hot_standby",
            "search_path",
            "role",
            "session_authorization",
        ] {
            store.name(name.as_bytes());
        }
        store
    }

    /// The index of a name, in any case; `None` where it is no name or there are too many.
    pub fn name(&mut self, name: &[u8]) -> Option<Name> {
        let folded: Box<[u8]> = name.to_ascii_lowercase().into();
        if let Some(name) = self.by_name.get(&folded) {
            return Some(*name);
        }
        if self.room() == 0 || !is_identifier(&folded) {
            return None;
        }
        let text: Arc<str> = std::str::from_utf8(&folded).ok()?.into();
        let index = match self.free.pop() {
            Some(index) => {
                self.names[usize::from(index)] = text;
                index
            }
            None => {
                self.names.push(text);
                (self.names.len() - 1) as Name
            }
        };
        self.by_name.insert(folded, index);
        Some(index)
    }

    /// How many new names there is room for.
    fn room(&self) -> usize {
        NAMES_MAX - self.names.len() + self.free.len()
    }

    /// Makes room for so many new names, where it can be had: forgets those that stand in no set any more, so that a client
    /// that makes up names does not keep out those of all others.
    ///
    /// Not while a set is being put together: what was named for it stands in none yet.
    pub fn make_room(&mut self, names: usize) {
        if self.room() >= names {
            return;
        }
        let mut used = vec![false; self.names.len()];
        used[..RESERVED].fill(true);
        for set in self.sets.values().flatten().filter_map(Weak::upgrade) {
            set.iter().for_each(|(name, _)| used[usize::from(*name)] = true);
        }
        self.by_name.retain(|_, name| used[usize::from(*name)]);
        self.canonical.retain(|(name, _), _| used[usize::from(*name)]);
        self.free = (0..self.names.len() as Name).filter(|name| !used[usize::from(*name)]).collect();
    }

    /// A name already known.
    pub fn known(&self, name: &[u8]) -> Option<Name> {
        let mut folded = [0u8; 64];
        let folded = folded.get_mut(..name.len())?;
        folded.copy_from_slice(name);
        folded.make_ascii_lowercase();
        self.by_name.get(&*folded).copied()
    }

    /// The text of a name.
    pub fn text(&self, name: Name) -> &Arc<str> {
        &self.names[name as usize]
    }

    /// No settings at all.
    pub fn empty(&self) -> Arc<Settings> {
        self.empty.clone()
    }

    /// The set of these values; later ones win.
    pub fn intern(&mut self, mut values: Vec<(Name, Value)>) -> Arc<Settings> {
        values.sort_by_key(|(name, _)| *name);
        values.reverse();
        values.dedup_by_key(|(name, _)| *name);
        values.reverse();
        let hash = self.hasher.hash_one(&values);
        let known = self.sets.entry(hash).or_default();
        if let Some(found) = known.iter().filter_map(Weak::upgrade).find(|set| *set.values == *values) {
            return found;
        }
        known.retain(|set| set.strong_count() > 0);
        let planning: Vec<_> = values
            .iter()
            .filter(|(name, _)| matches!(*name, SEARCH_PATH | ROLE | SESSION_AUTHORIZATION))
            .collect();
        let plan_key = if planning.is_empty() { 0 } else { self.hasher.hash_one(&planning) | 1 };
        let set = Arc::new(Settings { values: values.into(), plan_key });
        known.push(Arc::downgrade(&set));
        if self.sets.len() >= self.sweep_at {
            self.sets.retain(|_, list| list.iter().any(|set| set.strong_count() > 0));
            self.sweep_at = 256.max(self.sets.len() * 2);
        }
        set
    }

    /// `set` with one value changed.
    pub fn with(&mut self, set: &Arc<Settings>, name: Name, value: &[u8]) -> Arc<Settings> {
        if set.value(name).is_some_and(|old| **old == *value) {
            return set.clone();
        }
        let mut values: Vec<_> = set.values.iter().filter(|(old, _)| *old != name).cloned().collect();
        values.push((name, value.into()));
        self.intern(values)
    }

    /// `set` without one value.
    pub fn without(&mut self, set: &Arc<Settings>, name: Name) -> Arc<Settings> {
        self.intern(set.values.iter().filter(|(old, _)| *old != name).cloned().collect())
    }

    /// `set` without what `base` does not name.
    pub fn within(&mut self, set: &Arc<Settings>, base: &Settings) -> Arc<Settings> {
        if set.values.iter().all(|(name, _)| base.value(*name).is_some()) {
            return set.clone();
        }
        self.intern(set.values.iter().filter(|(name, _)| base.value(*name).is_some()).cloned().collect())
    }

    /// `set` overlaid with other values.
    pub fn overlaid(&mut self, set: &Arc<Settings>, over: &[(Name, Value)]) -> Arc<Settings> {
        if over.is_empty() {
            return set.clone();
        }
        let mut values: Vec<_> =
            set.values.iter().filter(|(name, _)| over.iter().all(|(new, _)| new != name)).cloned().collect();
        for (name, value) in over {
            let value = self.canonical.get(&(*name, value.clone())).unwrap_or(value);
            values.push((*name, value.clone()));
        }
        self.intern(values)
    }

    /// True where a server has taken this value before (or any text is taken): it need not be tried.
    pub fn is_tried(&self, name: Name, value: &Value) -> bool {
        name == APPLICATION_NAME || self.canonical.contains_key(&(name, value.clone()))
    }

    /// The server was asked for one spelling and has (or reports) this one for it.
    pub fn learn(&mut self, name: Name, asked: &Value, reported: &Value) {
        if asked.len() > SPELLING_BYTES_MAX {
            return;
        }
        if self.canonical.len() >= CANONICAL_MAX {
            // They come from clients: one that makes up new ones must not keep out those of all others.
            self.canonical.clear();
        }
        self.canonical.insert((name, asked.clone()), reported.clone());
    }

    /// What must change on a server that has `have` so that it has `want`; client_encoding comes first.
    pub fn changes(&self, want: &Settings, have: &Settings) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, value) in &want.values {
            let spelt = self.canonical.get(&(*name, value.clone())).unwrap_or(value);
            if have.value(*name).is_none_or(|old| *old != *spelt) {
                changes.push(Change { name: *name, value: Some(value.clone()) });
            }
        }
        for (name, _) in &have.values {
            if want.value(*name).is_none() {
                changes.push(Change { name: *name, value: None });
            }
        }
        changes
    }
}

/// A name that can stand in `RESET name` without quotes.
fn is_identifier(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= 63
        && (name[0].is_ascii_alphabetic() || name[0] == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        text.as_bytes().into()
    }

    #[test]
    fn equal_sets_are_one() {
        let mut store = Store::new(RandomState::with_seeds(1, 2, 3, 4));
        let zone = store.name(b"TimeZone").unwrap();
        let a = store.intern(vec![(zone, value("UTC")), (0, value("UTF8"))]);
        let b = store.intern(vec![(0, value("UTF8")), (zone, value("Nowhere")), (zone, value("UTC"))]);
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!(store.name(b"timezone"), Some(zone));
    }

    #[test]
    fn only_what_differs_is_sent_and_encoding_first() {
        let mut store = Store::new(RandomState::with_seeds(1, 2, 3, 4));
        let (zone, path) = (store.name(b"TimeZone").unwrap(), store.name(b"my.path").unwrap());
        let want = store.intern(vec![(zone, value("UTC")), (0, value("LATIN1"))]);
        let have = store.intern(vec![(zone, value("GMT")), (0, value("UTF8")), (path, value("x"))]);
        let names: Vec<_> =
            store.changes(&want, &have).into_iter().map(|c| (c.name, c.value.is_some())).collect();
        assert_eq!(names, [(0, true), (zone, true), (path, false)]);
        assert!(store.changes(&want, &want).is_empty());
    }

    #[test]
    fn a_known_spelling_is_not_sent_again() {
        let mut store = Store::new(RandomState::with_seeds(1, 2, 3, 4));
        let style = store.name(b"DateStyle").unwrap();
        let want = store.intern(vec![(style, value("iso"))]);
        let have = store.intern(vec![(style, value("ISO, MDY"))]);
        assert_eq!(store.changes(&want, &have).len(), 1);
        store.learn(style, &value("iso"), &value("ISO, MDY"));
        assert!(store.changes(&want, &have).is_empty());
    }

    #[test]
    fn made_up_spellings_do_not_keep_out_later_ones() {
        let mut store = Store::new(RandomState::with_seeds(1, 2, 3, 4));
        let zone = store.name(b"TimeZone").unwrap();
        for n in 0..=CANONICAL_MAX {
            store.learn(zone, &value(&n.to_string()), &value("UTC"));
        }
        assert!(store.is_tried(zone, &value(&CANONICAL_MAX.to_string())));
        assert!(store.canonical.len() <= CANONICAL_MAX);
        store.learn(zone, &value(&"x".repeat(10_000)), &value("UTC"));
        assert_eq!(store.canonical.len(), 1);
    }

    #[test]
    fn made_up_names_do_not_keep_out_later_ones() {
        let mut store = Store::new(RandomState::with_seeds(1, 2, 3, 4));
        let zone = store.name(b"TimeZone").unwrap();
        let kept = store.intern(vec![(zone, value("UTC"))]);
        for n in 0..2 * NAMES_MAX {
            store.name(format!("x.made_up_{n}").as_bytes());
        }
        assert_eq!(store.name(b"geqo"), None, "there is no room");
        store.make_room(1);
        let geqo = store.name(b"geqo").unwrap();
        assert_ne!(geqo, zone);
        assert_eq!((&**store.text(geqo), &**store.text(zone)), ("geqo", "timezone"));
        assert_eq!(store.known(b"x.made_up_0"), None);
        assert_eq!(store.known(b"application_name"), Some(APPLICATION_NAME));
        assert_eq!(kept.value(zone), Some(&value("UTC")));
        assert!(store.names.len() <= NAMES_MAX);
    }

    #[test]
    fn names_in_use_stay() {
        let mut store = Store::new(RandomState::with_seeds(1, 2, 3, 4));
        let sets: Vec<_> = (0..NAMES_MAX - RESERVED)
            .map(|n| {
                let name = store.name(format!("x.used_{n}").as_bytes()).unwrap();
                store.intern(vec![(name, value("1"))])
            })
            .collect();
        store.make_room(1);
        assert_eq!(store.name(b"geqo"), None);
        drop(sets);
        store.make_room(1);
        assert!(store.name(b"geqo").is_some());
    }

    #[test]
    fn names_that_need_quotes_are_no_names() {
        let mut store = Store::new(RandomState::with_seeds(1, 2, 3, 4));
        assert_eq!(store.name(b"a; drop table x"), None);
        assert_eq!(store.name(b""), None);
    }
}
