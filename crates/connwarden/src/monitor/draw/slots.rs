//! How many slots are taken, and what those do who hold them.

use inspect::census::{Level, Totals, Utilization};
use inspect::form::{percent, span};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::news::Tone;
use super::super::state::State;
use super::Canvas;

pub(super) fn slots(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let Some(sample) = state.sample() else {
        let inside = canvas.panel(area, "Slots", theme.title());
        canvas.put(inside.x + 1, inside.y, inside.width, "waiting for the first look", theme.faint());
        return;
    };
    let totals = Totals::of(sample);
    let facts = &sample.facts;
    let share = Utilization::of(&totals, facts).of_usable_percent;
    let level = state.thresholds.utilization.level(share);
    let inside = canvas.panel(area, "Slots", theme.title());
    let verdict = format!(" {} of the usable  {} ", percent(share), word(level));
    let at = area.x + 9;
    canvas.put(at, area.y, area.right().saturating_sub(at + 1), &verdict, theme.tone(tone(level)));
    bar(canvas, Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside }, state, &totals);

    let mut lines: Vec<Vec<(String, Style)>> = vec![counts(state, &totals)];
    let mut kept = format!("usable {} of {}", facts.usable(), facts.max_connections);
    if facts.superuser_reserved > 0 {
        kept.push_str(&format!("; {} for superusers (S)", facts.superuser_reserved));
    }
    if facts.reserved > 0 {
        kept.push_str(&format!("; {} reserved (R)", facts.reserved));
    }
    lines.push(vec![(kept, Style::new())]);
    let age = |age: Option<f64>| age.map_or_else(|| "-".to_owned(), span);
    let oldest = format!(
        "oldest idle {}, in transaction {}, transaction {}",
        age(totals.oldest_idle_s),
        age(totals.oldest_idle_in_transaction_s),
        age(totals.oldest_transaction_s)
    );
    lines.push(vec![(oldest, Style::new())]);
    let mut rare = format!("walsenders {} of {}", totals.walsenders, facts.max_wal_senders);
    if totals.hidden > 0 {
        rare.push_str(&format!("; not shown to this role {}", totals.hidden));
    }
    lines.push(vec![(rare, theme.faint())]);
    if facts.pending_restart.iter().any(|name| name == "max_connections") {
        lines.push(vec![("a new max_connections waits for a restart".to_owned(), theme.tone(Tone::Warn))]);
    }
    for (row, pieces) in (1..inside.height).zip(lines) {
        canvas.pieces(inside.x + 1, inside.y + row, inside.width.saturating_sub(1), &pieces);
    }
}

pub(super) fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "OK",
        Level::Warning => "WARN",
        Level::Critical => "CRIT",
    }
}

pub(super) fn tone(level: Level) -> Tone {
    match level {
        Level::Ok => Tone::Good,
        Level::Warning => Tone::Warn,
        Level::Critical => Tone::Bad,
    }
}

/// Numbers that should be zero are seen from afar when they are not.
fn counts(state: &State, totals: &Totals) -> Vec<(String, Style)> {
    let theme = state.theme;
    let max = state.sample().map_or(0, |sample| sample.facts.max_connections);
    let worry = |number: u32, tone| if number > 0 { theme.tone(tone) } else { Style::new() };
    vec![
        (format!("{}/{max}", totals.total), theme.strong()),
        (format!("  act {}", totals.active), Style::new()),
        (format!("  idle {}", totals.idle), Style::new()),
        (format!("  tx {}", totals.idle_in_transaction), worry(totals.idle_in_transaction, Tone::Warn)),
        (format!("  lock {}", totals.waiting_for_lock), worry(totals.waiting_for_lock, Tone::Bad)),
        (format!("  start {}", totals.starting), Style::new()),
    ]
}

/// All slots from left to right: taken, free, then those kept back. The thresholds stand where the taken ones must not go.
fn bar(canvas: &mut Canvas<'_>, area: Rect, state: &State, totals: &Totals) {
    let Some(facts) = state.sample().map(|sample| &sample.facts) else { return };
    let theme = state.theme;
    let thresholds = state.thresholds.utilization;
    let width = u32::from(area.width);
    let max = facts.max_connections.max(1);
    let cells = |slots: u32| if slots == 0 { 0 } else { (slots * width).div_ceil(max) };
    let taken = ((f64::from(totals.total) * f64::from(width) / f64::from(max)).round() as u32)
        .max(u32::from(totals.total > 0))
        .min(width);
    let (superuser, reserved) = (cells(facts.superuser_reserved), cells(facts.reserved));
    let usable = width.saturating_sub(superuser + reserved);
    let mark = |percent: f64| (f64::from(usable) * percent / 100.0).round() as u32;
    let marks = [mark(thresholds.warn), mark(thresholds.crit)];
    let share = Utilization::of(totals, facts).of_usable_percent;
    let full = theme.tone(tone(thresholds.level(share)));
    for cell in 0..width {
        let (text, style) = if marks.contains(&cell) {
            (theme.mark("│", "|"), theme.strong())
        } else if cell < taken {
            (theme.mark("█", "#"), full)
        } else if cell >= usable + reserved {
            ("S", theme.faint())
        } else if cell >= usable {
            ("R", theme.faint())
        } else {
            (theme.mark("░", "."), theme.faint())
        };
        canvas.put(area.x + cell as u16, area.y, 1, text, style);
    }
    // What the marks mean, where there is room behind them.
    for (at, percent) in marks.into_iter().zip([thresholds.warn, thresholds.crit]) {
        if at > taken && at + 3 < usable {
            canvas.put(area.x + at as u16 + 1, area.y, 2, &format!("{percent:.0}"), theme.faint());
        }
    }
}
