//! Who waits for whose locks: the contenders as the server lists them, and the trees they make.
//!
//! The server is asked for edges, and the trees are made here: a recursive query would walk every path, and the paths of a
//! line of waiters, each behind all before it, double with each one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Sample, Session, State};
use crate::connect::{Answers, AskError, Row, one};

/// `pg_blocking_pids` takes locks of the lock manager: it is asked only for those who wait. A blocker may be no client at
/// all; pid 0 is a prepared transaction. `waitstart` exists since version 14, so it is looked for by name.
const SQL: &str = "\
WITH w AS MATERIALIZED (
  SELECT a.pid, unnest(pg_catalog.pg_blocking_pids(a.pid)) AS by_pid
    FROM pg_catalog.pg_stat_activity a WHERE a.wait_event_type = 'Lock'
), edges AS (SELECT DISTINCT pid, by_pid FROM w),
pids AS (SELECT pid FROM edges UNION SELECT by_pid FROM edges)
SELECT p.pid,
       (SELECT string_agg(e.by_pid::text, ',' ORDER BY e.by_pid) FROM edges e WHERE e.pid = p.pid) AS waits_for,
       a.datname, a.usename, a.application_name, a.backend_type, a.state, a.wait_event,
       extract(epoch FROM clock_timestamp() - a.state_change) AS state_age_s,
       extract(epoch FROM clock_timestamp() - a.xact_start) AS xact_age_s,
       extract(epoch FROM clock_timestamp() - a.query_start) AS query_age_s,
       (SELECT extract(epoch FROM clock_timestamp() - min((to_jsonb(l) ->> 'waitstart')::timestamptz))
          FROM pg_catalog.pg_locks l WHERE l.pid = p.pid AND NOT l.granted) AS waited_s,
       left(a.query, 200) AS query
  FROM pids p LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid ORDER BY p.pid";

/// One backend that waits for a lock, or holds one that is waited for.
///
/// Texts come from clients: they go to a terminal only through [`crate::form::clean`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contender {
    /// The backend's process id; 0 stands for prepared transactions, which have none.
    pub pid: i32,
    /// Who must let go first; empty for one that waits for nobody.
    pub waits_for: Vec<i32>,
    /// The database.
    pub database: Option<String>,
    /// The role.
    pub user: Option<String>,
    /// `application_name`.
    pub application: String,
    /// `backend_type`; a blocker may be an autovacuum worker. `None` where we may not see it.
    pub kind: Option<String>,
    /// What it does; `None` for what is no client, and where we may not see it.
    pub state: Option<State>,
    /// What it waits for: `transactionid`, `relation`, `advisory`.
    pub wait: Option<String>,
    /// Seconds in this state.
    pub state_age_s: Option<f64>,
    /// Seconds in this transaction.
    pub xact_age_s: Option<f64>,
    /// Seconds since the start of its last statement.
    pub query_age_s: Option<f64>,
    /// Seconds it has waited for the lock (14 and later).
    pub waited_s: Option<f64>,
    /// The beginning of its last statement.
    pub query: Option<String>,
}

impl Contender {
    /// How long it has waited, in seconds: what the server says, or else, before version 14, the age of its statement,
    /// which is never less.
    pub fn wait_age_s(&self) -> Option<f64> {
        if self.waits_for.is_empty() { None } else { self.waited_s.or(self.query_age_s) }
    }

    fn read(row: &Row<'_>) -> Result<Self, AskError> {
        let broken = |_| AskError::Shape("waits_for is no list of numbers".into());
        let waits_for = row.text("waits_for")?.unwrap_or_default();
        let waits_for = waits_for.split(',').filter(|pid| !pid.is_empty()).map(str::parse);
        Ok(Self {
            pid: row.value("pid")?,
            waits_for: waits_for.collect::<Result<_, _>>().map_err(broken)?,
            database: row.owned("datname")?,
            user: row.owned("usename")?,
            application: row.owned("application_name")?.unwrap_or_default(),
            kind: row.owned("backend_type")?,
            state: row.text("state")?.map(|state| State::read(Some(state))),
            wait: row.owned("wait_event")?,
            state_age_s: row.maybe("state_age_s")?,
            xact_age_s: row.maybe("xact_age_s")?,
            query_age_s: row.maybe("query_age_s")?,
            waited_s: row.maybe("waited_s")?,
            query: row.owned("query")?,
        })
    }
}

/// Everybody who waits for a lock, and everybody who is waited for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blocking {
    contenders: BTreeMap<i32, Contender>,
}

