//! The rows of the views: what of a sample is shown, and in what order. Made when something changes, not when it is drawn.

use std::cmp::Ordering;
use std::collections::HashMap;

use inspect::catalog::{Blocking, Sample, Session, State as SessionState};
use inspect::census::{By, Group, Plan, group};
use inspect::checks::{Limits, ends_a_turn, without_literals};

use super::columns::{self, Column, Order, apps, limits, sessions};
use super::listing::Listing;
use super::services::{Placed, placed};
use super::state::Blocked;

/// This share of all idle sessions, beside the number that the check of the same name wants, looks like a leak.
const LEAK_SHARE: f64 = 0.5;
/// And the oldest of them has been idle for this long.
const LEAK_AGE_S: f64 = 60.0;

/// A row of the Apps view.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AppRow {
    pub(crate) key: String,
    pub(crate) group: Group,
    /// 95 of 100 idle sessions have been idle for less.
    pub(crate) p95_idle_s: Option<f64>,
    /// Waiting for a lock.
    pub(crate) waiting: u32,
    /// Where it stands in the plan; `None` without one, and for groups that are no applications.
    pub(crate) placed: Option<Placed>,
}

/// Idle sessions that ran the same statement last, whatever its values were.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IdleOn {
    pub(crate) query: String,
    pub(crate) number: u32,
    pub(crate) oldest_s: f64,
    pub(crate) leak_like: bool,
}

/// Groups of the sessions that `keep` lets through, sorted. The plan counts all sessions, for it is of the whole server.
pub(crate) fn apps(
    sample: &Sample,
    by: By,
    plan: Option<&Plan>,
    keep: impl Fn(&Session) -> bool,
    listing: &Listing,
) -> Vec<AppRow> {
    let mut idle: HashMap<String, Vec<f64>> = HashMap::new();
    let mut waiting: HashMap<String, u32> = HashMap::new();
    for session in sample.slot_holders().filter(|session| keep(session)) {
        if let Some(age) = session.idle_s() {
            idle.entry(by.key(session)).or_default().push(age);
        }
        if session.waits_for_lock() {
            *waiting.entry(by.key(session)).or_default() += 1;
        }
    }
    let places = plan.map(|plan| placed(plan, sample)).unwrap_or_default();
    let mut rows: Vec<AppRow> = group(sample, &[by], keep)
        .into_iter()
        .map(|group| {
            let key = group.keys.first().cloned().unwrap_or_default();
            let p95_idle_s = idle.get_mut(&key).and_then(|ages| p95(ages));
            let waiting = waiting.get(&key).copied().unwrap_or(0);
            AppRow { placed: places.get(key.as_str()).copied(), waiting, key, group, p95_idle_s }
        })
        .collect();
    let compare = |a: &AppRow, b: &AppRow| match listing.sort {
        apps::CONN => a.group.total.cmp(&b.group.total),
        apps::PLAN => Placed::share(a.placed).total_cmp(&Placed::share(b.placed)),
        apps::ACTIVE => a.group.active.cmp(&b.group.active),
        apps::IDLE => a.group.idle.cmp(&b.group.idle),
        apps::TX => a.group.idle_in_transaction.cmp(&b.group.idle_in_transaction),
        apps::OLDEST => ages(a.group.oldest_idle_s, b.group.oldest_idle_s),
        apps::P95 => ages(a.p95_idle_s, b.p95_idle_s),
        apps::OLDEST_TX => ages(a.group.oldest_transaction_s, b.group.oldest_transaction_s),
        apps::WAITING => a.waiting.cmp(&b.waiting),
        apps::HOSTS => a.group.hosts.len().cmp(&b.group.hosts.len()),
        _ => a.key.cmp(&b.key),
    };
    let columns = if plan.is_some() { &apps::PLANNED } else { &apps::ALL };
    sort(&mut rows, columns, listing, compare, |a, b| a.key.cmp(&b.key));
    rows
}

