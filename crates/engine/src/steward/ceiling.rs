//! Ceilings: who may hold how many connections, why, and how many are held. The only place that counts credits.
//!
//! A ceiling is configured, or learned from a server that refused, or both. What is learned is only ever an upper bound
//! for a while: it is probed upward one connection at a time, and forgotten when nothing has been refused for long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::id::PoolId;

use crate::time::Now;

/// What a ceiling is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CeilingOf {
    /// One pool: `pool_size` and its reserve.
    Pool(PoolId),
    /// `max_db_connections` of a database of the configuration.
    Database(Arc<str>),
    /// `max_user_connections` of a user.
    User(Arc<str>),
    /// All ordinary connections to one server (learned).
    Server(Arc<str>),
    /// Replication connections to one server, which have slots of their own (learned).
    Walsenders(Arc<str>),
    /// A role of one server: `ALTER ROLE ... CONNECTION LIMIT` (learned).
    Role {
        /// The server.
        server: Arc<str>,
        /// The role.
        role: Arc<str>,
    },
    /// A database of one server: `ALTER DATABASE ... CONNECTION LIMIT` (learned).
    ServerDatabase {
        /// The server.
        server: Arc<str>,
        /// Its name there.
        dbname: Arc<str>,
    },
}

/// What a server has taught us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Learned {
    max: u32,
    refused: Now,
    raise_at: Now,
    pause: Duration,
    /// One more than was known to fit is being tried.
    probing: bool,
}

/// The first and the longest time between two probes.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// What has not been confirmed for so long is forgotten.
const MEMORY: Duration = Duration::from_secs(600);

/// One ceiling.
#[derive(Clone, Debug)]
struct Ceiling {
    limit: CeilingOf,
    configured: Option<u32>,
    learned: Option<Learned>,
    used: u32,
    revoking: u32,
    slices: u32,
}

impl Ceiling {
    fn max(&self) -> u32 {
        let learned = self.learned.map_or(u32::MAX, |learned| learned.max);
        self.configured.unwrap_or(u32::MAX).min(learned)
    }
}

/// A ceiling as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeilingRow {
    /// What it is about.
    pub limit: CeilingOf,
    /// What the configuration says.
    pub configured: Option<u32>,
    /// What the server's refusals say.
    pub learned: Option<u32>,
    /// Connections counted under it.
    pub used: u32,
}

/// All ceilings.
#[derive(Clone, Debug, Default)]
pub(super) struct Ceilings {
    index: BTreeMap<CeilingOf, usize>,
    list: Vec<Option<Ceiling>>,
    free: Vec<usize>,
}

impl Ceilings {
    /// A slice that stands under the limit joins with the credits it holds; the ceiling is made where there is none.
    pub(super) fn join(
        &mut self,
        limit: CeilingOf,
        configured: Option<u32>,
        held: u32,
        revoking: u32,
    ) -> usize {
        let at = match self.index.get(&limit) {
            Some(at) => *at,
            None => {
                let at = self.free.pop().unwrap_or(self.list.len());
                if at == self.list.len() {
                    self.list.push(None);
                }
                self.index.insert(limit.clone(), at);
                at
            }
        };
        let ceiling = self.list[at].get_or_insert(Ceiling {
            limit,
            configured,
            learned: None,
            used: 0,
            revoking: 0,
            slices: 0,
        });
        ceiling.configured = configured;
        ceiling.used += held;
        ceiling.revoking += revoking;
        ceiling.slices += 1;
        at
    }

    /// A slice leaves the ceiling with the credits it holds.
    pub(super) fn leave(&mut self, at: usize, held: u32, revoking: u32) {
        self.change(at, |ceiling| {
            ceiling.used = less(ceiling.used, held);
            ceiling.revoking = less(ceiling.revoking, revoking);
            ceiling.slices = less(ceiling.slices, 1);
        });
        if let Some(ceiling) = self.list[at].take_if(|ceiling| ceiling.slices == 0) {
            self.index.remove(&ceiling.limit);
            self.free.push(at);
        }
    }

