//! The report for people: figures, the guide's words, the knee's sentence, what was assumed.

use unicode_width::UnicodeWidthStr;

use super::super::Estimate;
use super::chart::load;
use super::sentence::{figure, memory, percent, sure, sure_time, time};
use super::{EstimateReport, ExpectedReport, RowReport, SimulationReport};
use ::text::wrapped;

use crate::chart::{Ink, Line};

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Columns at which sentences are broken.
    pub width: usize,
    /// Nothing but ASCII.
    pub ascii: bool,
}

/// The lines.
pub fn human(report: &SimulationReport, text: Text) -> Vec<Line> {
    let mut lines = vec![Line::of(Ink::Strong, "=== Pool Sizes ===")];
    let width = text.width.clamp(40, 120);
    lines.extend(wrapped(&setting(report), width).into_iter().map(|line| Line::of(Ink::Plain, line)));
    lines.push(Line::default());
    lines.extend(figures(report));
    lines.push(Line::default());
    lines.extend(words(report));
    lines.push(Line::default());
    let ink = if report.knee.pool_size.is_some() { Ink::Good } else { Ink::Warn };
    lines.extend(wrapped(&report.knee.sentence, width).into_iter().map(|line| Line::of(ink, line)));
    for assumption in &report.assumptions {
        let lead = "assumed: ";
        for (number, line) in wrapped(assumption, width - lead.len()).into_iter().enumerate() {
            let lead = if number == 0 { lead } else { "         " };
            lines.push(Line::of(Ink::Faint, format!("{lead}{line}")));
        }
    }
    if text.ascii {
        for span in lines.iter_mut().flat_map(|line| &mut line.spans) {
            span.text = span.text.replace(" ± ", " +- ");
        }
    }
    lines
}

fn setting(report: &SimulationReport) -> String {
    let run = &report.load;
    let mut said = load(report);
    if run.processes > 1 {
        said += &format!(", {} processes with a pool each", run.processes);
    }
    if run.application_share > 0.0 {
        said += &format!(", {} of each hold is the application's", percent(run.application_share));
    }
    if let Some(timeout_s) = run.wait_timeout_s {
        said += &format!(", a request gives up after {}", time(timeout_s));
    }
    if let Some(most) = run.waiting_max {
        said += &format!(", {most} may wait at each pool");
    }
    format!(
        "{said}. {} played, the first {} not counted, seed {}.",
        minutes(run.duration_s),
        minutes(run.warm_up_s),
        run.seed
    )
}

fn minutes(seconds: f64) -> String {
    if seconds >= 120.0 {
        format!("{} min", (seconds / 6.0).round() / 10.0)
    } else {
        format!("{seconds:.0} s")
    }
}

fn figures(report: &SimulationReport) -> Vec<Line> {
    let shows = |of: fn(&RowReport) -> bool| report.rows.iter().any(of);
    let (lost, cores, formula) = (
        shows(|row| row.refused_share > 0.0 || row.timed_out_share > 0.0),
        shows(|row| row.server_utilisation.is_some()),
        shows(|row| row.expected.is_some()),
    );
    let mut heads = vec!["POOL", "CONN", "PER S", "LATENCY", "P99", "WAIT P99"];
    heads.extend(formula.then_some("FORMULA"));
    heads.push("LENT");
    heads.extend(cores.then_some("CORES"));
    heads.extend(lost.then_some("LOST"));
    heads.push("MEMORY");
    let mut rows = vec![heads.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for row in &report.rows {
        let mut cells = vec![
            row.pool_size.to_string(),
            row.connections.to_string(),
            sure(estimate(row.throughput_per_s)),
        ];
        // What grows with the duration is no figure.
        let steady = |text: String| if row.keeps_up { text } else { "grows".to_owned() };
        cells.push(steady(sure_time(estimate(row.latency_s.mean))));
        cells.push(steady(sure_time(estimate(row.latency_s.p99))));
        cells.push(steady(time(row.wait_s.p99.value)));
        if formula {
            cells.push(row.expected.map_or_else(String::new, |line| expected(line, row.keeps_up)));
        }
        cells.push(percent(row.pool_utilisation.value));
        if cores {
            cells.push(row.server_utilisation.map_or_else(String::new, |cores| percent(cores.value)));
        }
        if lost {
            cells.push(percent(row.refused_share + row.timed_out_share));
        }
        cells.push(memory(row.memory_bytes));
        rows.push(cells);
    }
    lined_up(&rows, |number| ink(report, number), false)
}

fn words(report: &SimulationReport) -> Vec<Line> {
    let mut rows = vec![["POOL", "THROUGHPUT", "LATENCY", "RESOURCES"].map(str::to_owned).to_vec()];
    for row in &report.rows {
        let words = row.words;
        rows.push(
            [
                row.pool_size.to_string(),
                words.throughput.into(),
                words.latency.into(),
                words.resources.into(),
            ]
            .to_vec(),
        );
    }
    lined_up(&rows, |number| ink(report, number), true)
}

fn ink(report: &SimulationReport, number: usize) -> Ink {
    match report.rows.get(number) {
        Some(row) if !row.keeps_up => Ink::Bad,
        Some(row) if Some(row.pool_size) == report.knee.pool_size => Ink::Marked,
        Some(_) | None => Ink::Plain,
    }
}

/// Where the server is the bottleneck the formula, which knows the pool alone, has nothing to say.
fn expected(expected: ExpectedReport, keeps_up: bool) -> String {
    match expected {
        ExpectedReport::Steady { wait_p99_s, .. } if keeps_up => time(wait_p99_s),
        ExpectedReport::Steady { .. } => "-".to_owned(),
        ExpectedReport::Grows { per_s } => format!("+{}/s", figure(per_s)),
    }
}

fn estimate(report: EstimateReport) -> Estimate {
    Estimate { value: report.value, half: report.half }
}

/// Cells in columns, the first row being the headings: numbers to the right, words to the left.
fn lined_up(rows: &[Vec<String>], ink: impl Fn(usize) -> Ink, words: bool) -> Vec<Line> {
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |(number, row): (usize, &Vec<String>)| {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            if words && at > 0 { format!("{cell}{gap}") } else { format!("{gap}{cell}") }
        });
        let text = cells.collect::<Vec<_>>().join("  ");
        let ink = number.checked_sub(1).map_or(Ink::Strong, &ink);
        Line::of(ink, text.trim_end())
    };
    rows.iter().enumerate().map(line).collect()
}
