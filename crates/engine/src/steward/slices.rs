//! Slices: the part of a pool on one worker, with its clients, its wishes and the credits it holds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use model::config::checked::{FALLBACK, PoolSettings};
use model::id::{SliceId, WorkerId};

use super::ceiling::{CeilingOf, Ceilings};
use super::gate::{Gate, Meter, Patience};
use super::{Steward, StewardOutputs};
use crate::orders::{Order, PoolKey, Replication};
use crate::tally::SliceTally;
use crate::time::Now;

/// A slice without clients and servers is kept so long: its counts and its place in SHOW POOLS stay.
const LINGER: Duration = Duration::from_secs(3600);
/// Pools that are gone and whose counts are kept apart.
const RETIRED_MAX: usize = 1_000;
/// What a slice weighs where its worker has nothing to do, in thousandths of a core.
const PRESENCE: u32 = 100;
/// How long a slice keeps its only connection while others have none, from its login on.
const TENURE: Duration = Duration::from_secs(1);

/// One slice.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub key: PoolKey,
    pub home: WorkerId,
    pub settings: Arc<PoolSettings>,
    /// Where its credits are counted.
    pub ceilings: Vec<usize>,
    pub clients: u32,
    /// Credits out; changed by [`Slice::grant`] and [`Slice::back`] only.
    granted: u32,
    /// Of those, asked back.
    revoking: u32,
    /// When dials under way began.
    pub dials: VecDeque<Now>,
    pub want: u32,
    pub oldest: Option<Now>,
    pub idle: u32,
    pub floor_told: u32,
    /// Failures that are this pool's alone.
    pub patience: Patience,
    /// Until when its only connection is not called back.
    pub tenure: Now,
    pub unused_since: Option<Now>,
    /// The reserve is in use, and that was told.
    pub reserve_told: bool,
    pub shutting: bool,
}

impl Slice {
    pub(super) fn new(key: PoolKey, home: WorkerId, settings: Arc<PoolSettings>) -> Self {
        Self {
            key,
            home,
            settings,
            ceilings: Vec::new(),
            clients: 0,
            granted: 0,
            revoking: 0,
            dials: VecDeque::new(),
            want: 0,
            oldest: None,
            idle: 0,
            floor_told: 0,
            patience: Patience::default(),
            tenure: Now::default(),
            unused_since: None,
            reserve_told: false,
            shutting: false,
        }
    }

    pub(super) fn granted(&self) -> u32 {
        self.granted
    }

    pub(super) fn revoking(&self) -> u32 {
        self.revoking
    }

    /// Credits it may keep.
    pub(super) fn held(&self) -> u32 {
        self.granted - self.revoking
    }

    /// Connections that are logged in.
    pub(super) fn open(&self) -> u32 {
        self.granted.saturating_sub(self.dials.len() as u32)
    }

    pub(super) fn has_open(&self) -> bool {
        self.open() > 0
    }

    /// Connections in use or asked for.
    pub(super) fn work(&self) -> u32 {
        if self.want > 0 {
            self.held().saturating_add(self.want)
        } else {
            self.held().saturating_sub(self.idle)
        }
    }

    /// Servers to be kept though idle: while anybody is there to use them.
    pub(super) fn floor(&self) -> u32 {
        let used = self.clients > 0 || self.settings.login.forced;
        let replication = self.key.replication != Replication::No;
        if used && !self.shutting && !replication {
            self.settings.min_pool_size.min(self.settings.pool_size)
        } else {
            0
        }
    }

    /// The most it may hold now; more for who has been waiting long.
    pub(super) fn size(&self, now: Now) -> u32 {
        if self.reserve_due(now) { self.size_max() } else { self.settings.pool_size }
    }

    /// The most it may ever hold.
    pub(super) fn size_max(&self) -> u32 {
        self.settings.pool_size.saturating_add(self.settings.reserve_pool_size)
    }

    pub(super) fn reserve_due(&self, now: Now) -> bool {
        let patience = self.settings.reserve_pool_timeout;
        let waited = self.oldest.map(|oldest| now.since(oldest));
        self.settings.reserve_pool_size > 0
            && self.want > 0
            && matches!((patience, waited), (Some(patience), Some(waited)) if waited >= patience)
    }

    /// True while taking its only connection away would waste the dial.
    pub(super) fn is_settling(&self, now: Now) -> bool {
        self.held() > 0 && now < self.tenure
    }