    fn change(&mut self, at: usize, act: impl FnOnce(&mut Ceiling)) {
        let ceiling = self.list.get_mut(at).and_then(Option::as_mut);
        assert!(ceiling.is_some(), "a slice stands under ceilings that are there");
        if let Some(ceiling) = ceiling {
            act(ceiling);
        }
    }

    /// Credits go out.
    pub(super) fn take(&mut self, ceilings: &[usize], credits: u32) {
        for at in ceilings {
            self.change(*at, |ceiling| ceiling.used += credits);
        }
    }

    /// Credits are back; `answered` of them had been asked for.
    pub(super) fn give(&mut self, ceilings: &[usize], credits: u32, answered: u32) {
        for at in ceilings {
            self.change(*at, |ceiling| {
                ceiling.used = less(ceiling.used, credits);
                ceiling.revoking = less(ceiling.revoking, answered);
            });
        }
    }

    /// Credits are asked back.
    pub(super) fn ask_back(&mut self, ceilings: &[usize], credits: u32) {
        for at in ceilings {
            self.change(*at, |ceiling| ceiling.revoking += credits);
        }
    }

    /// The server refused: no more than what is held now, for a while. True where that is news.
    pub(super) fn lower(&mut self, limit: &CeilingOf, now: Now) -> bool {
        let Some(at) = self.index.get(limit) else { return false };
        let mut news = false;
        self.change(*at, |ceiling| {
            let (pause, before) = match ceiling.learned {
                Some(old) if old.probing => ((old.pause * 2).min(PAUSE_MAX), old.max),
                // Parallel dials are refused together: one step of patience for all of them.
                Some(old) => (old.pause, old.max),
                None => (PAUSE, u32::MAX),
            };
            let max = ceiling.used.min(before);
            news = max < before;
            ceiling.learned =
                Some(Learned { max, refused: now, raise_at: now.plus(pause), pause, probing: false });
        });
        news
    }

    /// Lets one more be tried where a learned ceiling is full and it is time.
    pub(super) fn probe(&mut self, at: usize, now: Now) {
        self.change(at, |ceiling| {
            if let Some(learned) = &mut ceiling.learned
                && ceiling.used >= learned.max
                && now >= learned.raise_at
            {
                learned.max = ceiling.used + 1;
                learned.raise_at = now.plus(learned.pause);
                learned.probing = true;
            }
        });
    }

    /// A login has succeeded: a probe that reached the ceiling was right, the next one comes sooner.
    pub(super) fn confirm(&mut self, ceilings: &[usize]) {
        for at in ceilings {
            self.change(*at, |ceiling| {
                if let Some(learned) = &mut ceiling.learned
                    && ceiling.used >= learned.max
                {
                    learned.pause = PAUSE;
                    learned.probing = false;
                }
            });
        }
    }

    /// Forgets what was learned long ago.
    pub(super) fn forget(&mut self, now: Now) {
        for ceiling in self.list.iter_mut().flatten() {
            ceiling.learned = ceiling.learned.take_if(|learned| now.since(learned.refused) < MEMORY);
        }
    }

    /// True where one more fits under each.
    pub(super) fn has_room(&self, ceilings: &[usize]) -> bool {
        ceilings.iter().filter_map(|at| self.at(*at)).all(|ceiling| ceiling.used < ceiling.max())
    }

    /// True where somebody else than the slice's own pool could be in the way.
    pub(super) fn is_shared(&self, ceilings: &[usize]) -> bool {
        ceilings
            .iter()
            .filter_map(|at| self.at(*at))
            .any(|ceiling| ceiling.max() < u32::MAX && !matches!(ceiling.limit, CeilingOf::Pool(_)))
    }

    /// True where more is held than allowed, and not yet asked back.
    pub(super) fn any_overfull(&self) -> bool {
        self.list.iter().flatten().any(|ceiling| ceiling.used - ceiling.revoking > ceiling.max())
    }

    /// The places under each ceiling, by index.
    pub(super) fn rooms(&self) -> Vec<u32> {
        self.list.iter().map(|ceiling| ceiling.as_ref().map_or(0, Ceiling::max)).collect()
    }

