//! What was measured, beside what was simulated.

use crate::chart::{Axis, Chart, Panel, Point, Scale, Series};
use crate::simulate::{Mistake, Outcome};
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
    /// What the server did. Absent where no request ended while it counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<FiguresReport>,
    /// Absent where the simulation refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulated: Option<FiguresReport>,
    /// Why the simulation refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_simulated: Option<String>,
    /// Requests that ended with an error.
    failed: u64,
    /// The first error.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_failure: Option<String>,
    /// Requests that were not begun because 20,000 waited.
    dropped: u64,
    /// Requests that still waited for a connection at the end.
    waiting_at_end: u64,
    /// False: the line grew by more than chance explains, and times would grow with the duration.
    keeps_up: bool,
    /// Connections that were lost on the way.
    lost: u64,
    /// Those of them that could not be dialled again: the pool was smaller from then on.
    missing: u32,
    /// Sessions that the server had not ended yet when the next size began.
    staying: u32,
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
    fn measured(round: &Round) -> Option<Self> {
        if round.timings.is_empty() {
            return None;
        }
        let mut waits: Vec<f64> = round.timings.iter().map(|one| one.wait_s).collect();
        let mut latencies: Vec<f64> = round.timings.iter().map(|one| one.wait_s + one.hold_s).collect();
        waits.sort_by(f64::total_cmp);
        latencies.sort_by(f64::total_cmp);
        let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len().max(1) as f64;
        Some(Self {
            throughput_per_s: round.timings.len() as f64 / round.counted_s.max(1e-9),
            hold_mean_s: mean(&latencies) - mean(&waits),
            latency_mean_s: mean(&latencies),
            latency_p99_s: quantile(&latencies, 0.99),
            wait_mean_s: mean(&waits),
            wait_p99_s: quantile(&waits, 0.99),
        })
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
    pub fn of(pool_size: u32, round: &Round, outcome: Result<&Outcome, &[Mistake]>) -> Self {
        let refused = |mistakes: &[Mistake]| {
            let all: Vec<String> =
                mistakes.iter().map(|one| format!("{}: {}", one.field, one.message)).collect();
            all.join("; ")
        };
        Self {
            pool_size,
            measured: FiguresReport::measured(round),
            simulated: outcome.ok().map(FiguresReport::simulated),
            not_simulated: outcome.err().map(refused),
            failed: round.failed,
            first_failure: round.first_failure.clone().filter(|_| round.failed > 0),
            dropped: round.dropped,
            waiting_at_end: round.waiting_at_end,
            keeps_up: round.keeps_up(),
            lost: round.lost,
            missing: round.missing,
            staying: round.staying,
        }
    }

    /// The cells of the table.
    pub fn cells(&self) -> Vec<String> {
        let of = |which: fn(&FiguresReport) -> f64, say: fn(f64) -> String| {
            let figure = |figures: &Option<FiguresReport>| {
                figures.as_ref().map_or_else(|| "-".to_owned(), |one| say(which(one)))
            };
            [figure(&self.measured), figure(&self.simulated)]
        };
        let mut cells = vec![self.pool_size.to_string()];
        cells.extend(of(|one| one.throughput_per_s, |value| format!("{value:.0}")));
        cells.extend(of(|one| one.latency_mean_s, millis));
        cells.extend(of(|one| one.wait_p99_s, millis));
        cells.push(self.failed.to_string());
        let grows = if self.keeps_up { "" } else { ", grows" };
        cells.push(format!("{}{grows}", self.waiting_at_end));
        cells
    }

    /// What is to be said of it beside its figures.
    fn remarks(&self) -> Vec<String> {
        let mut all = Vec::new();
        if !self.keeps_up {
            all.push(format!(
                "does not keep up: {} requests waited at the end; times grow with the duration",
                self.waiting_at_end
            ));
        }
        if let Some(why) = &self.first_failure {
            all.push(format!("{} failed, the first: {}", self.failed, ::text::clean(why)));
        }
        if self.dropped > 0 {
            all.push(format!("{} requests were not begun, for 20000 waited", self.dropped));
        }
        match (self.lost, self.missing) {
            (0, _) => {}
            (lost, 0) => all.push(format!("{lost} were lost on the way and dialled again")),
            (lost, missing) => all.push(format!(
                "{lost} were lost on the way, and {missing} could not be dialled again: it went on with fewer"
            )),
        }
        if self.staying > 0 {
            all.push(format!("{} had not left when the next round began", self.staying));
        }
        if let Some(why) = &self.not_simulated {
            all.push(format!("not simulated: {why}"));
        }
        all.iter().map(|remark| format!("{} connections: {remark}", self.pool_size)).collect()
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
        let mut all: Vec<String> = self.rows.iter().flat_map(MeasuredReport::remarks).collect();
        if self.rate_per_s.is_some() {
            all.push(
                "requests come on the timer's milliseconds: measured waits below 2 ms are its noise".into(),
            );
        }
        let apart = |which: fn(&FiguresReport) -> f64| {
            let mut all: Vec<f64> = self
                .rows
                .iter()
                .filter_map(|row| {
                    let (measured, simulated) =
                        (which(row.measured.as_ref()?), which(row.simulated.as_ref()?));
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
                series("measured", &|row| row.measured.as_ref().map(|one| which(one) * factor)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Timing;

    fn report(load: Load, round: &Round) -> MeasureReport {
        let mistakes = [Mistake { field: "hold", message: "no hold was seen".into(), fix: "measure one" }];
        let calibration = Calibration {
            holds_s: vec![0.01],
            hold_alone_s: 0.01,
            most_per_s: 100.0,
            application_share: 0.5,
        };
        let row = MeasuredReport::of(5, round, Err(&mistakes));
        MeasureReport::of(load, 2, false, &calibration, vec![row])
    }

    #[test]
    fn what_made_the_figures_smaller_is_said_beside_them() {
        let timings = vec![Timing { wait_s: 0.0, hold_s: 0.01 }; 100];
        let failure = Some("FATAL: gone".to_owned());
        let round = Round { timings, counted_s: 1.0, first_failure: failure, ..Round::default() };
        assert_eq!(
            report(Load::Clients(5), &round).remarks(),
            ["5 connections: not simulated: hold: no hold was seen"],
            "a failure of the warm-up counts as little as its timings"
        );
        let round = Round { failed: 3, waiting_at_end: 80, lost: 4, missing: 1, staying: 2, ..round };
        assert_eq!(
            report(Load::Rate(180.0), &round).remarks(),
            [
                "5 connections: does not keep up: 80 requests waited at the end; times grow with the duration",
                "5 connections: 3 failed, the first: FATAL: gone",
                "5 connections: 4 were lost on the way, and 1 could not be dialled again: it went on with fewer",
                "5 connections: 2 had not left when the next round began",
                "5 connections: not simulated: hold: no hold was seen",
                "requests come on the timer's milliseconds: measured waits below 2 ms are its noise",
            ]
        );
    }

    #[test]
    fn a_round_in_which_nothing_ended_has_no_times() {
        let round = Round { counted_s: 1.0, waiting_at_end: 50, ..Round::default() };
        let report = report(Load::Rate(50.0), &round);
        assert_eq!(report.rows[0].cells(), ["5", "-", "-", "-", "-", "-", "-", "0", "50, grows"]);
        assert!(
            report.chart().panels.iter().all(|panel| panel.series.iter().all(|one| one.points.is_empty()))
        );
    }
}
