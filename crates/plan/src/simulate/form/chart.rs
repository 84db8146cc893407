//! The report as a picture.

use super::sentence::time;
use super::{EstimateReport, RowReport, SimulationReport};
use crate::chart::{Axis, Chart, Marker, Panel, Point, Scale, Series};

/// Latencies that differ more than this are shown by their size.
const LOG_FROM: f64 = 20.0;
/// Sizes that differ more than this lie by their size, too: most are small.
const LOG_SIZES_FROM: f64 = 8.0;

/// Throughput above, latency below, a line at the knee. A size that does not keep up has no latency to show: it depends on how
/// long one looks.
pub fn chart(report: &SimulationReport) -> Chart {
    let sizes = || report.rows.iter().map(|row| f64::from(row.pool_size));
    let spread = |figures: &[f64]| {
        let low = figures.iter().copied().filter(|figure| *figure > 0.0).fold(f64::INFINITY, f64::min);
        figures.iter().copied().fold(0.0, f64::max) / low
    };
    let scale = |ratio: f64, from: f64| if ratio > from { Scale::Log } else { Scale::Linear };
    let steady = || report.rows.iter().filter(|row| row.keeps_up);
    let figures: Vec<f64> =
        steady().flat_map(|row| [row.latency_s.mean.value, row.latency_s.p99.value]).collect();
    let sizes_apart = spread(&sizes().collect::<Vec<_>>());
    let mut panels = vec![Panel {
        y: axis("throughput", "per s", Scale::Linear),
        series: vec![series("done", report.rows.iter(), |row| row.throughput_per_s, 1.0)],
    }];
    if !figures.is_empty() {
        panels.push(Panel {
            y: axis("latency", "ms", scale(spread(&figures), LOG_FROM)),
            series: vec![
                series("mean", steady(), |row| row.latency_s.mean, 1e3),
                series("p99", steady(), |row| row.latency_s.p99, 1e3),
            ],
        });
    }
    Chart {
        title: "Pool sizes".to_owned(),
        subtitle: load(report),
        note: report.knee.sentence.clone(),
        x: axis(
            if report.load.processes > 1 { "pool size of each process" } else { "pool size" },
            "connections",
            scale(sizes_apart, LOG_SIZES_FROM),
        ),
        panels,
        marker: report.knee.pool_size.map(|size| Marker { x: f64::from(size), text: format!("knee {size}") }),
    }
}

fn axis(label: &str, unit: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), unit: unit.to_owned(), scale }
}

fn series<'a>(
    name: &str,
    rows: impl Iterator<Item = &'a RowReport>,
    of: fn(&RowReport) -> EstimateReport,
    factor: f64,
) -> Series {
    let point = |row: &RowReport| {
        let estimate = of(row);
        Point {
            x: f64::from(row.pool_size),
            y: estimate.value * factor,
            half: estimate.half.map(|half| half * factor),
        }
    };
    Series { name: name.to_owned(), points: rows.map(point).collect() }
}

/// The load in a few words: `400 per s, held 50.00 ms`.
pub(super) fn load(report: &SimulationReport) -> String {
    let load = &report.load;
    let comes = match (load.rate_per_s, load.clients, load.think_s) {
        (Some(rate), _, _) => format!("{rate} requests per s"),
        (None, Some(clients), Some(think_s)) => format!("{clients} clients that think {}", time(think_s)),
        _ if load.arrivals == "trace" => "requests as recorded".to_owned(),
        _ => "requests as busy as recorded".to_owned(),
    };
    let holds = format!("held {} ({}, cv {:.1})", time(load.hold_mean_s), load.hold_shape, load.hold_cv);
    let cores = load.cores.map_or_else(String::new, |cores| format!(", {cores} cores"));
    format!("{comes}, {holds}{cores}")
}
