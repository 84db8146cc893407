//! What was measured, beside what was simulated.

use crate::chart::{Axis, Chart, Panel, Point, Scale, Series};
use crate::simulate::Outcome;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Calibration, Load, Round};

/// `connwarden.measure/1`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MeasureReport {
    /// `connwarden.measure/1`.
    schema: &'static str,
    /// Requests per second, where they came by chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<f64>,
    /// Clients, where each waited for its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    clients: Option<u32>,
    /// Of the server, as the simulation has it.
    cores: u32,
    /// Nobody said how many: those of the machine that measured.
    cores_assumed: bool,
    /// Mean hold when nobody else was there, in seconds.
    hold_alone_s: f64,
    /// Requests per second with every connection of the largest pool busy.
    most_per_s: f64,
    /// Part of the hold that takes no core of the server.
    application_share: f64,
    /// One for each size, smallest first.
    pub rows: Vec<MeasuredReport>,
}

/// One size.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MeasuredReport {
    /// Connections.
    pool_size: u32,
    /// What the server did.
    measured: FiguresReport,
    /// Absent where the simulation refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulated: Option<FiguresReport>,
    /// Requests with a statement that the server refused.
    failed: u64,
    /// The first refusal, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_failure: Option<String>,
    /// Requests that were not begun because 20,000 waited.
    dropped: u64,
}

/// The figures that are compared, in seconds and per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FiguresReport {
    pub throughput_per_s: f64,
    pub hold_mean_s: f64,
    pub latency_mean_s: f64,
    pub latency_p99_s: f64,
    pub wait_mean_s: f64,
    pub wait_p99_s: f64,
}

impl FiguresReport {
    fn measured(round: &Round) -> Self {
        let mut waits: Vec<f64> = round.timings.iter().map(|one| one.wait_s).collect();
        let mut latencies: Vec<f64> = round.timings.iter().map(|one| one.wait_s + one.hold_s).collect();
        waits.sort_by(f64::total_cmp);
        latencies.sort_by(f64::total_cmp);
        let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len().max(1) as f64;
        Self {
            throughput_per_s: round.timings.len() as f64 / round.counted_s.max(1e-9),
            hold_mean_s: mean(&latencies) - mean(&waits),
            latency_mean_s: mean(&latencies),
            latency_p99_s: quantile(&latencies, 0.99),
            wait_mean_s: mean(&waits),
            wait_p99_s: quantile(&waits, 0.99),
        }
    }

    fn simulated(outcome: &Outcome) -> Self {
        Self {
            throughput_per_s: outcome.throughput_per_s.value,
            hold_mean_s: outcome.latency_s.mean.value - outcome.wait_s.mean.value,
            latency_mean_s: outcome.latency_s.mean.value,
            latency_p99_s: outcome.latency_s.p99.value,
            wait_mean_s: outcome.wait_s.mean.value,
            wait_p99_s: outcome.wait_s.p99.value,
        }
    }
}

/// Of sorted figures.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

impl MeasuredReport {
    /// One size, measured and simulated.
    pub fn of(pool_size: u32, round: &Round, outcome: Option<&Outcome>) -> Self {
        Self {
            pool_size,
            measured: FiguresReport::measured(round),
            simulated: outcome.map(FiguresReport::simulated),
            failed: round.failed,
            first_failure: round.first_failure.clone(),
            dropped: round.dropped,
        }
    }

    /// The cells of the table.
    pub fn cells(&self) -> Vec<String> {
        let of = |which: fn(&FiguresReport) -> f64, say: fn(f64) -> String| {
            let simulated = self.simulated.as_ref().map_or_else(|| "-".to_owned(), |one| say(which(one)));
            [say(which(&self.measured)), simulated]
        };
        let mut cells = vec![self.pool_size.to_string()];
        cells.extend(of(|one| one.throughput_per_s, |value| format!("{value:.0}")));
        cells.extend(of(|one| one.latency_mean_s, millis));
        cells.extend(of(|one| one.wait_p99_s, millis));
        cells.push(self.failed.to_string());
        cells
    }
}

