//! What would fit: a smaller pool for everybody, or a larger server.

use super::{Phase, Replicated, Row, Slots, Sums};
use crate::declared::{Thresholds, Together};

/// What would bring every sum to the warning threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// No process with more connections than this, where its owner can choose; `None` where not even one each fits.
    pub pool: Option<u32>,
    /// The sums with that pool.
    pub sums: Sums,
    /// The `max_connections` that would have room for the present pools.
    pub connections_max: u64,
}

/// The largest common cap of the pools whose sums stay at the threshold, and the server that fits the present ones.
pub(super) fn fit(rows: &[Row], together: Together, slots: &Slots, thresholds: Thresholds) -> Fit {
    let room = u64::from(thresholds.warn) * u64::from(slots.usable()) / 100;
    let fits = |cap: u32| super::row::total(&capped(rows, cap), together).largest() <= room;
    let present = rows.iter().filter(|row| row.scales).map(|row| row.pool.value).max().unwrap_or(0);
    // Sums grow with the cap: the largest that fits lies between the two.
    let (mut fitting, mut failing) = (0, present.saturating_add(1));
    while failing - fitting > 1 {
        let middle = fitting + (failing - fitting) / 2;
        if fits(middle) { fitting = middle } else { failing = middle }
    }
    let pool = (fitting > 0 && fits(fitting)).then_some(fitting);
    let sums = super::row::total(&capped(rows, fitting.max(1)), together);
    let largest = super::row::total(rows, together).largest();
    let kept_back = u64::from(slots.superuser_reserved.value) + u64::from(slots.reserved.value);
    let connections_max = largest.saturating_mul(100).div_ceil(u64::from(thresholds.warn.max(1))) + kept_back;
    Fit { pool, sums, connections_max }
}

fn capped(rows: &[Row], cap: u32) -> Vec<Row> {
    let mut rows = rows.to_vec();
    for row in rows.iter_mut().filter(|row| row.scales) {
        row.resize(row.processes.value, row.pool.value.min(cap));
    }
    rows
}

impl Row {
    /// The same row with so many processes, and so many connections in the pool of each.
    pub(crate) fn resize(&mut self, processes: u32, pool: u32) {
        self.processes.value = processes;
        self.pool.value = pool;
        self.kept.value = self.kept.value.min(pool);
        self.sums = super::row::sums(self);
    }
}

impl Sums {
    /// The sum of a phase.
    pub fn of(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Steady => self.steady,
            Phase::Peak => self.peak,
            Phase::Rollout => self.rollout,
        }
    }

    /// The largest of them.
    pub fn largest(&self) -> u64 {
        self.steady.max(self.peak).max(self.rollout)
    }
}

impl Replicated {
    /// How many there are at once during a rollout.
    pub fn at_rollout(&self) -> u32 {
        self.most.value.saturating_add(self.replaced.surge).saturating_add(self.replaced.terminating)
    }

    /// How many begin at once during a rollout: a wave, or all where the old ones have ended.
    pub fn starting(&self) -> u32 {
        match self.replaced.surge.max(self.replaced.terminating) {
            0 => self.most.value,
            wave => wave.min(self.most.value),
        }
    }
}
