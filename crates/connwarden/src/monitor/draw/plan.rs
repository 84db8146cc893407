//! Services beside the plan, and the plan beside the server's slots.

use inspect::census::{Allowance, Level, Owner, Standing};
use inspect::form::{app, clean};
use ratatui::style::Style;

use super::super::columns::plan as columns;
use super::super::layout::Layout;
use super::super::news::Tone;
use super::super::services::{Placed, ServiceRow, allowance, share};
use super::super::state::{State, View};
use super::super::theme::Theme;
use super::Canvas;
use super::about::Lines;
use super::list::{Cell, List, list};
use super::slots::{tone, word};

pub(super) fn plan(canvas: &mut Canvas<'_>, layout: &Layout, state: &State) {
    let rows = List {
        columns: &columns::ALL,
        first_title: None,
        listing: state.listing(View::Plan),
        rows: state.rows.services.len(),
        nothing: "",
    };
    list(
        canvas,
        layout,
        &rows,
        |row, column, width| cell(state, &state.rows.services[row], column, width),
        |_| " ",
    );
}

fn cell(state: &State, row: &ServiceRow, column: usize, width: u16) -> Cell {
    let theme = state.theme;
    let Some(allowance) = state.plan.as_ref().and_then(|plan| allowance(plan, row.owner)) else {
        return unplanned(state, row, column);
    };
    let standing = allowance.standing(row.held);
    let style = theme.tone(tone_of(standing));
    match column {
        columns::SERVICE => Cell::plain(allowance.service.as_str()),
        columns::HELD => Cell::toned(row.held.to_string(), theme.strong()),
        columns::PEAK => Cell::plain(allowance.peak.to_string()),
        columns::ROLLOUT => Cell::plain(allowance.rollout.to_string()),
        columns::USED => {
            let used = share(row.held, allowance.rollout) * 100.0;
            let used = if used.is_finite() { format!("{used:.0}%") } else { "-".to_owned() };
            Cell::toned(format!("{}{used}", sign(theme, standing)), style)
        }
        columns::BAR => Cell::toned(bar(theme, row.held, allowance, width), theme.tone(bar_tone(standing))),
        columns::NAMES => Cell::plain(allowance.applications.join(", ")),
        _ => Cell::plain(""),
    }
}

fn unplanned(state: &State, row: &ServiceRow, column: usize) -> Cell {
    match column {
        columns::SERVICE => Cell::plain("unplanned"),
        columns::HELD => Cell::toned(row.held.to_string(), state.theme.strong()),
        columns::PEAK | columns::ROLLOUT | columns::USED => Cell::plain("-"),
        columns::NAMES => {
            let largest = row.applications.first();
            Cell::plain(
                largest.map_or_else(
                    || "nobody".to_owned(),
                    |(name, number)| format!("most {number} {}", app(name)),
                ),
            )
        }
        _ => Cell::plain(""),
    }
}

/// From nothing to the rollout; the peak stands where a usual day must not go.
fn bar(theme: Theme, held: u32, allowance: &Allowance, width: u16) -> String {
    let cells = |number: u64| {
        let part = if allowance.rollout == 0 { 0.0 } else { number as f64 / allowance.rollout as f64 };
        (part * f64::from(width)).round() as u64
    };
    let taken = if held == 0 { 0 } else { cells(u64::from(held)).max(1) };
    let full = held > 0 && allowance.rollout == 0;
    let peak = (allowance.peak < allowance.rollout).then(|| cells(allowance.peak));
    (0..u64::from(width))
        .map(|cell| match cell {
            cell if Some(cell) == peak => theme.mark("│", "|"),
            cell if cell < taken || full => theme.mark("█", "#"),
            _ => theme.mark("░", "."),
        })
        .collect()
}

/// What stands before a number that is too large, so that it is seen without colour, too.
fn sign(theme: Theme, standing: Standing) -> &'static str {
    match standing {
        Standing::Within => "",
        Standing::AbovePeak => theme.mark("▲ ", "! "),
        Standing::AboveRollout => theme.mark("✖ ", "x "),
    }
}

