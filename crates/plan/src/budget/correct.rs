//! What the plan file says over what was found.

use super::Row;
use crate::Number;
use crate::declared::{self};
use crate::deployed::{Life, Overlap, Replicas, Share};

/// A row's numbers.
pub(super) fn correct(row: &mut Row, said: &declared::Service) {
    if let Some(processes) = &said.processes {
        row.processes = processes.clone();
    }
    if let Some(pool) = &said.pool {
        row.place = pool.place().unwrap_or(&row.place).clone();
        // A smaller pool keeps less. A larger one keeps no more than it did, unless nobody saw what it keeps.
        if row.what.is_empty() {
            row.kept = pool.clone();
        }
        row.pool = pool.clone();
    }
    if let Some(kept) = &said.pool_min {
        row.kept = kept.clone();
    }
    row.kept.value = row.kept.value.min(row.pool.value);
    if let Some(aside) = &said.listeners {
        row.aside = aside.clone();
    }
    if !said.applications.is_empty() {
        row.applications = said.applications.clone();
    }
}

/// How many replicas: a number that is always the same is replaced, an autoscaler keeps its upper end.
pub(super) fn replicas(found: Replicas, said: &declared::Service) -> Replicas {
    let is_fixed = found.usual == found.most;
    let usual = said.replicas.clone().unwrap_or(found.usual);
    let most = match &said.replicas_max {
        Some(most) => most.clone(),
        None if is_fixed || found.most.value < usual.value => usual.clone(),
        None => found.most,
    };
    let usual = if usual.value > most.value { most.clone() } else { usual };
    Replicas { usual, most }
}

/// How a service is replaced.
pub(super) fn replaced_as(life: Life, said: &declared::Service) -> Life {
    let shares = |surge: &Option<Share>, or: u32| {
        surge.clone().unwrap_or_else(|| {
            Share::Percent(Number::assumed(or, format!("a rollout is not described: {or}%")))
        })
    };
    let (surge, unavailable, lingers) = match &life {
        Life::Service(Overlap::Rolling { surge, unavailable, lingers }) => {
            (Some(surge.clone()), Some(unavailable.clone()), *lingers)
        }
        Life::Service(Overlap::None | Overlap::BlueGreen) | Life::Job { .. } | Life::Cron { .. } => {
            (None, None, true)
        }
    };
    let rolling = Life::Service(Overlap::Rolling {
        surge: said.surge.clone().unwrap_or_else(|| shares(&surge, 25)),
        unavailable: said.unavailable.clone().unwrap_or_else(|| shares(&unavailable, 25)),
        lingers: said.terminating.unwrap_or(lingers),
    });
    match said.rollout {
        Some(declared::Rollout::Recreate) => Life::Service(Overlap::None),
        Some(declared::Rollout::BlueGreen) => Life::Service(Overlap::BlueGreen),
        Some(declared::Rollout::Rolling) => rolling,
        None if said.surge.is_some() || said.unavailable.is_some() || said.terminating.is_some() => {
            match life {
                Life::Service(_) => rolling,
                Life::Job { .. } | Life::Cron { .. } => life,
            }
        }
        None => life,
    }
}
