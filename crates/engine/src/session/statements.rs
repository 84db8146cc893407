//! Prepared statements: one text is shared by every client that has it, under one name per server.
//!
//! A statement is known by its text, its declared parameter types and the client's settings that are known to change
//! its meaning. Names on servers start with a prefix nobody can guess, so that no client can name another's statement.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use ahash::RandomState;

use super::taint::Taint;
use crate::planted::{Fault, Planted};

/// A text that servers hold under one name.
#[derive(Debug)]
pub struct Statement {
    /// Unique on this worker, from 1, never reused.
    pub id: u64,
    /// What stands behind the name in a Parse message: text, count, parameter types.
    pub tail: Arc<[u8]>,
    /// What a look at the text tells.
    pub taint: Taint,
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
        let statement =
            Arc::new(Statement { id: self.last, tail: tail.into(), taint: Taint::of_text(text), plan_key });
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
    pub fn write_name(&self, id: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(format!("{id:x}").as_bytes());
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

/// The statements of one client, by its own names. The unnamed one is kept apart.
///
/// What a message has changed is known by a serial number, so that it can be confirmed or taken back when its answer
/// comes or can't come any more: names and texts may stand in several messages of one pipeline.
#[derive(Debug)]
pub struct ClientStatements {
    named: HashMap<Box<[u8]>, Named, RandomState>,
    /// Closes on their way: an error before them leaves the statement where it was.
    closing: Vec<Closing>,
    /// The last ones that went: errors of messages sent before may still speak of them.
    gone: VecDeque<(u64, Box<[u8]>)>,
    last: u32,
    /// The batch of a query that may take all of them away, while it was not answered.
    clearing: Option<u32>,
    /// Bytes of the named ones' texts.
    bytes: usize,
    /// What stood before further unnamed Parses of one batch, in order: a rare thing, so it is kept here.
    pub unnamed_between: Vec<Option<Arc<Statement>>>,
}

/// Statements a client may have named at a time: a map that it fills must end somewhere.
pub const CLIENT_STATEMENTS_MAX: usize = 10_000;
/// Bytes of their texts a client may keep.
pub const CLIENT_STATEMENTS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Names of statements that went are remembered up to this number.
const GONE_MAX: usize = 32;

#[derive(Debug)]
struct Named {
    statement: Arc<Statement>,
    /// The serial of its Parse while that was not answered; 0 afterwards.
    pending: u32,
    /// The batch of that Parse.
    batch: u32,
}

/// A Close on its way.
#[derive(Debug)]
struct Closing {
    serial: u32,
    batch: u32,
    name: Box<[u8]>,
    named: Named,
}

impl ClientStatements {
    /// None yet.
    pub fn new(hasher: RandomState) -> Self {
        Self {
            named: HashMap::with_hasher(hasher),
            closing: Vec::new(),
            gone: VecDeque::new(),
            last: 0,
            clearing: None,
            bytes: 0,
            unnamed_between: Vec::new(),
        }
    }

    /// The statement of this name.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&Arc<Statement>> {
        self.named.get(name).map(|named| &named.statement)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    fn serial(&mut self) -> u32 {
        self.last = self.last.checked_add(1).unwrap_or(1);
        self.last
    }

    /// A Parse of this name is on its way.
    pub fn begin(&mut self, name: &[u8], statement: Arc<Statement>, batch: u32) -> u32 {
        let serial = self.serial();
        self.bytes += statement.tail.len();
        self.named.insert(name.into(), Named { statement, pending: serial, batch });
        serial
    }

    /// True where one more of so many bytes would be too much.
    pub fn is_full_for(&self, bytes: usize) -> bool {
        self.named.len() >= CLIENT_STATEMENTS_MAX || self.bytes + bytes > CLIENT_STATEMENTS_BYTES_MAX
    }

    /// True where what this name means hangs on an earlier batch that has not been answered.
    pub fn is_unsettled(&self, name: &[u8], batch: u32) -> bool {
        let parsing = self.named.get(name).is_some_and(|named| named.pending != 0 && named.batch != batch);
        let closing = || self.closing.iter().any(|closing| closing.batch != batch && *closing.name == *name);
        parsing || self.clearing.is_some_and(|clearing| clearing != batch) || closing()
    }

    /// A query is on its way that may take all of them away.
    pub fn may_clear(&mut self, batch: u32) {
        self.clearing = Some(batch);
    }

    /// A batch was answered to its end.
    pub fn settle(&mut self) {
        self.clearing = None;
    }

    /// The Parse was answered: the statement stands.
    pub fn confirm(&mut self, serial: u32) {
        let closing = self.closing.iter_mut().map(|closing| &mut closing.named);
        if let Some(named) = self.named.values_mut().chain(closing).find(|named| named.pending == serial) {
            named.pending = 0;
        }
    }

    /// The Parse failed or was skipped: the statement never was.
    pub fn undo(&mut self, serial: u32) {
        let name = self.named.iter().find(|(_, named)| named.pending == serial).map(|(name, _)| name.clone());
        if let Some(name) = name {
            self.remove(&name);
        }
    }

    /// A Close is on its way; its serial, where there is such a statement. [`ClientStatements::forget`] or
    /// [`ClientStatements::restore`] follows.
    pub fn retire(&mut self, name: &[u8], batch: u32) -> Option<u32> {
        let (name, named) = self.named.remove_entry(name)?;
        self.bytes -= named.statement.tail.len();
        let serial = self.serial();
        self.closing.push(Closing { serial, batch, name, named });
        Some(serial)
    }

    /// The Close was answered.
    pub fn forget(&mut self, serial: u32) {
        if let Some(at) = self.closing.iter().position(|closing| closing.serial == serial) {
            let Closing { name, named, .. } = self.closing.remove(at);
            self.remember(named.statement.id, name);
        }
    }

    /// The Close was skipped: the statement stands.
    pub fn restore(&mut self, serial: u32) {
        if let Some(at) = self.closing.iter().position(|closing| closing.serial == serial) {
            let Closing { name, named, .. } = self.closing.remove(at);
            if !self.named.contains_key(&name) {
                self.bytes += named.statement.tail.len();
                self.named.insert(name, named);
            }
        }
    }

    /// Forgets a name at once. True where there was one.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let Some((name, named)) = self.named.remove_entry(name) else { return false };
        self.bytes -= named.statement.tail.len();
        self.remember(named.statement.id, name);
        true
    }

    /// Errors may speak of this number by this name.
    pub fn remember(&mut self, id: u64, name: Box<[u8]>) {
        if self.gone.len() >= GONE_MAX {
            self.gone.pop_front();
        }
        self.gone.push_back((id, name));
    }

    /// The client's name for a statement.
    pub fn name_of(&self, id: u64) -> Option<&[u8]> {
        let held = self.named.iter().find(|(_, named)| named.statement.id == id).map(|(name, _)| &**name);
        let closing = || {
            self.closing
                .iter()
                .rfind(|closing| closing.named.statement.id == id)
                .map(|closing| &*closing.name)
        };
        let gone = || self.gone.iter().rfind(|(gone, _)| *gone == id).map(|(_, name)| &**name);
        held.or_else(closing).or_else(gone)
    }

    /// DEALLOCATE ALL or DISCARD ALL has happened. What was asked for behind it stays.
    pub fn clear(&mut self) {
        let gone = self.named.iter().filter(|(_, named)| named.pending == 0).take(GONE_MAX);
        let gone: Vec<(u64, Box<[u8]>)> =
            gone.map(|(name, named)| (named.statement.id, name.clone())).collect();
        self.named.retain(|_, named| named.pending != 0);
        self.bytes = self.named.values().map(|named| named.statement.tail.len()).sum();
        for (id, name) in gone {
            self.remember(id, name);
        }
    }
}

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

/// What a simple query's text says about statements, where it is one of three words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deallocate<'a> {
    /// Something else.
    No,
    /// `DEALLOCATE [PREPARE] name`; the name as the server would fold it is compared by the caller.
    Name {
        /// The name, without its quotes.
        name: &'a [u8],
        /// It stood in quotes.
        quoted: bool,
    },
}

