//! Figures as people say them, and what the knee means in a sentence.

use super::super::{Comparison, Estimate, Knee, Row};

/// The sentence about the knee.
pub(super) fn of(comparison: &Comparison) -> String {
    let rows = &comparison.rows;
    match comparison.knee {
        Knee::Flat { at } => best(rows, at, None),
        Knee::Rises { at, rises } => best(rows, at, Some(rises)),
        Knee::Beyond => rows.last().map_or_else(String::new, |row| {
            format!("The largest size that was tried, {}, still gains: try larger ones.", row.pool_size)
        }),
        Knee::Overload => overload(rows),
        Knee::Unknown => "One size alone shows no knee: compare several.".to_owned(),
    }
}

fn best(rows: &[Row], at: usize, rises: Option<usize>) -> String {
    let Some(row) = rows.get(at) else { return String::new() };
    let mut said = format!("Best of those tried: {}", size(row));
    match rises.and_then(|rises| rows.get(rises)) {
        Some(slower) if slower.outcome.keeps_up => {
            let (is, was) = (slower.outcome.latency_s.mean, row.outcome.latency_s.mean);
            said += &format!(
                ". From {} on latency rises: {} instead of {}.",
                slower.pool_size,
                sure_time(is),
                sure_time(was)
            );
        }
        Some(slower) => said += &format!(". With {} the server no longer keeps up.", slower.pool_size),
        None => {
            if let Some(next) = rows.get(at + 1) {
                let (done, took) = (row.outcome.throughput_per_s, row.outcome.latency_s.mean);
                said += &format!(
                    ". More brings nothing that is sure and worth the connections: {} {} and {}.",
                    next.pool_size,
                    beside(next.outcome.throughput_per_s, done, ("does", "much"), |done| sure(done)
                        + " per s"),
                    beside(next.outcome.latency_s.mean, took, ("takes", "long"), sure_time)
                );
            }
        }
    }
    if at == 0 {
        said += " Smaller sizes were not tried.";
    }
    said
}

/// `does as much (160 ± 1 per s)` where no difference is sure, else `does 180 ± 1 per s instead of 160 ± 1 per s`.
fn beside(
    next: Estimate,
    this: Estimate,
    (verb, like): (&str, &str),
    said: fn(Estimate) -> String,
) -> String {
    if next.exceeds(&this) || this.exceeds(&next) {
        format!("{verb} {} instead of {}", said(next), said(this))
    } else {
        format!("{verb} as {like} ({})", said(next))
    }
}

fn size(row: &Row) -> String {
    if row.connections == row.pool_size {
        format!("{} connections", row.pool_size)
    } else {
        format!("{} connections per process, {} together", row.pool_size, row.connections)
    }
}

/// Cores as busy as this are the bottleneck.
const CORES_FULL: f64 = 0.95;

fn overload(rows: &[Row]) -> String {
    let most = rows
        .iter()
        .max_by(|one, two| one.outcome.throughput_per_s.value.total_cmp(&two.outcome.throughput_per_s.value));
    let Some(most) = most else { return String::new() };
    let head = format!(
        "No size keeps up: {} per s arrive, at most {} per s are done (with {}), and the line grows.",
        figure(most.outcome.arrived_per_s),
        sure(most.outcome.throughput_per_s),
        most.pool_size
    );
    let full = most.outcome.server_utilisation.is_some_and(|cores| cores.value >= CORES_FULL);
    let tail = if full {
        "The server's cores are the limit: more connections cannot help."
    } else {
        "Try larger sizes."
    };
    format!("{head} {tail}")
}

/// `12.3 ± 0.4`: two digits of what is not sure, and the figure as far as that.
pub(super) fn sure(estimate: Estimate) -> String {
    let Some(half) = estimate.half else { return figure(estimate.value) };
    let places = match half {
        half if half >= 10.0 => 0,
        half if half >= 1.0 => 1,
        _ => 2,
    };
    format!("{:.places$} ± {half:.places$}", estimate.value)
}

/// `132.9 ± 3.4 ms`: both in one unit.
pub(super) fn sure_time(estimate: Estimate) -> String {
    let (factor, unit) = time_unit(estimate.value);
    format!("{} {unit}", sure(estimate.times(factor)))
}

/// `132.9 ms`, `1.52 s`.
pub(super) fn time(seconds: f64) -> String {
    if seconds == 0.0 {
        return "0 ms".to_owned();
    }
    let (factor, unit) = time_unit(seconds);
    format!("{} {unit}", figure(seconds * factor))
}

fn time_unit(seconds: f64) -> (f64, &'static str) {
    if seconds < 1.0 { (1e3, "ms") } else { (1.0, "s") }
}

/// Four digits that count, no more than two behind the point.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// `700 MiB`, `2.7 GiB`.
pub(super) fn memory(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1_024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1_024.0) }
}

/// `62.5%`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_said_with_the_digits_that_count() {
        assert_eq!([1234.5, 123.45, 12.345, 0.0].map(figure), ["1234", "123.5", "12.35", "0.00"]);
        assert_eq!(sure_time(Estimate { value: 0.1329, half: Some(0.0034) }), "132.9 ± 3.4 ms");
        assert_eq!(sure_time(Estimate { value: 2.0, half: None }), "2.00 s");
        assert_eq!(sure(Estimate { value: 926.44, half: Some(12.3) }), "926 ± 12");
        assert_eq!([time(0.0), time(0.000_36), time(1.516)], ["0 ms", "0.36 ms", "1.52 s"]);
        assert_eq!([memory(100 * (7 << 20)), memory(400 * (7 << 20))], ["700 MiB", "2.7 GiB"]);
    }
}
