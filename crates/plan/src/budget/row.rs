//! What one row opens, and all of them.

use std::collections::BTreeMap;

use super::{Replicated, Row, Runs, Sums};
use crate::declared::Together;

/// What a row opens.
pub(super) fn sums(row: &Row) -> Sums {
    let each = row.per_replica();
    let (usual, most, rollout) = match &row.replicas {
        Some(replicas) => (replicas.usual.value, replicas.most.value, replicas.at_rollout()),
        None => (1, 1, 1),
    };
    let kept = u64::from(row.processes.value)
        .saturating_mul(u64::from(row.kept.value).saturating_add(u64::from(row.aside.value)));
    let times = |replicas: u32, each: u64| u64::from(replicas).saturating_mul(each);
    match row.runs {
        Runs::Always => {
            Sums { steady: times(usual, kept), peak: times(most, each), rollout: times(rollout, each) }
        }
        // A run may begin while the one before still runs: that needs no rollout.
        Runs::AtTimes => Sums { steady: 0, peak: times(rollout, each), rollout: times(rollout, each) },
        Runs::WithRollout => Sums { steady: 0, peak: 0, rollout: times(most, each) },
        Runs::BeforeMain(main) => {
            let starting = row.replicas.as_ref().map_or(1, Replicated::starting);
            Sums { steady: 0, peak: 0, rollout: times(starting, each.saturating_sub(main)) }
        }
    }
}

/// What all rows open on the server; those that go through a pooler open nothing there.
pub(crate) fn total(rows: &[Row], together: Together) -> Sums {
    let direct = || rows.iter().filter(|row| row.via.is_none());
    let add = |of: fn(&Row) -> u64| direct().map(of).fold(0u64, u64::saturating_add);
    let peak = add(|row| row.sums.peak);
    let rollout = match together {
        Together::All => add(|row| row.sums.rollout),
        Together::One => {
            let mut dearest = BTreeMap::<&str, u64>::new();
            let mut jobs = 0u64;
            for row in direct() {
                let more = row.sums.rollout.saturating_sub(row.sums.peak);
                let sum = match row.runs {
                    Runs::WithRollout => &mut jobs,
                    Runs::Always | Runs::AtTimes | Runs::BeforeMain(_) => {
                        dearest.entry(&row.workload).or_default()
                    }
                };
                *sum = sum.saturating_add(more);
            }
            let dearest = dearest.into_values().max().unwrap_or(0);
            peak.saturating_add(dearest).saturating_add(jobs)
        }
    };
    Sums { steady: add(|row| row.sums.steady), peak, rollout }
}