    pub(super) fn grant(&mut self, credits: u32, now: Now) {
        if self.granted == 0 {
            self.tenure = Now::NEVER;
        }
        self.granted += credits;
        self.want = self.want.saturating_sub(credits);
        self.dials.extend((0..credits).map(|_| now));
    }

    pub(super) fn ask_back(&mut self, credits: u32) {
        self.revoking += credits;
        assert!(self.revoking <= self.granted, "no more is asked back than went out");
        self.idle = self.idle.saturating_sub(credits);
    }

    /// Credits are back; says how many of them had been asked for.
    pub(super) fn back(&mut self, credits: u32) -> u32 {
        assert!(credits <= self.granted, "no more credits come back than went out");
        let answered = self.revoking.min(credits);
        self.granted -= credits;
        self.revoking -= answered;
        self.idle = self.idle.min(self.granted);
        if self.granted == 0 {
            self.tenure = Now::default();
        }
        answered
    }

    pub(super) fn login_succeeded(&mut self, now: Now) {
        self.dials.pop_front();
        if self.tenure == Now::NEVER {
            self.tenure = now.plus(TENURE);
        }
    }

    /// What its connections are counted under, with what the configuration allows there.
    pub(super) fn limits(&self, slice: SliceId) -> Vec<(CeilingOf, Option<u32>)> {
        let settings = &self.settings;
        let server = settings.server.name.clone();
        let mut limits = vec![
            (CeilingOf::Pool(Steward::pool_of(slice)), Some(self.size_max())),
            (CeilingOf::Database(self.key.database.clone()), settings.max_db_connections.max()),
            (CeilingOf::User(self.key.user.clone()), settings.max_user_connections.max()),
            (CeilingOf::Role { server: server.clone(), role: settings.login.user.clone() }, None),
            (CeilingOf::ServerDatabase { server: server.clone(), dbname: settings.dbname.clone() }, None),
        ];
        limits.push(match self.key.replication {
            Replication::No => (CeilingOf::Server(server), None),
            Replication::Logical | Replication::Physical => (CeilingOf::Walsenders(server), None),
        });
        limits
    }

    /// Counts its credits under its ceilings from now on.
    pub(super) fn join(&mut self, id: SliceId, ceilings: &mut Ceilings) {
        let (granted, revoking) = (self.granted, self.revoking);
        let limits = self.limits(id).into_iter();
        self.ceilings = limits.map(|(limit, max)| ceilings.join(limit, max, granted, revoking)).collect();
    }

    /// Counts them there no longer.
    pub(super) fn leave(&mut self, ceilings: &mut Ceilings) {
        for at in std::mem::take(&mut self.ceilings) {
            ceilings.leave(at, self.granted, self.revoking);
        }
    }

    /// The order that makes or keeps the worker its home.
    pub(super) fn opening(&self, slice: SliceId, stale: bool) -> Order {
        let (pool, key, settings) = (Steward::pool_of(slice), self.key.clone(), self.settings.clone());
        Order::Open { slice, pool, key, settings, stale }
    }
}

/// How dials to a pool's server are metered.
pub(super) fn meter(settings: &PoolSettings) -> Meter {
    let server = &settings.server;
    Meter {
        rate: server.dial_rate.max(1),
        burst: server.dial_burst.max(1),
        at_once: server.dials_max.max(1),
        retry: settings.server_login_retry,
    }
}

impl Steward {
    /// The slice of a pool, made where there is none.
    pub(super) fn slice_for(
        &mut self,
        now: Now,
        key: PoolKey,
        settings: PoolSettings,
        out: &mut StewardOutputs,
    ) -> SliceId {
        if let Some(slice) = self.pools.get(&key) {
            return *slice;
        }
        let id = SliceId(self.slice_next);
        self.slice_next += 1;
        let home = self.home_for(&settings);
        let meter = meter(&settings);
        self.gates.entry(settings.server.name.clone()).or_insert_with(|| Gate::new(meter, now)).set(meter);
        let mut slice = Slice::new(key.clone(), home, Arc::new(settings));
        slice.join(id, &mut self.ceilings);
        self.homes[usize::from(home.0)] += 1;
        out.orders.push((home, slice.opening(id, false)));
        if self.errands.is_paused(&key.database) {
            let scope = crate::orders::Scope::Database(key.database.clone());
            out.orders.push((home, Order::Pause { ticket: self.errands.nobody(), scope }));
        }
        self.pools.insert(key, id);
        self.slices.insert(id, slice);
        id
    }

