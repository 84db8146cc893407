//! `connwarden.simulation/1`.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Arrivals, Comparison, Estimate, Hold, Knee, Row, Scenario, Spread, Spreading};
use super::sentence;
use crate::queue::Line;

/// Pool sizes side by side.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimulationReport {
    /// `connwarden.simulation/1`.
    pub schema: &'static str,
    /// What was played.
    pub load: LoadReport,
    /// One for each size, smallest first.
    pub rows: Vec<RowReport>,
    /// Where more connections stop being worth it.
    pub knee: KneeReport,
    /// What nobody said and was assumed.
    pub assumptions: Vec<String>,
}

/// What was played.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it; Scenario explains them")]
pub struct LoadReport {
    /// `poisson`, `trace`, `concurrency` or `clients`.
    pub arrivals: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think_s: Option<f64>,
    pub hold_mean_s: f64,
    pub hold_cv: f64,
    /// `exponential`, `lognormal`, `fixed`, `empirical`, or `recorded` for a trace's own.
    pub hold_shape: &'static str,
    pub application_share: f64,
    pub processes: u32,
    /// `random` or `round_robin`.
    pub spreading: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    pub sigma: f64,
    pub kappa: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_timeout_s: Option<f64>,
    pub duration_s: f64,
    pub warm_up_s: f64,
    pub seed: u64,
}

/// One size.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it; Row and Outcome explain them")]
pub struct RowReport {
    pub pool_size: u32,
    pub connections: u32,
    pub memory_bytes: u64,
    pub arrived_per_s: f64,
    pub throughput_per_s: EstimateReport,
    pub latency_s: SpreadReport,
    pub wait_s: SpreadReport,
    pub pool_utilisation: EstimateReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_utilisation: Option<EstimateReport>,
    pub waiting: EstimateReport,
    pub waiting_most: u32,
    pub refused_share: f64,
    pub timed_out_share: f64,
    /// If not, the line grows, and times grow with the duration.
    pub keeps_up: bool,
    /// What the formulae expect of the wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedReport>,
    pub words: WordsReport,
}

/// A figure, and how far the truth may be away with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EstimateReport {
    /// The figure.
    pub value: f64,
    /// `value - half` to `value + half`; absent where too little was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half: Option<f64>,
}

/// How a time is spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SpreadReport {
    pub mean: EstimateReport,
    pub p50: EstimateReport,
    pub p90: EstimateReport,
    pub p95: EstimateReport,
    pub p99: EstimateReport,
    pub max: f64,
}

/// What Erlang, Allen and Cunneen expect for one pool, the server never being the bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "line")]
pub enum ExpectedReport {
    /// A line that comes and goes.
    Steady {
        /// Mean seconds of waiting.
        wait_mean_s: f64,
        /// Its p99.
        wait_p99_s: f64,
        /// The share of connections that are lent.
        utilisation: f64,
    },
    /// More arrives than can be served.
    Grows {
        /// By so many each second.
        per_s: f64,
    },
}

/// The sizing guide's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WordsReport {
    /// `lower`, `optimal`, `higher`, `diminishing`.
    pub throughput: &'static str,
    /// `low`, `higher`.
    pub latency: &'static str,
    /// `low`, `balanced`, `high`, `very high`.
    pub resources: &'static str,
}

/// Where more connections stop being worth it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KneeReport {
    /// `flat`, `rises`, `beyond`, `overload`, `unknown`.
    pub verdict: &'static str,
    /// Connections of one process, where there is a knee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_size: Option<u32>,
    /// The size from which on latency is higher again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rises_at: Option<u32>,
    /// The same for people, with the figures it rests on.
    pub sentence: String,
}

impl SimulationReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.simulation/1";

    /// What came of a scenario, with what was assumed for it.
    pub fn of(scenario: &Scenario, comparison: &Comparison, assumptions: Vec<String>) -> Self {
        Self {
            schema: Self::SCHEMA,
            load: LoadReport::of(scenario),
            rows: comparison.rows.iter().map(RowReport::of).collect(),
            knee: KneeReport::of(comparison),
            assumptions,
        }
    }
}

