//! Earlier looks at a server, a line each, and where they lead.

use serde::{Deserialize, Serialize};

use super::CheckLevel;
use crate::catalog::Sample;
use crate::census::Totals;

/// What the first line of a history says.
pub const HISTORY_SCHEMA: &str = "connwarden.history/1";

/// Looks back no farther: what grew yesterday is not growing now.
const WINDOW_US: i64 = 3_600_000_000;
/// Shorter than this a trend is noise.
const SPAN_MIN_S: f64 = 60.0;
/// Fewer points make no line.
const POINTS_MIN: usize = 4;
/// The least growth over the window that is taken for one, in sessions.
const GROWTH_MIN: f64 = 2.5;
/// How much of what moves the line must explain.
const FIT_MIN: f64 = 0.6;

/// One look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The server's clock: microseconds since 1970, UTC.
    pub ts_us: i64,
    /// Where the server was reached: a file may hold several.
    #[serde(default)]
    pub place: String,
    /// Sessions.
    pub total: u32,
    /// Slots for everybody.
    pub usable: u32,
    /// Running.
    #[serde(default)]
    pub active: u32,
    /// Idle.
    #[serde(default)]
    pub idle: u32,
    /// Idle in transaction.
    #[serde(default)]
    pub idle_in_transaction: u32,
    /// What the checks came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<CheckLevel>,
}

impl Point {
    /// A sample's numbers.
    pub fn of(sample: &Sample) -> Self {
        let totals = Totals::of(sample);
        Self {
            ts_us: sample.facts.now_us,
            total: totals.total,
            usable: sample.facts.usable(),
            active: totals.active,
            idle: totals.idle,
            idle_in_transaction: totals.idle_in_transaction,
            ..Self::default()
        }
    }

    /// A line of the file, without its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a line; `None` where it is none.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// Seconds until all usable slots are taken, by a straight line through the last hour: `None` without enough earlier looks,
/// `Some(None)` where nothing grows.
pub fn forecast_s(history: &[Point], here: &Point) -> Option<Option<f64>> {
    let recent = |point: &&Point| {
        point.ts_us < here.ts_us && point.ts_us >= here.ts_us - WINDOW_US && point.usable == here.usable
    };
    let points: Vec<&Point> = history.iter().filter(recent).chain([here]).collect();
    let seconds = |point: &Point| (point.ts_us - here.ts_us) as f64 / 1e6;
    let span = points.first().map_or(0.0, |first| -seconds(first));
    if points.len() < POINTS_MIN || span < SPAN_MIN_S {
        return None;
    }
    let number = points.len() as f64;
    let mean_t = points.iter().map(|point| seconds(point)).sum::<f64>() / number;
    let mean_n = points.iter().map(|point| f64::from(point.total)).sum::<f64>() / number;
    let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
    for point in &points {
        let (t, n) = (seconds(point) - mean_t, f64::from(point.total) - mean_n);
        along += t * n;
        across += t * t;
        spread += n * n;
    }
    let slope = along / across;
    let fits = spread > 0.0 && along * along / (across * spread) >= FIT_MIN;
    if !fits || slope * span < GROWTH_MIN {
        return Some(None);
    }
    Some(Some(f64::from(here.usable.saturating_sub(here.total)) / slope))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64, total: u32) -> Point {
        Point { ts_us: minute * 60_000_000, total, usable: 97, ..Point::default() }
    }

    #[test]
    fn a_line_that_rises_tells_when_it_arrives() {
        let history: Vec<Point> = (0..10).map(|minute| at(minute, 40 + minute as u32 * 2)).collect();
        let left = forecast_s(&history, &at(10, 60)).flatten();
        assert!(left.is_some_and(|left| (left - 37.0 * 30.0).abs() < 1.0), "{left:?}");
    }

    #[test]
    fn noise_and_decline_do_not_arrive() {
        let noise: Vec<Point> =
            (0..20).map(|minute| at(minute, if minute % 2 == 0 { 40 } else { 60 })).collect();
        assert_eq!(forecast_s(&noise, &at(20, 60)), Some(None));
        let decline: Vec<Point> = (0..20).map(|minute| at(minute, 60 - minute as u32)).collect();
        assert_eq!(forecast_s(&decline, &at(20, 40)), Some(None));
    }

    #[test]
    fn too_little_too_old_or_of_another_size_is_nothing_to_go_by() {
        assert_eq!(forecast_s(&[], &at(0, 1)), None);
        let old: Vec<Point> = (0..10).map(|minute| at(minute, 40)).collect();
        assert_eq!(forecast_s(&old, &at(100, 60)), None);
        let other: Vec<Point> = old.iter().map(|point| Point { usable: 50, ..point.clone() }).collect();
        assert_eq!(forecast_s(&other, &at(10, 60)), None);
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let point = Point { place: "db:5432".into(), verdict: Some(CheckLevel::Ok), ..at(3, 4) };
        assert_eq!(Point::read(&point.line()), Some(point));
        assert_eq!(Point::read("{\"ts_us\":"), None);
    }
}