fn tone_of(standing: Standing) -> Tone {
    match standing {
        Standing::Within => Tone::Plain,
        Standing::AbovePeak => Tone::Warn,
        Standing::AboveRollout => Tone::Bad,
    }
}

fn bar_tone(standing: Standing) -> Tone {
    match standing {
        Standing::Within => Tone::Good,
        Standing::AbovePeak | Standing::AboveRollout => tone_of(standing),
    }
}

/// What stands in the Apps view's column.
pub(super) fn placed(theme: Theme, placed: Option<Placed>) -> Cell {
    match placed {
        Some(Placed::Service { held, peak, standing }) => {
            Cell::toned(format!("{}{held}/{peak}", sign(theme, standing)), theme.tone(tone_of(standing)))
        }
        Some(Placed::Unplanned) => Cell::toned("unplanned", theme.faint()),
        Some(Placed::Ours) | None => Cell::plain("-"),
    }
}

/// What sessions of an owner are called together.
pub(super) fn name_of(state: &State, owner: Owner) -> String {
    let service = state.plan.as_ref().and_then(|plan| allowance(plan, owner));
    match (owner, service) {
        (Owner::Service(_), Some(service)) => service.service.clone(),
        (Owner::Service(_) | Owner::Unplanned, _) => "unplanned".to_owned(),
        (Owner::Ours, _) => "connwarden".to_owned(),
    }
}

/// About the selected service; on the last of `room` lines about all of them.
pub(super) fn about(state: &State, room: usize) -> (String, Lines) {
    let Some(row) = state.selected_service() else { return ("Selected".to_owned(), Vec::new()) };
    let allowance = state.plan.as_ref().and_then(|plan| allowance(plan, row.owner));
    let mut lines: Lines = vec![vec![stands(state.theme, row, allowance)]];
    let now: Vec<String> =
        row.applications.iter().map(|(name, number)| format!("{number} {}", app(name))).collect();
    let now =
        if now.is_empty() { "nobody is there now".to_owned() } else { format!("now {}", now.join(", ")) };
    lines.push(vec![(now, Style::new())]);
    if let Some(allowance) = allowance.filter(|_| room > 3) {
        lines.push(vec![(format!("known by {}", allowance.applications.join(", ")), Style::new())]);
    }
    lines.push(totals(state));
    (clean(&name_of(state, row.owner)), lines)
}

fn stands(theme: Theme, row: &ServiceRow, allowance: Option<&Allowance>) -> (String, Style) {
    let Some(allowance) = allowance else {
        return ("sends names that no service of the plan has".to_owned(), Style::new());
    };
    let standing = allowance.standing(row.held);
    let words = match standing {
        Standing::Within => format!("within its peak of {}", allowance.peak),
        Standing::AbovePeak => format!("above its peak of {}, as in a rollout", allowance.peak),
        Standing::AboveRollout => {
            format!("above its rollout of {}: it leaks, or the plan is old", allowance.rollout)
        }
    };
    (format!("{}{words}", sign(theme, standing)), theme.tone(tone_of(standing)))
}

/// `whole plan: peak 65 of 97 usable, 67.0% OK; rollout 88, 90.7% CRIT`
fn totals(state: &State) -> Vec<(String, Style)> {
    let (Some(plan), Some(sample)) = (&state.plan, state.sample()) else { return Vec::new() };
    let usable = sample.facts.usable();
    let mut pieces = Vec::new();
    let peak = format!("{} of {usable} usable", plan.peak);
    let sums =
        [("whole plan: peak ", peak, plan.peak), ("; rollout ", plan.rollout.to_string(), plan.rollout)];
    for (before, words, sum) in sums {
        let percent = if usable == 0 { 100.0 } else { sum as f64 * 100.0 / f64::from(usable) };
        let level = state.thresholds.utilization.level(percent);
        let style = if level == Level::Ok { Style::new() } else { state.theme.tone(tone(level)) };
        pieces.push((before.to_owned(), Style::new()));
        pieces.push((format!("{words}, {percent:.1}% {}", word(level)), style));
    }
    pieces
}