/// One who holds up others, with all who wait behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree<'a> {
    /// The root first, then each waiter behind the one it waits for. Each contender stands once in all trees.
    pub branches: Vec<Branch<'a>>,
    /// The root waits for one of its own waiters: a deadlock that the server has not resolved yet.
    pub is_cycle: bool,
}

/// A place in a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branch<'a> {
    /// Who.
    pub contender: &'a Contender,
    /// 0 for the root.
    pub depth: u32,
}

impl<'a> Tree<'a> {
    /// Who holds up all others.
    pub fn root(&self) -> &'a Contender {
        self.branches[0].contender
    }

    /// How many wait behind the root.
    pub fn waiters(&self) -> u32 {
        self.branches.len() as u32 - 1
    }

    /// The longest chain below the root.
    pub fn depth(&self) -> u32 {
        self.branches.iter().map(|branch| branch.depth).max().unwrap_or(0)
    }
}

impl Blocking {
    /// Asks, where somebody of a sample waits for a lock: else nobody blocks.
    ///
    /// # Errors
    /// As [`Answers::answers`].
    pub async fn of(sample: &Sample, server: &mut impl Answers) -> Result<Self, AskError> {
        if sample.sessions.iter().any(Session::waits_for_lock) {
            Self::take(server).await
        } else {
            Ok(Self::default())
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// As [`Answers::answers`].
    pub async fn take(server: &mut impl Answers) -> Result<Self, AskError> {
        let answer = one(server, SQL).await?;
        let contenders = answer.rows().map(|row| Contender::read(&row)).collect::<Result<Vec<_>, _>>()?;
        Ok(contenders.into())
    }

    /// Nobody waits.
    pub fn is_empty(&self) -> bool {
        self.contenders.is_empty()
    }

    /// All who wait for a lock.
    pub fn waiting(&self) -> impl Iterator<Item = &Contender> {
        self.contenders.values().filter(|contender| !contender.waits_for.is_empty())
    }

    /// How many wait, directly or behind others, until this one lets go.
    pub fn blocked_by(&self, pid: i32) -> u32 {
        let reached = self.reach(&self.waiters_of(), pid, &BTreeSet::new());
        reached.len() as u32 - 1
    }

    /// The trees, the one with the most waiters first. A waiter with several blockers stands under the one that is nearest
    /// to a root, so a line at one lock reads as a flat list.
    pub fn trees(&self) -> Vec<Tree<'_>> {
        let behind = self.waiters_of();
        let mut placed = BTreeSet::new();
        let mut trees = Vec::new();
        let is_root =
            |contender: &&Contender| contender.waits_for.iter().all(|pid| !self.contenders.contains_key(pid));
        let roots: Vec<i32> =
            self.contenders.values().filter(is_root).map(|contender| contender.pid).collect();
        for pid in roots {
            trees.push(self.tree(&behind, pid, &mut placed, false));
        }
        // Whoever is left waits in a circle, or behind one.
        while let Some(pid) = self.next_of_a_circle(&behind, &placed) {
            trees.push(self.tree(&behind, pid, &mut placed, true));
        }
        trees.sort_by_key(|tree| (std::cmp::Reverse(tree.waiters()), tree.root().pid));
        trees
    }

    fn waiters_of(&self) -> BTreeMap<i32, Vec<i32>> {
        let mut behind: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for contender in self.contenders.values() {
            for &blocker in contender.waits_for.iter().filter(|pid| **pid != contender.pid) {
                behind.entry(blocker).or_default().push(contender.pid);
            }
        }
        behind
    }

    /// Who waits behind `pid`, each with the one it stands behind, nearest first; `pid` itself is the first.
    fn reach(&self, behind: &BTreeMap<i32, Vec<i32>>, pid: i32, placed: &BTreeSet<i32>) -> Vec<(i32, i32)> {
        let mut seen = BTreeSet::from([pid]);
        let mut line = VecDeque::from([(pid, pid)]);
        let mut reached = Vec::new();
        while let Some((at, above)) = line.pop_front() {
            reached.push((at, above));
            for &next in behind.get(&at).into_iter().flatten() {
                if !placed.contains(&next) && seen.insert(next) {
                    line.push_back((next, at));
                }
            }
        }
        reached
    }

    fn tree(
        &self,
        behind: &BTreeMap<i32, Vec<i32>>,
        root: i32,
        placed: &mut BTreeSet<i32>,
        is_cycle: bool,
    ) -> Tree<'_> {
        let reached = self.reach(behind, root, placed);
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for &(pid, above) in reached.iter().skip(1) {
            children.entry(above).or_default().push(pid);
        }
        let mut branches = Vec::new();
        let mut stack = vec![(root, 0)];
        while let Some((pid, depth)) = stack.pop() {
            placed.insert(pid);
            branches.extend(self.contenders.get(&pid).map(|contender| Branch { contender, depth }));
            stack.extend(children.get(&pid).into_iter().flatten().rev().map(|&child| (child, depth + 1)));
        }
        Tree { branches, is_cycle }
    }

