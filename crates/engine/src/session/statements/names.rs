//! What a client calls its prepared statements, and what is under way with them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;

use super::Statement;

/// The statements of one client, by its own names. The unnamed one is kept apart.
///
/// What a message has changed is known by a serial number, so that it can be confirmed or taken back when its answer
/// comes or can't come any more: names and texts may stand in several messages of one pipeline.
#[derive(Debug)]
pub struct Names {
    named: HashMap<Box<[u8]>, Named, RandomState>,
    /// Parses that were not answered, in their order.
    parsing: VecDeque<(u32, Box<[u8]>)>,
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

/// PostgreSQL keeps statements by this much of their names (NAMEDATALEN): what is alike up to here is one.
const NAME_BYTES_MAX: usize = 63;

/// A name as the server keeps it.
pub fn kept(name: &[u8]) -> &[u8] {
    &name[..name.len().min(NAME_BYTES_MAX)]
}

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

impl Names {
    /// None yet.
    pub fn new(hasher: RandomState) -> Self {
        Self {
            named: HashMap::with_hasher(hasher),
            parsing: VecDeque::new(),
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
        self.named.get(kept(name)).map(|named| &named.statement)
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
        let (name, serial) = (kept(name), self.serial());
        self.bytes += statement.tail.len();
        self.named.insert(name.into(), Named { statement, pending: serial, batch });
        self.parsing.push_back((serial, name.into()));
        serial
    }

    /// True where one more of so many bytes would be too much.
    pub fn is_full_for(&self, bytes: usize) -> bool {
        self.named.len() >= CLIENT_STATEMENTS_MAX || self.bytes + bytes > CLIENT_STATEMENTS_BYTES_MAX
    }

    /// True where what this name means hangs on an earlier batch that has not been answered.
    pub fn is_unsettled(&self, name: &[u8], batch: u32) -> bool {
        let name = kept(name);
        let parsing = self.named.get(name).is_some_and(|named| named.pending != 0 && named.batch != batch);
        let closing = || self.closing.iter().any(|closing| closing.batch != batch && *closing.name == *name);
        parsing || self.clearing.is_some_and(|clearing| clearing != batch) || closing()
    }

    /// True while such a query is on its way.
    pub fn is_clearing(&self) -> bool {
        self.clearing.is_some()
    }

    /// A query is on its way that may take all of them away.
    pub fn may_clear(&mut self, batch: u32) {
        self.clearing = Some(batch);
    }

    /// A batch was answered to its end; was it that one?
    pub fn settle(&mut self, is_answered: impl FnOnce(u32) -> bool) {
        if self.clearing.is_some_and(is_answered) {
            self.clearing = None;
        }
    }

    /// The Parse was answered: the statement stands.
    pub fn confirm(&mut self, serial: u32) {
        let Some(name) = self.answered(serial) else { return };
        let standing = self.named.get_mut(&name).filter(|named| named.pending == serial);
        let closing = self.closing.iter_mut().map(|closing| &mut closing.named);
        let mut closing = closing.filter(|named| named.pending == serial);
        if let Some(named) = standing.or_else(|| closing.next()) {
            named.pending = 0;
        }
    }

    /// The Parse failed or was skipped: the statement never was.
    pub fn undo(&mut self, serial: u32) {
        let Some(name) = self.answered(serial) else { return };
        if self.named.get(&name).is_some_and(|named| named.pending == serial) {
            self.remove(&name);
        }
    }

    /// The name of a Parse that is under way no more. Answers come in order and errors take the last ones back first, so
    /// it stands at one of the ends.
    fn answered(&mut self, serial: u32) -> Option<Box<[u8]>> {
        let of_it = |(parse, _): &(u32, Box<[u8]>)| *parse == serial;
        let found = if self.parsing.back().is_some_and(of_it) {
            self.parsing.pop_back()
        } else {
            let at = self.parsing.iter().position(of_it)?;
            self.parsing.remove(at)
        };
        if self.parsing.is_empty() && self.parsing.capacity() > 64 {
            // A long pipeline is over; a client at rest owns no room for the next.
            self.parsing = VecDeque::new();
        }
        found.map(|(_, name)| name)
    }

    /// A Close is on its way; its serial, where there is such a statement. [`Names::forget`] or
    /// [`Names::restore`] follows.
    pub fn retire(&mut self, name: &[u8], batch: u32) -> Option<u32> {
        let (name, named) = self.named.remove_entry(kept(name))?;
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
        let Some((name, named)) = self.named.remove_entry(kept(name)) else { return false };
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

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    fn hasher() -> RandomState {
        RandomState::with_seeds(1, 2, 3, 4)
    }

    #[test]
    fn names_are_one_that_are_alike_as_far_as_the_server_keeps_them() {
        let mut store = Store::new(7, hasher());
        let mut client = Names::new(hasher());
        let statement = store.intern(b"select 1\0\0\0", 0);
        let [name, other] = [b'x', b'y'].map(|last| [[b'n'; NAME_BYTES_MAX].as_slice(), &[last]].concat());
        let serial = client.begin(&name, statement, 0);
        assert!(client.find(&other).is_some() && client.is_unsettled(&other, 1));
        client.confirm(serial);
        assert!(client.find(&other[..NAME_BYTES_MAX - 1]).is_none());
        assert!(client.remove(&other) && client.is_empty());
    }

    #[test]
    fn a_clients_statements_are_bounded_by_their_bytes_too() {
        let mut store = Store::new(7, hasher());
        let mut client = Names::new(hasher());
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
}