fn millis(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

impl MeasureReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.measure/1";

    /// What two calibrating rounds and one for each size brought.
    pub fn of(
        load: Load,
        cores: u32,
        cores_assumed: bool,
        calibration: &Calibration,
        rows: Vec<MeasuredReport>,
    ) -> Self {
        let (rate_per_s, clients) = match load {
            Load::Rate(rate) => (Some(rate), None),
            Load::Clients(count) => (None, Some(count)),
        };
        Self {
            schema: Self::SCHEMA,
            rate_per_s,
            clients,
            cores,
            cores_assumed,
            hold_alone_s: calibration.hold_alone_s,
            most_per_s: calibration.most_per_s,
            application_share: calibration.application_share,
            rows,
        }
    }

    /// What was played.
    pub fn setting(&self) -> String {
        let load = match (self.rate_per_s, self.clients) {
            (Some(rate), _) => format!("{rate} requests per second"),
            (None, clients) => format!("{} clients, each again at once", clients.unwrap_or(0)),
        };
        let cores = if self.cores_assumed { " (this machine's)" } else { "" };
        format!(
            "{load}. Alone the script holds a connection for {}, {:.0}% of it without a core of the server; flat out {:.0} per second. \
             {} cores{cores}.",
            millis(self.hold_alone_s),
            100.0 * self.application_share,
            self.most_per_s,
            self.cores
        )
    }

    /// What else is to be said.
    pub fn remarks(&self) -> Vec<String> {
        let mut all = Vec::new();
        for row in &self.rows {
            if let Some(why) = &row.first_failure {
                let why = ::text::clean(why);
                all.push(format!("{} connections: {} failed, the first: {why}", row.pool_size, row.failed));
            }
            if row.dropped > 0 {
                all.push(format!(
                    "{} connections: {} requests were not begun, for 20000 waited: times grow with the duration",
                    row.pool_size, row.dropped
                ));
            }
        }
        let apart = |which: fn(&FiguresReport) -> f64| {
            let mut all: Vec<f64> = self
                .rows
                .iter()
                .filter_map(|row| {
                    let (measured, simulated) = (which(&row.measured), which(row.simulated.as_ref()?));
                    (measured > 0.0).then(|| (simulated / measured - 1.0).abs())
                })
                .collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied()
        };
        if let (Some(throughput), Some(wait)) =
            (apart(|one| one.throughput_per_s), apart(|one| one.wait_p99_s))
        {
            all.push(format!(
                "the simulation is off by {:.0}% in throughput and {:.0}% in the wait's p99 (medians over the sizes)",
                100.0 * throughput,
                100.0 * wait
            ));
        }
        all
    }

    /// Throughput above, latency below; measured and simulated.
    pub fn chart(&self) -> Chart {
        let series = |name: &str, of: &dyn Fn(&MeasuredReport) -> Option<f64>| Series {
            name: name.to_owned(),
            points: self
                .rows
                .iter()
                .filter_map(|row| Some(Point { x: f64::from(row.pool_size), y: of(row)?, half: None }))
                .collect(),
        };
        let axis = |label: &str, unit: &str, scale| Axis { label: label.into(), unit: unit.into(), scale };
        let panel = |label, unit, which: fn(&FiguresReport) -> f64, factor: f64| Panel {
            y: axis(label, unit, Scale::Linear),
            series: vec![
                series("measured", &|row| Some(which(&row.measured) * factor)),
                series("simulated", &|row| row.simulated.as_ref().map(|one| which(one) * factor)),
            ],
        };
        Chart {
            title: "Pool sizes, measured".into(),
            subtitle: self.setting(),
            note: "Throughput and mean latency of each pool size, measured and simulated.".into(),
            x: axis("pool size", "", Scale::Linear),
            panels: vec![
                panel("throughput", "per s", |one| one.throughput_per_s, 1.0),
                panel("latency", "ms", |one| one.latency_mean_s, 1e3),
            ],
            marker: None,
        }
    }
}
