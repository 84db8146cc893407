//! From figures to places on an axis, and the figures that are written beside it.

use super::{Axis, Chart, Panel, Scale};

/// Ticks of an axis upwards, about.
const TICKS: f64 = 5.0;

/// An axis from one figure to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Range {
    /// A range that is one: its ends are apart, and above 0 where it goes by size.
    fn new(scale: Scale, low: f64, high: f64) -> Self {
        let low = if scale == Scale::Log { low.max(f64::MIN_POSITIVE) } else { low };
        let high = if high > low { high } else { low + low.abs().max(1.0) };
        Self { scale, low, high }
    }

    /// The axis below: a little room beside the outermost places.
    pub(super) fn across(chart: &Chart) -> Self {
        let places = chart.places();
        let (first, last) = (places.first().copied().unwrap_or(0.0), places.last().copied().unwrap_or(1.0));
        match chart.x.scale {
            Scale::Linear => {
                let room = if last > first { (last - first) * 0.05 } else { 1.0 };
                Self::new(Scale::Linear, first - room, last + room)
            }
            Scale::Log => {
                let room = if last > first { (last / first).powf(0.05) } else { 2.0 };
                Self::new(Scale::Log, first / room, last * room)
            }
        }
    }

    /// The axis upwards of a panel, to ticks at both ends, with its ticks.
    pub(super) fn upwards(chart: &Chart, panel: &Panel) -> (Self, Vec<f64>) {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for series in &panel.series {
            for point in chart.shown(panel, series) {
                let half = point.half.filter(|half| half.is_finite()).unwrap_or(0.0);
                high = high.max(point.y + half);
                low = low.min(point.y);
            }
        }
        match panel.y.scale {
            Scale::Linear => {
                let step = nice_step(high / TICKS);
                let count = (high / step - 1e-9).ceil().clamp(1.0, 20.0);
                let ticks = (0..=count as u32).map(|n| f64::from(n) * step).collect();
                (Self::new(Scale::Linear, 0.0, count * step), ticks)
            }
            Scale::Log => {
                let (low, high) = if low.is_finite() { (low, high) } else { (1.0, 10.0) };
                let ticks = log_ticks(low, high);
                let ends = (ticks.first().copied().unwrap_or(low), ticks.last().copied().unwrap_or(high));
                (Self::new(Scale::Log, ends.0, ends.1), ticks)
            }
        }
    }

    /// Where a figure lies: 0 at the low end, 1 at the high one. What lies beyond an end is at the end.
    pub(super) fn place(&self, figure: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => (figure - self.low) / (self.high - self.low),
            Scale::Log if figure <= 0.0 => 0.0,
            Scale::Log => (figure / self.low).ln() / (self.high / self.low).ln(),
        };
        if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) }
    }
}

/// 1, 2 or 5 times a power of ten, at least as large.
fn nice_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let power = 10.0_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// Ticks by size, from below the low end to above the high one: 1, 2, 5 of each power, or 1 only where that is too many.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let fine: Vec<f64> = (first..=last.max(first + 1))
        .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10.0_f64.powi(power)))
        .collect();
    let begin = fine.iter().rposition(|tick| *tick <= low * (1.0 + 1e-9)).unwrap_or(0);
    let end =
        fine.iter().position(|tick| *tick >= high * (1.0 - 1e-9)).unwrap_or(fine.len() - 1).max(begin + 1);
    let within: Vec<f64> = fine.into_iter().skip(begin).take(end + 1 - begin).collect();
    if within.len() <= 8 {
        return within;
    }
    let stride = (last - first) / 8 + 1;
    (first..=last + stride - 1)
        .step_by(stride.unsigned_abs() as usize)
        .map(|power| 10.0_f64.powi(power))
        .collect()
}

/// The ticks of the axis below: the places that have points, or even ones where those are many.
pub(super) fn ticks_across(chart: &Chart) -> Vec<f64> {
    let places = chart.places();
    if places.len() <= 12 {
        return places;
    }
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return Vec::new() };
    let step = nice_step((last - first) / 8.0);
    let begin = (first / step).ceil();
    (0..=9_u32).map(|n| (begin + f64::from(n)) * step).take_while(|tick| tick <= last).collect()
}

/// A figure as it is written: four digits that count, no more, and no zeros behind the point; powers of ten only where
/// nothing else fits beside an axis.
pub(super) fn figure(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { "-".to_owned() };
    }
    if !(1e-6..1e9).contains(&value.abs()) {
        return format!("{value:.0e}");
    }
    let places = (3 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A figure with its unit: `40.1 ms`.
pub(super) fn with_unit(value: f64, axis: &Axis) -> String {
    if axis.unit.is_empty() { figure(value) } else { format!("{} {}", figure(value), axis.unit) }
}

#[cfg(test)]
mod tests {
    use super::super::{Point, Series};
    use super::*;

    fn axis(scale: Scale) -> Axis {
        Axis { label: "a".into(), unit: String::new(), scale }
    }

    fn upwards(scale: Scale, figures: &[f64]) -> (Range, Vec<f64>) {
        let points = figures.iter().map(|&y| Point { x: 1.0, y, half: None }).collect();
        let panel = Panel { y: axis(scale), series: vec![Series { name: String::new(), points }] };
        let chart = Chart {
            title: String::new(),
            subtitle: String::new(),
            note: String::new(),
            x: axis(Scale::Linear),
            panels: vec![panel.clone()],
            marker: None,
        };
        Range::upwards(&chart, &panel)
    }

    #[test]
    fn ticks_are_round_and_hold_all_figures() {
        assert_eq!(upwards(Scale::Linear, &[3.0, 87.0]).1, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(upwards(Scale::Linear, &[100.0]).1, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(upwards(Scale::Linear, &[]).1, [0.0, 1.0]);
        assert_eq!(upwards(Scale::Linear, &[0.0]).1, [0.0, 1.0]);
        assert_eq!(upwards(Scale::Log, &[3.0, 87.0]).1, [2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(
            upwards(Scale::Log, &[0.5, 20_000.0]).1,
            [0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0]
        );
        assert_eq!(upwards(Scale::Log, &[7.0, 7.0]).1, [5.0, 10.0]);
        assert!(upwards(Scale::Log, &[1e-30, 1e30]).1.len() < 12);
        assert!(upwards(Scale::Log, &[0.0, -1.0, f64::NAN]).1.len() > 1);
        assert!(upwards(Scale::Linear, &[1e300]).1.len() < 12);
    }

    #[test]
    fn a_figure_lies_between_the_ends() {
        let (range, _) = upwards(Scale::Log, &[1.0, 100.0]);
        assert!((range.place(10.0) - 0.5).abs() < 1e-9);
        assert_eq!((range.place(0.0), range.place(1e9), range.place(f64::NAN)), (0.0, 1.0, 0.0));
        let (range, _) = upwards(Scale::Linear, &[100.0]);
        assert_eq!((range.place(25.0), range.place(-5.0)), (0.25, 0.0));
    }

    #[test]
    fn figures_are_written_with_the_digits_that_count() {
        let written: Vec<String> =
            [0.0, 0.012_345, 0.2, 7.5, 12.345, 1_000.0, 123_456.7, -2.5].map(figure).into();
        assert_eq!(written, ["0", "0.01235", "0.2", "7.5", "12.35", "1000", "123457", "-2.5"]);
        assert_eq!([f64::NAN, 2e300, -5e-300].map(figure), ["-", "2e300", "-5e-300"]);
    }
}
