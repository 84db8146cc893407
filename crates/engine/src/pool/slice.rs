//! The part of a pool that lives on one worker: who rests, who waits, how many connections it may have.
//!
//! It knows no configured size: credits are the only right to hold a connection. The line is first in, first out.
//! No client waits beside an idle server; [`Slice::check`] asserts the books after each change of the caller's.

use std::collections::VecDeque;
use std::sync::Arc;

use model::config::checked::PoolSettings;
use model::id::{ConnId, PoolId, SliceId, Ticket};

use crate::orders::{DialRefusal, Note, PoolKey};
use crate::planted::{Fault, Planted};
use crate::tally::{Closings, SliceTally};
use crate::time::Now;

/// One client in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Who.
    pub client: ConnId,
    /// Since when; heads of several slices can be compared.
    pub since: Now,
}

/// Connections by what they are doing: all of them together are covered by credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Connecting or logging in.
    pub dialling: u32,
    /// Logged in.
    pub open: u32,
    /// Said goodbye; the server holds the slot until its EOF.
    pub closing: u32,
}

impl Count {
    /// All.
    pub fn total(self) -> u32 {
        self.dialling + self.open + self.closing
    }
}

/// A pool's part on this worker.
#[derive(Debug)]
pub struct Slice {
    /// Which.
    pub id: SliceId,
    /// Of which pool.
    pub pool: PoolId,
    /// What the pool serves.
    pub key: PoolKey,
    /// Everything but sizes.
    pub settings: Arc<PoolSettings>,
    /// Servers that rest; the last one is lent next.
    idle: VecDeque<ConnId>,
    line: VecDeque<Waiter>,
    /// Entries of the line whose client is still there.
    waiting: u32,
    /// Clients that wait for the first welcome.
    pub arriving: Vec<ConnId>,
    /// Connections.
    pub count: Count,
    /// The right to have so many.
    pub credits: u32,
    /// Credits asked back and not given back yet; connections on their way out count towards them.
    pub revoked: u32,
    /// So many servers stay though idle.
    pub floor: u32,
    /// What the steward was told last: wants, head of the line, idle servers.
    told: (u32, Option<Now>, u32),
    /// Checkouts are stopped.
    pub paused: bool,
    /// Its database must be vacant, for so many statements; whether each has been told that it is.
    pub vacating: Vec<(Ticket, bool)>,
    /// The steward wants it gone.
    pub shut: bool,
    /// Servers of an older epoch are closed at release.
    pub epoch: u32,
    /// A server has told what new clients are to be told.
    pub greeted: bool,
    /// Why the last dial came to nothing; forgotten when one succeeds.
    pub refused: Option<DialRefusal>,
    /// Connections the server has refused and not ended yet: what that teaches is not known before their end.
    pub refusing: u32,
    /// Clients admitted and not left.
    pub clients: u32,
    /// Reasons for cleaning that were told already.
    pub tainted_told: u32,
    /// Servers cleaned, by reason.
    pub taints: [u64; 9],
    /// Cancel requests under way.
    pub cancels: u32,
    /// For the simulator.
    pub planted: Planted,
    /// Counters.
    pub tally: SliceTally,
    /// Ended servers by reason.
    pub closings: Closings,
}

impl Slice {
    /// A slice with nobody in it.
    pub fn new(id: SliceId, pool: PoolId, key: PoolKey, settings: Arc<PoolSettings>) -> Self {
        Self {
            id,
            pool,
            key,
            settings,
            idle: VecDeque::new(),
            line: VecDeque::new(),
            waiting: 0,
            arriving: Vec::new(),
            count: Count::default(),
            credits: 0,
            revoked: 0,
            floor: 0,
            told: (0, None, 0),
            paused: false,
            vacating: Vec::new(),
            shut: false,
            epoch: 0,
            greeted: false,
            refused: None,
            refusing: 0,
            clients: 0,
            tainted_told: 0,
            taints: [0; 9],
            cancels: 0,
            planted: Planted::default(),
            tally: SliceTally::default(),
            closings: Closings::default(),
        }
    }

    /// Clients in line.
    #[inline]
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// True while its database must be vacant: no connection is opened, and none rests.
    #[inline]
    pub fn is_vacating(&self) -> bool {
        !self.vacating.is_empty()
    }

