//! The same load with several pool sizes, side by side.

mod knee;
mod words;

use super::{Arrivals, Estimate, Mistake, Outcome, Scenario, Spreading, run};
use crate::queue::{self, Line, Load, Variation};

pub use knee::{Knee, knee};
pub use words::{LatencyWord, ResourceWord, ThroughputWord, Words};

/// Sizes that are compared at once, at most.
pub const SIZES_MAX: usize = 64;

/// One size.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Connections of one process.
    pub pool_size: u32,
    /// Of all processes.
    pub connections: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// What the connections take when they do nothing, in bytes.
    pub memory_bytes: u64,
    /// What the formulae expect, for a load that has a rate and a server that is never the bottleneck; `None` where they have
    /// nothing to say: clients that wait for their answer, requests that give up, traffic as recorded.
    pub expected: Option<Line>,
    /// The sizing guide's words for it.
    pub words: Words,
}

/// Sizes side by side, smallest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// One for each size.
    pub rows: Vec<Row>,
    /// Where more connections stop being worth it.
    pub knee: Knee,
}

impl Comparison {
    /// The row of the knee, if there is one.
    pub fn best(&self) -> Option<&Row> {
        self.rows.get(self.knee.at()?)
    }
}

/// Plays a scenario with each of the sizes. All of them meet the same requests.
///
/// # Errors
/// What is wrong with the scenario or the sizes.
pub fn compare(scenario: &Scenario, sizes: &[u32], backend_bytes: u64) -> Result<Comparison, Vec<Mistake>> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.is_empty() || sizes.len() > SIZES_MAX {
        let message = format!("{} sizes to compare, at least 1 and at most {SIZES_MAX} are", sizes.len());
        return Err(vec![Mistake { field: "sizes", message, fix: "give a few sizes, such as 5,10,20" }]);
    }
    let mut rows = Vec::with_capacity(sizes.len());
    for pool_size in sizes {
        let scenario = Scenario { pool_size, ..scenario.clone() };
        let outcome = run(&scenario)?;
        let connections = pool_size.saturating_mul(scenario.processes);
        rows.push(Row {
            pool_size,
            connections,
            outcome,
            memory_bytes: queue::connections_memory_bytes(connections, backend_bytes),
            expected: expected(&scenario),
            words: Words::default(),
        });
    }
    let knee = knee(&rows);
    let words = words::of(&rows, knee);
    for (row, words) in rows.iter_mut().zip(words) {
        row.words = words;
    }
    Ok(Comparison { rows, knee })
}

/// What the formulae say of one of the pools.
fn expected(scenario: &Scenario) -> Option<Line> {
    let Arrivals::Poisson { rate_per_s } = scenario.arrivals else { return None };
    if scenario.waiting_max.is_some() || scenario.wait_timeout_s.is_some() {
        return None;
    }
    let processes = f64::from(scenario.processes);
    let load = Load::new(rate_per_s / processes, scenario.hold.mean_s())?;
    let arrivals = match scenario.spreading {
        Spreading::Random => 1.0,
        // Every so-manieth arrival of chance: Erlang's distribution.
        Spreading::RoundRobin => 1.0 / processes.sqrt(),
    };
    let variation = Variation { arrivals, holds: scenario.hold.cv() };
    Some(queue::line_that_varies(load, scenario.pool_size, variation))
}

/// One is more than another for sure, and by so much that it is worth the connections: `exponent` is what a gain is of the
/// growth, on logarithms.
fn worth_it(more: &Estimate, less: &Estimate, growth: f64, exponent: f64) -> bool {
    more.exceeds(less) && (less.value <= 0.0 || (more.value / less.value).ln() >= exponent * growth.ln())
}
