//! How full it was in the last minutes.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{Kind, State};
use super::Canvas;
use super::slots::tone;

/// What the panel shows.
const SPAN_S: f64 = 900.0;
/// In a recording, looks are at most this far apart where the curve has no gap.
const FILE_GAP_S: f64 = 90.0;

pub(super) fn curve(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let inside = canvas.panel(area, "15 min", state.theme.title());
    let Some(shown) = &state.shown else { return };
    let height = u32::from(inside.height.saturating_sub(1)).max(1);
    let columns = columns(state, shown.number, usize::from(inside.width));
    for (at, percent) in columns.iter().enumerate() {
        let Some(percent) = percent else { continue };
        let filled = ((percent / 100.0 * f64::from(height * 8)).round() as u32).clamp(1, height * 8);
        let style = state.theme.tone(tone(state.thresholds.utilization.level(*percent)));
        for row in 0..height {
            let eighths = filled.saturating_sub(row * 8).min(8);
            let y = inside.y + (height - 1 - row) as u16;
            if eighths > 0 {
                canvas.put(inside.x + at as u16, y, 1, state.theme.eighths(eighths), style);
            }
        }
    }
    let peak = state.history.points(shown.number, SPAN_S).map(|point| point.percent).fold(0.0, f64::max);
    let now = state.history.points(shown.number, SPAN_S).last().map_or(0.0, |point| point.percent);
    let mut text = format!("util {now:.0}% peak {peak:.0}%");
    if let Some(pace) = state.pace {
        text.push_str(&format!(" churn {:.1}/s", pace.new_per_s));
        if let Some(reuse) = pace.transactions_per_session.filter(|_| inside.width > 44) {
            text.push_str(&format!(" reuse {reuse:.0} tx/sess"));
        }
        if let Some(rate) = pace.transactions_per_s.filter(|_| inside.width > 60) {
            text.push_str(&format!(" {rate:.0} tx/s"));
        }
    }
    canvas.put(inside.x, inside.bottom().saturating_sub(1), inside.width, &text, Style::new());
}

/// The highest value of each column. Between two looks that followed each other there is no gap.
fn columns(state: &State, until: u64, width: usize) -> Vec<Option<f64>> {
    let mut columns: Vec<Option<f64>> = vec![None; width];
    let points: Vec<_> = state.history.points(until, SPAN_S).collect();
    let Some(last_us) = points.last().map(|point| point.at_us) else { return columns };
    let gap_s = match state.origin.kind {
        Kind::Server { interval } => interval.seconds() * 3.0,
        Kind::File { .. } => FILE_GAP_S,
    };
    let column = |at_us: i64| {
        let back = (last_us - at_us) as f64 / 1e6 / SPAN_S * width as f64;
        width.saturating_sub(1).saturating_sub(back as usize)
    };
    let mut before: Option<(usize, i64, f64)> = None;
    for point in points {
        let here = column(point.at_us);
        if let Some((there, at_us, percent)) = before
            && (point.at_us - at_us) as f64 / 1e6 <= gap_s
        {
            columns[(there + 1).min(here)..here].fill(Some(percent));
        }
        columns[here] = Some(columns[here].map_or(point.percent, |value| value.max(point.percent)));
        before = Some((here, point.at_us, point.percent));
    }
    columns
}