impl LoadReport {
    fn of(scenario: &Scenario) -> Self {
        let (arrivals, rate_per_s, clients, think_s) = match scenario.arrivals {
            Arrivals::Poisson { rate_per_s } => ("poisson", Some(rate_per_s), None, None),
            Arrivals::Trace(_) => ("trace", None, None, None),
            Arrivals::Concurrency(_) => ("concurrency", None, None, None),
            Arrivals::Clients { count, think_s } => ("clients", None, Some(count), Some(think_s)),
        };
        let shape = match scenario.hold {
            Hold::Exponential { .. } => "exponential",
            Hold::Lognormal { .. } => "lognormal",
            Hold::Fixed { .. } => "fixed",
            Hold::Empirical(_) => "empirical",
        };
        let (hold_mean_s, hold_cv, hold_shape) = match &scenario.arrivals {
            Arrivals::Trace(checkouts) => {
                let own = Hold::Empirical(checkouts.iter().map(|one| one.hold_s).collect());
                (own.mean_s(), own.cv(), "recorded")
            }
            Arrivals::Poisson { .. } | Arrivals::Concurrency(_) | Arrivals::Clients { .. } => {
                (scenario.hold.mean_s(), scenario.hold.cv(), shape)
            }
        };
        Self {
            arrivals,
            rate_per_s,
            clients,
            think_s,
            hold_mean_s,
            hold_cv,
            hold_shape,
            application_share: scenario.application_share,
            processes: scenario.processes,
            spreading: match scenario.spreading {
                Spreading::Random => "random",
                Spreading::RoundRobin => "round_robin",
            },
            cores: scenario.server.cores,
            sigma: scenario.server.sigma,
            kappa: scenario.server.kappa,
            waiting_max: scenario.waiting_max,
            wait_timeout_s: scenario.wait_timeout_s,
            duration_s: scenario.duration_s,
            warm_up_s: scenario.warm_up_s,
            seed: scenario.seed,
        }
    }
}

impl RowReport {
    fn of(row: &Row) -> Self {
        let outcome = &row.outcome;
        Self {
            pool_size: row.pool_size,
            connections: row.connections,
            memory_bytes: row.memory_bytes,
            arrived_per_s: outcome.arrived_per_s,
            throughput_per_s: outcome.throughput_per_s.into(),
            latency_s: outcome.latency_s.into(),
            wait_s: outcome.wait_s.into(),
            pool_utilisation: outcome.pool_utilisation.into(),
            server_utilisation: outcome.server_utilisation.map(EstimateReport::from),
            waiting: outcome.waiting.into(),
            waiting_most: outcome.waiting_most,
            refused_share: outcome.refused_share,
            timed_out_share: outcome.timed_out_share,
            keeps_up: outcome.keeps_up,
            expected: row.expected.map(ExpectedReport::from),
            words: WordsReport {
                throughput: row.words.throughput.word(),
                latency: row.words.latency.word(),
                resources: row.words.resources.word(),
            },
        }
    }
}

impl KneeReport {
    fn of(comparison: &Comparison) -> Self {
        let size = |at: usize| comparison.rows.get(at).map(|row| row.pool_size);
        let (verdict, rises_at) = match comparison.knee {
            Knee::Flat { .. } => ("flat", None),
            Knee::Rises { rises, .. } => ("rises", size(rises)),
            Knee::Beyond => ("beyond", None),
            Knee::Overload => ("overload", None),
            Knee::Unknown => ("unknown", None),
        };
        let pool_size = comparison.knee.at().and_then(size);
        Self { verdict, pool_size, rises_at, sentence: sentence::of(comparison) }
    }
}

impl From<Estimate> for EstimateReport {
    fn from(estimate: Estimate) -> Self {
        Self { value: estimate.value, half: estimate.half }
    }
}

impl From<Spread> for SpreadReport {
    fn from(spread: Spread) -> Self {
        Self {
            mean: spread.mean.into(),
            p50: spread.p50.into(),
            p90: spread.p90.into(),
            p95: spread.p95.into(),
            p99: spread.p99.into(),
            max: spread.max,
        }
    }
}

impl From<Line> for ExpectedReport {
    fn from(line: Line) -> Self {
        match line {
            Line::Steady(wait) => Self::Steady {
                wait_mean_s: wait.mean_s(),
                wait_p99_s: wait.quantile_s(0.99),
                utilisation: wait.utilisation(),
            },
            Line::Grows { per_s } => Self::Grows { per_s },
        }
    }
}
