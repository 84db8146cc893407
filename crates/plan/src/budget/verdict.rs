//! A sum beside the slots it has.

use super::{Slots, Sums};
use crate::declared::Thresholds;

/// When a sum is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// On a usual day.
    Steady,
    /// At most, without a rollout.
    Peak,
    /// At most, during one.
    Rollout,
}

impl Phase {
    /// All, from the smallest sum to the largest.
    pub const ALL: [Self; 3] = [Self::Steady, Self::Peak, Self::Rollout];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Peak => "peak",
            Self::Rollout => "rollout",
        }
    }
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// At or below both thresholds.
    Ok,
    /// Above the first.
    Warning,
    /// Above the second, or above all there is.
    Critical,
}

/// The largest share that is told, in tenths of a percent.
pub const PERMILLE_MAX: u64 = 99_999;

/// One sum, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which sum.
    pub phase: Phase,
    /// The sum.
    pub connections: u64,
    /// Slots that ordinary roles can get.
    pub usable: u32,
    /// How bad.
    pub grade: Grade,
    /// The threshold that was passed, in percent of `usable`; 100 where it does not fit at all.
    pub passed: Option<u32>,
}

impl Verdict {
    /// The sum in tenths of a percent of the usable slots, rounded down; [`PERMILLE_MAX`] for all beyond it, and for
    /// anything of no slots.
    pub fn permille(&self) -> u64 {
        let part = self.connections.saturating_mul(1000).checked_div(u64::from(self.usable));
        part.unwrap_or(if self.connections == 0 { 0 } else { PERMILLE_MAX }).min(PERMILLE_MAX)
    }
}

/// Of each phase.
pub(super) fn judge(sums: Sums, slots: &Slots, thresholds: Thresholds) -> Vec<Verdict> {
    let usable = slots.usable();
    Phase::ALL
        .into_iter()
        .map(|phase| {
            let connections = sums.of(phase);
            let above =
                |percent: u32| connections.saturating_mul(100) > u64::from(percent) * u64::from(usable);
            let (grade, passed) = if above(100) {
                (Grade::Critical, Some(100))
            } else if above(thresholds.crit) {
                (Grade::Critical, Some(thresholds.crit))
            } else if above(thresholds.warn) {
                (Grade::Warning, Some(thresholds.warn))
            } else {
                (Grade::Ok, None)
            };
            Verdict { phase, connections, usable, grade, passed }
        })
        .collect()
}