/// Reads `DEALLOCATE name` off a short text. Anything unusual (escaped quotes, comments) counts as something else.
pub fn deallocate(text: &[u8]) -> Deallocate<'_> {
    let rest = text.trim_ascii();
    let rest = rest.strip_suffix(b";").unwrap_or(rest).trim_ascii_end();
    let Some(rest) = word(rest, b"deallocate") else { return Deallocate::No };
    let rest = word(rest, b"prepare").unwrap_or(rest);
    if let Some(inner) = rest.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        let plain = !inner.is_empty() && !inner.contains(&b'"');
        return if plain { Deallocate::Name { name: inner, quoted: true } } else { Deallocate::No };
    }
    let plain = !rest.is_empty()
        && !rest.eq_ignore_ascii_case(b"all")
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
    if plain { Deallocate::Name { name: rest, quoted: false } } else { Deallocate::No }
}

/// True where a text may take all prepared statements away: `DISCARD ALL`, `DEALLOCATE ALL`.
pub fn may_clear(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    matches!(text.first(), Some(b'd' | b'D'))
        && (word(text, b"discard").is_some() || word(text, b"deallocate").is_some())
}

fn word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (front, rest) = text.split_at_checked(word.len())?;
    let blank = rest.first().is_some_and(u8::is_ascii_whitespace);
    (blank && front.eq_ignore_ascii_case(word)).then(|| rest.trim_ascii_start())
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
        let mut name = Vec::new();
        store.write_name(id, &mut name);
        let text = [b"prepared statement \"".as_slice(), &name, b"\" already exists"].concat();
        assert_eq!(store.find_name(&text), Some((20..20 + name.len(), id)));
        assert_eq!(store.find_name(b"prepared statement \"s1\""), None);
    }

    #[test]
    fn a_failed_parse_leaves_nothing() {
        let mut store = Store::new(7, hasher());
        let statement = store.intern(b"bad\0\0\0", 0);
        let mut server = Registry::new(hasher());
        let mut client = ClientStatements::new(hasher());
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

    #[test]
    fn healed_statements_are_remembered_within_bounds() {
        let mut store = Store::new(7, hasher());
        (0..2 * HEALED_MAX as u64 + 1).for_each(|id| store.heal(id));
        assert!(store.healed.len() <= HEALED_MAX);
    }

    #[test]
    fn a_clients_statements_are_bounded_by_their_bytes_too() {
        let mut store = Store::new(7, hasher());
        let mut client = ClientStatements::new(hasher());
        let big = store.intern(&vec![b' '; CLIENT_STATEMENTS_BYTES_MAX / 2], 0);
        let first = client.begin(b"a", big.clone(), 0);
        assert!(!client.is_full_for(big.tail.len()));
        let second = client.begin(b"b", big.clone(), 0);
        assert!(client.is_full_for(1));
        client.confirm(first);
        client.undo(second);
        assert!(!client.is_full_for(1), "the second one never was");
        let closing = client.retire(b"a", 0).unwrap();
        client.restore(closing);
        assert!(client.find(b"a").is_some() && client.find(b"b").is_none());
        client.clear();
        assert_eq!(client.bytes, 0);
    }

    #[test]
    fn deallocate_is_read_off_plain_texts_only() {
        let name = |name, quoted| Deallocate::Name { name, quoted };
        assert_eq!(deallocate(b"DEALLOCATE \"_pg3_7\""), name(b"_pg3_7", true));
        assert_eq!(deallocate(b" deallocate prepare S1 ; "), name(b"S1", false));
        for other in ["DEALLOCATE ALL", "deallocate", "deallocate a b", "deallocate \"a\"\"b\"", "select 1"] {
            assert_eq!(deallocate(other.as_bytes()), Deallocate::No, "{other}");
        }
    }
}
