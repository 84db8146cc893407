//! What the checks look at.

use super::{Limits, Point};
use crate::catalog::{Blocking, Sample};
use crate::census::{Plan, Totals, Utilization};

/// Everything that is known at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The server now.
    pub now: &'a Sample,
    /// The server a while before; without it there is no churn.
    pub before: Option<&'a Sample>,
    /// Earlier looks at the same server, the oldest first, this one not among them.
    pub history: &'a [Point],
    /// Who waits for whose locks; `None` where that was not asked.
    pub blocking: Option<&'a Blocking>,
    /// What services may hold; `None` where there is no plan.
    pub plan: Option<&'a Plan>,
    /// Thresholds.
    pub limits: &'a Limits,
}

impl Look<'_> {
    /// Totals of the sample.
    pub(super) fn totals(&self) -> Totals {
        Totals::of(self.now)
    }

    /// Slots taken, in per cent of the usable ones.
    pub(super) fn used_percent(&self) -> f64 {
        Utilization::of(&self.totals(), &self.now.facts).of_usable_percent
    }

    /// Slots are scarce: what wastes them matters.
    pub(super) fn is_scarce(&self) -> bool {
        self.used_percent() > self.limits.utilization.warn
    }

    /// Some sessions are seen only in part.
    pub(super) fn partial(&self) -> bool {
        self.now.is_partial()
    }

    /// Seconds between the two samples, by the server's clock. `None` without two, or across a restart.
    pub(super) fn interval_s(&self) -> Option<f64> {
        let before = self.before?;
        let seconds = (self.now.facts.now_us - before.facts.now_us) as f64 / 1e6;
        (seconds > 0.0 && self.now.facts.uptime_s >= seconds).then_some(seconds)
    }
}