/// Places of sessions that `keep` lets through, sorted. Walsenders are listed, too.
pub(crate) fn sessions(sample: &Sample, keep: impl Fn(&Session) -> bool, listing: &Listing) -> Vec<usize> {
    let all = &sample.sessions;
    let mut rows: Vec<usize> = (0..all.len()).filter(|at| keep(&all[*at])).collect();
    let compare = |a: &usize, b: &usize| {
        let (a, b) = (&all[*a], &all[*b]);
        match listing.sort {
            sessions::APP => a.application.cmp(&b.application),
            sessions::USER => a.user.cmp(&b.user),
            sessions::DB => a.database.cmp(&b.database),
            sessions::CLIENT => a.client.cmp(&b.client),
            sessions::STATE => a.state.cmp(&b.state),
            sessions::AGE => ages(a.state_age_s, b.state_age_s),
            sessions::TX => ages(a.xact_age_s, b.xact_age_s),
            sessions::WAIT => a.wait.cmp(&b.wait),
            _ => a.pid.cmp(&b.pid),
        }
    };
    sort(&mut rows, &sessions::ALL, listing, compare, |a, b| all[*a].pid.cmp(&all[*b].pid));
    rows
}

/// The trees of who waits for whom, the one with the most waiters first.
pub(crate) fn blocking(blocking: &Blocking) -> Vec<Blocked> {
    let trees = blocking.trees();
    let rows = trees.iter().flat_map(|tree| {
        tree.branches.iter().map(|branch| Blocked {
            contender: branch.contender.clone(),
            depth: branch.depth,
            waiters: if branch.depth == 0 { tree.waiters() } else { 0 },
        })
    });
    rows.collect()
}

/// Places of limits, sorted.
pub(crate) fn limits(sample: &Sample, listing: &Listing) -> Vec<usize> {
    let all = &sample.limits;
    let mut rows: Vec<usize> = (0..all.len()).collect();
    let compare = |a: &usize, b: &usize| {
        let (a, b) = (&all[*a], &all[*b]);
        match listing.sort {
            limits::KIND => a.kind.cmp(&b.kind),
            limits::NAME => a.name.cmp(&b.name),
            limits::USED => a.used.cmp(&b.used),
            limits::LIMIT => a.limit.cmp(&b.limit),
            // A limit that stops nobody is the last to worry about.
            _ => (!a.exempt).cmp(&!b.exempt).then_with(|| a.percent().total_cmp(&b.percent())),
        }
    };
    sort(&mut rows, &limits::ALL, listing, compare, |a, b| a.cmp(b));
    rows
}

/// What the idle sessions of a group ran last, the most frequent first.
pub(crate) fn idle_on(sample: &Sample, keep: impl Fn(&Session) -> bool) -> Vec<IdleOn> {
    let least = Limits::default().leak_sessions;
    let mut by_query: HashMap<String, (u32, f64)> = HashMap::new();
    let mut idle = 0;
    for session in sample.slot_holders().filter(|s| s.state == SessionState::Idle && keep(s)) {
        idle += 1;
        let shape = without_literals(session.query.as_deref().unwrap_or_default());
        let seen = by_query.entry(shape).or_default();
        seen.0 += 1;
        seen.1 = seen.1.max(session.state_age_s.unwrap_or(0.0));
    }
    let mut rows: Vec<IdleOn> = by_query
        .into_iter()
        .map(|(query, (number, oldest_s))| IdleOn {
            leak_like: number >= least
                && f64::from(number) >= f64::from(idle) * LEAK_SHARE
                && oldest_s >= LEAK_AGE_S
                && !query.is_empty()
                && !ends_a_turn(&query),
            query,
            number,
            oldest_s,
        })
        .collect();
    rows.sort_by(|a, b| b.number.cmp(&a.number).then_with(|| a.query.cmp(&b.query)));
    rows
}