    /// Servers that rest.
    pub fn idle(&self) -> impl DoubleEndedIterator<Item = ConnId> + '_ {
        self.idle.iter().copied()
    }

    /// How many rest.
    #[inline]
    pub fn idle_len(&self) -> u32 {
        self.idle.len() as u32
    }

    /// Takes a resting server: the last one that came to rest, or of the last few the one that `fits`.
    #[inline]
    pub fn take_idle(&mut self, mut fits: impl FnMut(ConnId) -> bool) -> Option<ConnId> {
        const LOOK: usize = 4;
        if self.paused {
            return None;
        }
        let last = self.idle.len().checked_sub(1)?;
        let at = (0..=last).rev().take(LOOK).find(|at| fits(self.idle[*at])).unwrap_or(last);
        if at == last { self.idle.pop_back() } else { self.idle.remove(at) }
    }

    /// A server comes to rest.
    #[inline]
    pub fn rest(&mut self, server: ConnId) {
        if self.settings.server_round_robin {
            self.idle.push_front(server);
        } else {
            self.idle.push_back(server);
        }
    }

    /// A resting server leaves.
    pub fn leave_idle(&mut self, server: ConnId) -> bool {
        match self.idle.iter().position(|idle| *idle == server) {
            Some(at) => self.idle.remove(at).is_some(),
            None => false,
        }
    }

    /// The server that has rested longest.
    pub fn coldest(&self) -> Option<ConnId> {
        self.idle.front().copied()
    }

    /// A client joins the end of the line.
    pub fn join(&mut self, client: ConnId, now: Now) {
        self.line.push_back(Waiter { client, since: now });
        self.waiting += 1;
        self.tally.waits += 1;
    }

    /// A client whose server failed before it had any of its bytes goes back to where it stood.
    pub fn join_front(&mut self, client: ConnId, since: Now) {
        let at = self.line.iter().position(|waiter| waiter.since > since).unwrap_or(self.line.len());
        self.line.insert(at, Waiter { client, since });
        self.waiting += 1;
    }

    /// A waiting client has gone.
    pub fn leave(&mut self, client: ConnId, now: Now, since: Now) {
        assert!(self.waiting > 0, "who leaves the line stood in it");
        self.waiting -= 1;
        self.tally.gave_up += 1;
        self.tally.wait_us += now.since(since).as_micros() as u64;
        if let Some(at) = self.line.iter().position(|waiter| waiter.client == client) {
            self.line.remove(at);
        }
    }

    /// The head of the line.
    pub fn head(&self) -> Option<Waiter> {
        self.line.front().copied()
    }

    /// Takes the head off the line.
    #[inline]
    pub fn next(&mut self, now: Now) -> Option<ConnId> {
        if self.paused {
            return None;
        }
        let lifo = self.planted.is(Fault::LastInFirstOut);
        let waiter = if lifo { self.line.pop_back() } else { self.line.pop_front() }?;
        self.waiting -= 1;
        self.tally.wait_us += now.since(waiter.since).as_micros() as u64;
        Some(waiter.client)
    }

    /// Everybody in line, head first.
    pub fn line(&self) -> impl Iterator<Item = Waiter> + '_ {
        self.line.iter().copied()
    }

    /// How many more connections would be of use now.
    pub fn wants(&self) -> u32 {
        if self.paused {
            return 0;
        }
        let arriving = u32::from(!self.arriving.is_empty() && !self.greeted);
        self.waiting.max(arriving).saturating_sub(self.count.dialling + self.refusing)
    }

    /// What the steward should hear, if anything: a want that has doubled at once, the rest with the tick.
    ///
    /// A pool that is as large as it may be has a line whose length changes with every query: to tell each change would
    /// wake the steward thousands of times a second to no end.
    #[inline]
    pub fn news(&mut self, tick: bool) -> Option<Note> {
        let wants = self.wants();
        let doubled = wants > self.told.0 && wants >= 2 * self.told.0;
        if doubled || tick { self.tell(wants) } else { None }
    }

    fn tell(&mut self, wants: u32) -> Option<Note> {
        let news = (wants, self.head().map(|head| head.since), self.idle_len());
        if wants == 0 && (news.0, news.2) == (self.told.0, self.told.2) {
            return None;
        }
        self.told = news;
        let (servers, oldest, idle) = news;
        Some(Note::Want { slice: self.id, servers, oldest, idle })
    }

    /// Credits have come: so much less was asked for.
    pub fn granted(&mut self, credits: u32) {
        self.told.0 = self.told.0.saturating_sub(credits);
    }

    /// A credit goes back, for whatever reason.
    pub fn gives_back(&mut self) {
        self.credits -= 1;
        self.revoked = self.revoked.saturating_sub(1);
    }

    /// True while more credits are asked back than are on their way.
    pub fn owes(&self) -> bool {
        self.revoked > self.count.closing
    }

    /// Asserts the books.
    ///
    /// # Panics
    /// Where they don't balance: a fault of ours, and no credit can be trusted any more.
    pub fn check(&self) {
        assert_eq!(self.count.total(), self.credits, "every credit covers one connection");
        assert!(self.refusing <= self.count.closing, "who was refused is on its way out");
        assert!(self.idle.len() as u32 <= self.count.open, "who rests is open");
        assert_eq!(self.waiting as usize, self.line.len(), "the line is as long as it says");
        assert!(
            self.paused || self.idle.is_empty() || self.line.is_empty(),
            "nobody waits beside an idle server"
        );
    }
}
