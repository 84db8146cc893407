//! The sizing guide's words, found from the figures of the rows around them.

use std::cmp::Ordering;

use super::{Knee, Row};

/// Latency this near to the best is low: one and a quarter of it.
const LOW: f64 = 1.25;

/// How much is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThroughputWord {
    /// Less than the knee, for sure, or less than what arrives.
    Lower,
    /// The knee's, or as much with fewer connections.
    #[default]
    Optimal,
    /// More than the size before it, for sure, but not enough to be worth the connections.
    Higher,
    /// Beyond the knee, and not more than the size before it.
    Diminishing,
}

/// How long it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LatencyWord {
    /// Within a quarter of the best, or not to be told from it.
    #[default]
    Low,
    /// Longer.
    Higher,
}

/// How many connections it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResourceWord {
    /// Less than three quarters of the knee's.
    Low,
    /// About the knee's.
    #[default]
    Balanced,
    /// From one and a half of the knee's.
    High,
    /// From three times the knee's.
    VeryHigh,
}

/// The words of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// How much is done.
    pub throughput: ThroughputWord,
    /// How long it takes.
    pub latency: LatencyWord,
    /// How many connections it takes.
    pub resources: ResourceWord,
}

impl ThroughputWord {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Optimal => "optimal",
            Self::Higher => "higher",
            Self::Diminishing => "diminishing",
        }
    }
}

impl LatencyWord {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Higher => "higher",
        }
    }
}

impl ResourceWord {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Balanced => "balanced",
            Self::High => "high",
            Self::VeryHigh => "very high",
        }
    }
}

/// The words of all rows. Where the knee was not reached, the largest size stands for it; where none keeps up, the one that
/// does most.
pub(super) fn of(rows: &[Row], knee: Knee) -> Vec<Words> {
    let done = |at: &usize| rows.get(*at).map_or(0.0, |row| row.outcome.throughput_per_s.value);
    let most = || (0..rows.len()).max_by(|one, two| done(one).total_cmp(&done(two)));
    let at = match knee {
        Knee::Flat { at } | Knee::Rises { at, .. } => at,
        Knee::Overload => most().unwrap_or(0),
        Knee::Beyond | Knee::Unknown => rows.len().saturating_sub(1),
    };
    let Some(best) = rows.get(at) else { return Vec::new() };
    let soonest = rows
        .iter()
        .filter(|row| row.outcome.keeps_up)
        .min_by(|one, two| one.outcome.latency_s.mean.value.total_cmp(&two.outcome.latency_s.mean.value))
        .unwrap_or(best);
    let mut before: Option<&Row> = None;
    let mut words = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        words.push(Words {
            throughput: throughput(row, before, best, place.cmp(&at)),
            latency: latency(row, soonest),
            resources: resources(row, best),
        });
        before = Some(row);
    }
    words
}

fn throughput(row: &Row, before: Option<&Row>, best: &Row, side: Ordering) -> ThroughputWord {
    let done = |row: &Row| row.outcome.throughput_per_s;
    match side {
        Ordering::Less | Ordering::Equal if !row.outcome.keeps_up => ThroughputWord::Lower,
        Ordering::Less if done(best).exceeds(&done(row)) => ThroughputWord::Lower,
        Ordering::Less | Ordering::Equal => ThroughputWord::Optimal,
        Ordering::Greater => {
            let gains = before.is_some_and(|before| done(row).exceeds(&done(before)));
            if gains { ThroughputWord::Higher } else { ThroughputWord::Diminishing }
        }
    }
}

fn latency(row: &Row, soonest: &Row) -> LatencyWord {
    let (is, best) = (row.outcome.latency_s.mean, soonest.outcome.latency_s.mean);
    let near = is.value <= LOW * best.value || (is.half.is_some() && !is.exceeds(&best));
    if row.outcome.keeps_up && near { LatencyWord::Low } else { LatencyWord::Higher }
}

fn resources(row: &Row, best: &Row) -> ResourceWord {
    let times = row.memory_bytes as f64 / best.memory_bytes.max(1) as f64;
    match times {
        times if times < 0.75 => ResourceWord::Low,
        times if times < 1.5 => ResourceWord::Balanced,
        times if times < 3.0 => ResourceWord::High,
        _ => ResourceWord::VeryHigh,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::{Counts, Estimate, Outcome, Spread};
    use super::super::knee;
    use super::*;

    /// Size, throughput per second, latency in milliseconds.
    pub(in super::super) type Figures = (u32, f64, f64);

    /// Rows with these figures, each sure to 1 %.
    pub(in super::super) fn rows(figures: &[Figures]) -> Vec<Row> {
        let sure = |value: f64| Estimate { value, half: Some(value * 0.01) };
        let row = |&(pool_size, throughput, latency_ms): &Figures| Row {
            pool_size,
            connections: pool_size,
            outcome: Outcome {
                arrived_per_s: throughput,
                throughput_per_s: sure(throughput),
                pool_utilisation: sure(0.5),
                server_utilisation: None,
                waiting: sure(0.0),
                waiting_most: 0,
                wait_s: Spread::default(),
                latency_s: Spread { mean: sure(latency_ms / 1e3), ..Spread::default() },
                refused_share: 0.0,
                timed_out_share: 0.0,
                keeps_up: true,
                measured_s: 1.0,
                counts: Counts::default(),
            },
            memory_bytes: u64::from(pool_size) << 20,
            expected: None,
            words: Words::default(),
        };
        figures.iter().map(row).collect()
    }

    fn said(figures: &[Figures]) -> Vec<[&'static str; 3]> {
        let rows = rows(figures);
        of(&rows, knee(&rows))
            .iter()
            .map(|words| [words.throughput.word(), words.latency.word(), words.resources.word()])
            .collect()
    }

    #[test]
    fn words_follow_the_figures() {
        let figures = [(10, 100.0, 90.0), (25, 200.0, 40.0), (50, 209.0, 41.0), (100, 210.0, 42.0)];
        let wanted = [
            ["lower", "higher", "low"],
            ["optimal", "low", "balanced"],
            ["higher", "low", "high"],
            ["diminishing", "low", "very high"],
        ];
        assert_eq!(said(&figures), wanted);
    }

    #[test]
    fn other_figures_have_other_words() {
        let figures = [(10, 200.0, 40.0), (25, 201.0, 40.0), (50, 150.0, 80.0)];
        let wanted = [
            ["optimal", "low", "balanced"],
            ["diminishing", "low", "high"],
            ["diminishing", "higher", "very high"],
        ];
        assert_eq!(said(&figures), wanted);
    }

    #[test]
    fn no_size_that_falls_behind_is_optimal() {
        let mut all = rows(&[(5, 100.0, 90.0), (10, 200.0, 40.0), (20, 150.0, 80.0)]);
        for row in &mut all {
            row.outcome.keeps_up = false;
        }
        let words: Vec<_> = of(&all, knee(&all)).iter().map(|words| words.throughput).collect();
        assert_eq!(words, [ThroughputWord::Lower, ThroughputWord::Lower, ThroughputWord::Diminishing]);
    }

    #[test]
    fn a_size_that_does_as_much_with_fewer_is_not_called_lower() {
        let figures = [(10, 200.0, 90.0), (20, 200.0, 40.0), (40, 200.0, 39.0)];
        assert_eq!(said(&figures)[0], ["optimal", "higher", "low"]);
    }
}