fn p95(ages: &mut [f64]) -> Option<f64> {
    ages.sort_by(f64::total_cmp);
    let at = (ages.len() * 95).div_ceil(100).checked_sub(1)?;
    ages.get(at).copied()
}

/// An unknown age is the least.
fn ages(a: Option<f64>, b: Option<f64>) -> Ordering {
    a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0))
}

pub(super) fn sort<T>(
    rows: &mut [T],
    columns: &[Column],
    listing: &Listing,
    compare: impl Fn(&T, &T) -> Ordering,
    then: impl Fn(&T, &T) -> Ordering,
) {
    let falls = columns.get(listing.sort).is_some_and(|column| column.order == columns::Order::Descending);
    let falls = falls != listing.reversed;
    rows.sort_by(|a, b| {
        let order = compare(a, b);
        (if falls { order.reverse() } else { order }).then_with(|| then(a, b))
    });
}

/// The next column that sorts, in a direction; the same one where there is none.
pub(crate) fn next_sort(columns: &[Column], from: usize, forward: bool, round: bool) -> usize {
    let sorts = |at: &usize| columns[*at].order != Order::None;
    let found = if forward {
        (from + 1..columns.len()).find(sorts).or_else(|| (0..from).find(sorts).filter(|_| round))
    } else {
        (0..from).rev().find(sorts)
    };
    found.unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::{sample, session};
    use super::*;

    #[test]
    fn groups_sort_by_every_column_and_in_both_directions() {
        let sample = sample(0, &[("b", 3), ("a", 3), ("c", 9)]);
        let keys = |sort: usize, reversed: bool| {
            let listing = Listing { sort, reversed, ..Listing::default() };
            apps(&sample, By::App, None, |_| true, &listing)
                .into_iter()
                .map(|row| row.key)
                .collect::<String>()
        };
        assert_eq!(keys(apps::CONN, false), "cab");
        assert_eq!(keys(apps::CONN, true), "abc");
        assert_eq!(keys(apps::NAME, false), "abc");
        assert_eq!(keys(apps::NAME, true), "cba");
        for (sort, column) in apps::ALL.iter().enumerate().filter(|(_, column)| column.order != Order::None) {
            assert_eq!(keys(sort, false).len(), 3, "{}", column.title);
        }
    }

    #[test]
    fn the_95th_of_100_is_told_and_not_the_outlier() {
        let mut ages: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(p95(&mut ages), Some(95.0));
        assert_eq!(p95(&mut [7.0]), Some(7.0));
        assert_eq!(p95(&mut []), None);
    }

    #[test]
    fn many_idle_on_one_statement_look_like_a_leak_and_many_on_commit_do_not() {
        let on = |query: &str, number: usize, age: f64| {
            let idle = |n: usize| {
                let mut session = session(n as i32, "a", SessionState::Idle, age);
                session.query = Some(query.into());
                session
            };
            let mut sample = sample(0, &[]);
            sample.sessions = (0..number).map(idle).collect();
            idle_on(&sample, |_| true)[0].leak_like
        };
        assert!(on("SELECT * FROM django_session", 10, 300.0));
        assert!(!on("SELECT * FROM django_session", 10, 3.0));
        assert!(!on("SELECT 1", 4, 300.0));
        assert!(!on("  commit;", 10, 300.0));
        assert!(!on("DISCARD ALL", 10, 300.0));
        assert!(!on("", 10, 300.0));
    }

    #[test]
    fn sorting_steps_over_pictures() {
        assert_eq!(next_sort(&apps::ALL, apps::HOSTS, true, true), apps::NAME);
        assert_eq!(next_sort(&apps::ALL, apps::HOSTS, true, false), apps::HOSTS);
        assert_eq!(next_sort(&apps::ALL, apps::NAME, false, false), apps::NAME);
        assert_eq!(next_sort(&apps::ALL, apps::CONN, true, true), apps::ACTIVE);
        assert_eq!(next_sort(&apps::PLANNED, apps::CONN, true, true), apps::PLAN);
    }
}