    /// The configured worker, else the one with the fewest slices, each weighed by how busy its worker has been: a pool
    /// that nobody uses is no reason to go elsewhere, and one that fills its worker is.
    fn home_for(&self, settings: &PoolSettings) -> WorkerId {
        let workers = self.homes.len();
        if let Some(worker) = settings.worker {
            return WorkerId((usize::from(worker) % workers) as u16);
        }
        let weight = |worker: &usize| {
            (u64::from(self.homes[*worker]) + 1) * u64::from(PRESENCE.saturating_add(self.busy[*worker]))
        };
        WorkerId((0..workers).min_by_key(weight).unwrap_or(0) as u16)
    }

    /// One more client.
    pub(super) fn join_slice(&mut self, id: SliceId, out: &mut StewardOutputs) -> WorkerId {
        let slice = self.slice_mut(id);
        slice.clients += 1;
        slice.unused_since = None;
        let home = slice.home;
        self.tell_floor(id, out);
        home
    }

    /// One client less.
    pub(super) fn leave_slice(&mut self, now: Now, id: SliceId, out: &mut StewardOutputs) -> PoolKey {
        let slice = self.slice_mut(id);
        assert!(slice.clients > 0, "no client leaves that was not admitted");
        slice.clients -= 1;
        if slice.clients == 0 {
            slice.unused_since = Some(now);
            // The ghosts of waiters must not count.
            (slice.want, slice.oldest) = (0, None);
        }
        let key = slice.key.clone();
        self.tell_floor(id, out);
        key
    }

    /// Tells the home how many servers to keep, where that has changed.
    pub(super) fn tell_floor(&mut self, id: SliceId, out: &mut StewardOutputs) {
        let slice = self.slice_mut(id);
        let floor = slice.floor();
        if floor != slice.floor_told {
            slice.floor_told = floor;
            out.orders.push((slice.home, Order::Floor { slice: id, servers: floor }));
            self.restless = true;
        }
    }

    /// Closes slices that nobody has used for long.
    pub(super) fn shut_unused(&mut self, now: Now, out: &mut StewardOutputs) {
        let unused = |slice: &Slice| {
            let since = slice.unused_since.filter(|_| slice.granted == 0 && slice.clients == 0);
            !slice.shutting && since.is_some_and(|since| now.since(since) >= LINGER)
        };
        let ids: Vec<_> = self.slices.iter().filter(|(_, slice)| unused(slice)).map(|(id, _)| *id).collect();
        for id in ids {
            self.shut(id, out);
        }
    }

    /// Closes a slice; its worker says when nothing is left of it.
    pub(super) fn shut(&mut self, id: SliceId, out: &mut StewardOutputs) {
        let slice = self.slice_mut(id);
        slice.shutting = true;
        (slice.want, slice.oldest) = (0, None);
        let (home, key) = (slice.home, slice.key.clone());
        out.orders.push((home, Order::Shut { slice: id }));
        self.pools.remove(&key);
    }

    /// Nothing is left of a slice.
    pub(super) fn on_shut(&mut self, id: SliceId, tally: &SliceTally) {
        let slice = self.slices.remove(&id);
        assert!(slice.is_some(), "a slice closes once");
        let Some(mut slice) = slice else { return };
        assert!(slice.shutting, "a slice closes when it is told to");
        assert!(slice.granted == 0, "a slice gives its credits back before it closes");
        assert!(slice.clients == 0, "a slice closes after its clients have left");
        slice.leave(&mut self.ceilings);
        self.homes[usize::from(slice.home.0)] -= 1;
        // Names of databases may be made up by clients where `*` answers: beyond a number they are one.
        let mut name = (slice.key.database, slice.key.user);
        if self.retired.len() >= RETIRED_MAX && !self.retired.contains_key(&name) {
            name.0 = FALLBACK.into();
        }
        self.retired.entry(name).or_default().add(tally);
    }

    pub(super) fn slice_mut(&mut self, id: SliceId) -> &mut Slice {
        match self.slices.get_mut(&id) {
            Some(slice) => slice,
            None => panic!("workers name slices that were opened: {id:?}"),
        }
    }
}
