//! What the plan file says over what was found.

use super::Row;
use crate::Number;
use crate::declared::{self};
use crate::deployed::{Life, Overlap, Share};

/// A row's numbers.
pub(super) fn correct(row: &mut Row, said: &declared::Service) {
    if let Some(processes) = &said.processes {
        row.processes = processes.clone();
    }
    if let Some(pool) = &said.pool {
        row.place = pool.place().unwrap_or(&row.place).clone();
        row.pool = pool.clone();
        row.kept = pool.clone();
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