    /// Credits held under a ceiling, and how many of them are asked back.
    pub(super) fn held(&self, at: usize) -> (u32, u32) {
        self.at(at).map_or((0, 0), |ceiling| (ceiling.used, ceiling.revoking))
    }

    /// Number of places in the table, free ones included.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Credits held under a limit.
    pub(super) fn used(&self, limit: &CeilingOf) -> u32 {
        self.index.get(limit).map_or(0, |at| self.held(*at).0)
    }

    /// What the server's refusals say about a limit.
    pub(super) fn learned(&self, limit: &CeilingOf) -> Option<u32> {
        let at = self.index.get(limit)?;
        self.at(*at)?.learned.map(|learned| learned.max)
    }

    /// What operators see.
    pub(super) fn rows(&self) -> impl Iterator<Item = CeilingRow> {
        self.index.values().filter_map(|at| self.at(*at)).map(|ceiling| CeilingRow {
            limit: ceiling.limit.clone(),
            configured: ceiling.configured,
            learned: ceiling.learned.map(|learned| learned.max),
            used: ceiling.used,
        })
    }

    fn at(&self, at: usize) -> Option<&Ceiling> {
        self.list.get(at).and_then(Option::as_ref)
    }
}

fn less(from: u32, what: u32) -> u32 {
    assert!(what <= from, "no more credits come back than went out");
    from - what
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn server() -> CeilingOf {
        CeilingOf::Server("s".into())
    }

    #[test]
    fn a_refusal_lowers_to_what_is_held_and_probes_go_up_one_by_one() {
        let mut ceilings = Ceilings::default();
        let at = ceilings.join(server(), None, 0, 0);
        ceilings.take(&[at], 5);
        ceilings.give(&[at], 1, 0);
        assert!(ceilings.lower(&server(), Now(0)));
        assert_eq!(ceilings.learned(&server()), Some(4));
        assert!(!ceilings.has_room(&[at]));
        ceilings.probe(at, Now(S - 1));
        assert!(!ceilings.has_room(&[at]));
        ceilings.probe(at, Now(S));
        ceilings.probe(at, Now(S));
        assert_eq!(ceilings.learned(&server()), Some(5));
    }

    #[test]
    fn refusals_in_a_row_are_probed_less_and_less() {
        let mut ceilings = Ceilings::default();
        let at = ceilings.join(server(), None, 0, 0);
        ceilings.lower(&server(), Now(0));
        let mut now = 0;
        for pause in [1, 2, 4, 8, 10, 10] {
            ceilings.probe(at, Now(now + pause * S - 1));
            assert_eq!(ceilings.learned(&server()), Some(0), "not yet after {pause} s");
            now += pause * S;
            ceilings.probe(at, Now(now));
            assert_eq!(ceilings.learned(&server()), Some(1), "after {pause} s");
            ceilings.lower(&server(), Now(now));
        }
    }

    #[test]
    fn what_is_not_confirmed_is_forgotten() {
        let mut ceilings = Ceilings::default();
        ceilings.join(server(), None, 0, 0);
        ceilings.lower(&server(), Now(0));
        ceilings.forget(Now(599 * S));
        assert_eq!(ceilings.learned(&server()), Some(0));
        ceilings.forget(Now(600 * S));
        assert_eq!(ceilings.learned(&server()), None);
    }

    #[test]
    fn a_ceiling_lives_as_long_as_a_slice_stands_under_it() {
        let mut ceilings = Ceilings::default();
        let at = ceilings.join(server(), None, 2, 0);
        assert_eq!(ceilings.join(server(), None, 1, 0), at);
        ceilings.leave(at, 2, 0);
        assert_eq!(ceilings.used(&server()), 1);
        ceilings.leave(at, 1, 0);
        assert_eq!(ceilings.rows().count(), 0);
        assert_eq!(ceilings.join(CeilingOf::Database("d".into()), Some(1), 0, 0), at);
    }

    #[test]
    #[should_panic(expected = "no more credits come back than went out")]
    fn a_credit_that_never_went_out_stops_the_process() {
        let mut ceilings = Ceilings::default();
        let at = ceilings.join(server(), None, 0, 0);
        ceilings.give(&[at], 1, 0);
    }
}
