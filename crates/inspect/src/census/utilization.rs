//! How full a server is, in the two ways in which people say it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Totals;
use crate::catalog::Facts;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing to do.
    Ok,
    /// Look at it.
    Warning,
    /// Act.
    Critical,
}

/// Where warning and critical begin, in per cent of the usable slots: a value above them is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Above it: warning.
    pub warn: f64,
    /// Above it: critical.
    pub crit: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { warn: 70.0, crit: 85.0 }
    }
}

impl Thresholds {
    /// The level of a value.
    pub fn level(&self, value: f64) -> Level {
        if value > self.crit {
            Level::Critical
        } else if value > self.warn {
            Level::Warning
        } else {
            Level::Ok
        }
    }
}

/// Slots taken, as a share. May pass 100 % of the usable ones: the reserved slots are slots, too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Utilization {
    /// Of `max_connections`.
    pub of_max_percent: f64,
    /// Of what ordinary roles can get; this one decides.
    pub of_usable_percent: f64,
}

impl Utilization {
    /// Of a server with these totals.
    pub fn of(totals: &Totals, facts: &Facts) -> Self {
        let share = |of: u32| if of == 0 { 100.0 } else { f64::from(totals.total) * 100.0 / f64::from(of) };
        Self { of_max_percent: share(facts.max_connections), of_usable_percent: share(facts.usable()) }
    }
}