    /// One of those left that waits, over however many others, for itself.
    fn next_of_a_circle(&self, behind: &BTreeMap<i32, Vec<i32>>, placed: &BTreeSet<i32>) -> Option<i32> {
        let mut left = self.contenders.values().filter(|contender| !placed.contains(&contender.pid));
        left.find(|contender| {
            let reached = self.reach(behind, contender.pid, placed);
            reached.iter().any(|(pid, _)| contender.waits_for.contains(pid))
        })
        .map(|contender| contender.pid)
    }
}

impl From<Vec<Contender>> for Blocking {
    /// A blocker that is not listed itself, because it ended in between, is added with its pid alone.
    fn from(contenders: Vec<Contender>) -> Self {
        let blockers: Vec<i32> =
            contenders.iter().flat_map(|contender| contender.waits_for.clone()).collect();
        let mut contenders: BTreeMap<i32, Contender> =
            contenders.into_iter().map(|contender| (contender.pid, contender)).collect();
        for pid in blockers {
            contenders.entry(pid).or_insert_with(|| Contender { pid, ..Contender::default() });
        }
        Self { contenders }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocking(edges: &[(i32, &[i32])]) -> Blocking {
        let contender = |(pid, waits_for): &(i32, &[i32])| Contender {
            pid: *pid,
            waits_for: waits_for.to_vec(),
            ..Contender::default()
        };
        edges.iter().map(contender).collect::<Vec<_>>().into()
    }

    fn drawn(blocking: &Blocking) -> Vec<Vec<(i32, u32)>> {
        let places = |tree: &Tree<'_>| tree.branches.iter().map(|b| (b.contender.pid, b.depth)).collect();
        blocking.trees().iter().map(places).collect()
    }

    #[test]
    fn a_chain_is_a_chain_and_a_line_is_flat() {
        assert_eq!(drawn(&blocking(&[(2, &[1]), (3, &[2])])), [[(1, 0), (2, 1), (3, 2)]]);
        assert_eq!(
            drawn(&blocking(&[(2, &[1]), (3, &[1, 2]), (4, &[1, 2, 3])])),
            [[(1, 0), (2, 1), (3, 1), (4, 1)]]
        );
    }

    #[test]
    fn the_tree_with_the_most_waiters_comes_first() {
        let drawn = drawn(&blocking(&[(2, &[1]), (12, &[11]), (13, &[12])]));
        assert_eq!(drawn, [vec![(11, 0), (12, 1), (13, 2)], vec![(1, 0), (2, 1)]]);
    }

    #[test]
    fn a_circle_ends_and_shows_everybody_once() {
        let circle = blocking(&[(1, &[2]), (2, &[1]), (3, &[2])]);
        assert_eq!(drawn(&circle), [[(1, 0), (2, 1), (3, 2)]]);
        assert!(circle.trees()[0].is_cycle);
        // One that waits behind a circle, and has the smallest number, is no root.
        let behind = blocking(&[(1, &[5]), (5, &[6]), (6, &[5])]);
        assert_eq!(drawn(&behind), [[(5, 0), (1, 1), (6, 1)]]);
    }

    #[test]
    fn a_long_line_in_which_each_waits_for_all_before_it_is_drawn_at_once() {
        let line: Vec<Contender> = (2..=300)
            .map(|pid| Contender { pid, waits_for: (1..pid).collect(), ..Contender::default() })
            .collect();
        let blocking = Blocking::from(line);
        let trees = blocking.trees();
        assert_eq!((trees.len(), trees[0].waiters(), trees[0].depth()), (1, 299, 1));
        assert_eq!((blocking.blocked_by(1), blocking.blocked_by(300)), (299, 0));
    }

    #[test]
    fn prepared_transactions_and_those_that_are_gone_stay_roots() {
        assert_eq!(drawn(&blocking(&[(7, &[0])])), [[(0, 0), (7, 1)]]);
    }
}
