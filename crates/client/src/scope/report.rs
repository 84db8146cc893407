//! What a scope came to.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::monitor::Latest;
use crate::{PoolReport, Stats};

/// What a scope came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScopeReport {
    /// Its name.
    pub scope: Cow<'static, str>,
    /// What it took; in JSON `duration_s`, seconds.
    #[serde(rename = "duration_s", serialize_with = "seconds")]
    pub duration: Duration,
    /// It took longer than it was to.
    pub took_long: bool,
    /// A pool grew by more than it was to.
    pub has_grown: bool,
    /// What happened to each pool meanwhile, by this scope and by others.
    pub pools: Vec<PoolChange>,
    /// The server by the last look before it began, if there was one.
    pub server_before: Option<Seen>,
    /// The server by the last look before it ended: the same one where nobody has looked meanwhile.
    pub server_after: Option<Seen>,
}

/// What happened to a pool. What it does not count is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PoolChange {
    /// Its name.
    pub pool: String,
    /// Times that a connection was lent.
    pub acquired: Option<u64>,
    /// Of these, how often somebody had to wait.
    pub waited: Option<u64>,
    /// All waiting together, in seconds.
    pub wait_s: Option<f64>,
    /// Callers that gave up waiting.
    pub timeouts: Option<u64>,
    /// Connections opened.
    pub opened: Option<u64>,
    /// More connections than at the beginning: left open. Negative where some were closed.
    pub left_open: i64,
    /// More connections in use than at the beginning: not given back, or borrowed by others.
    pub left_in_use: i64,
    /// Connections in use at the end, in per cent of the most it may have.
    pub utilization_percent: f64,
}

/// The server, by a look that somebody had made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Seen {
    /// Sessions of clients.
    pub total_connections: u32,
    /// Of `max_connections`, in per cent.
    pub utilization_percent: f64,
    /// Of the slots that ordinary roles can get, in per cent.
    pub utilization_of_usable_percent: f64,
    /// How old the look was then, in seconds.
    pub age_s: f64,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    time.as_secs_f64().serialize(serializer)
}

impl Seen {
    /// `None` where nobody could look.
    pub(super) fn of(latest: &Latest) -> Option<Self> {
        latest.postgresql().map(|info| Self {
            total_connections: info.total_connections,
            utilization_percent: info.utilization_percent,
            utilization_of_usable_percent: info.utilization_of_usable_percent,
            age_s: latest.age().as_secs_f64(),
        })
    }
}

/// Between two readings of the same pools, in the same order.
pub(super) fn changes(before: Vec<PoolReport>, after: &[PoolReport]) -> Vec<PoolChange> {
    before.into_iter().zip(after).map(|(before, after)| PoolChange::between(before, after)).collect()
}

impl PoolChange {
    fn between(before: PoolReport, after: &PoolReport) -> Self {
        let (a, b) = (&before.stats, &after.stats);
        let more = |of: fn(&Stats) -> Option<u64>| Some(of(b)?.saturating_sub(of(a)?));
        let grown = |of: fn(&Stats) -> u32| i64::from(of(b)) - i64::from(of(a));
        let wait = b.wait_total.zip(a.wait_total).map(|(b, a)| b.saturating_sub(a).as_secs_f64());
        Self {
            pool: before.name,
            acquired: more(|stats| stats.acquired_total),
            waited: more(|stats| stats.waited_total),
            wait_s: wait,
            timeouts: more(|stats| stats.timeouts_total),
            opened: more(|stats| stats.opened_total),
            left_open: grown(|stats| stats.size),
            left_in_use: grown(|stats| stats.in_use),
            utilization_percent: after.utilization_percent,
        }
    }

    /// The larger of the two growths.
    pub(super) fn growth(&self) -> i64 {
        self.left_open.max(self.left_in_use)
    }
}

impl ScopeReport {
    /// A line for itself, and one for each pool.
    pub(super) fn log(&self) {
        let (scope, duration_s) = (self.scope.as_ref(), self.duration.as_secs_f64());
        let before = self.server_before.map(|seen| seen.utilization_percent);
        let after = self.server_after.map(|seen| seen.utilization_percent);
        if self.took_long {
            tracing::warn!(scope, duration_s, before, after, "scope took long");
        } else {
            tracing::debug!(scope, duration_s, before, after, "scope ended");
        }
        for change in &self.pools {
            let PoolChange {
                pool, acquired, waited, wait_s, timeouts, opened, left_open, left_in_use, ..
            } = change;
            if self.has_grown {
                tracing::warn!(
                    scope,
                    pool,
                    acquired,
                    waited,
                    wait_s,
                    timeouts,
                    opened,
                    left_open,
                    left_in_use,
                    "connections grew within a scope"
                );
            } else {
                tracing::debug!(
                    scope,
                    pool,
                    acquired,
                    waited,
                    wait_s,
                    timeouts,
                    opened,
                    left_open,
                    left_in_use,
                    "pool within a scope"
                );
            }
        }
    }
}
