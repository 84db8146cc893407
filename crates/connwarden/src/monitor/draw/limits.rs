//! CONNECTION LIMITs of roles and databases.

use inspect::catalog::{Limit, LimitKind};

use super::super::columns::limits as columns;
use super::super::layout::Layout;
use super::super::state::{State, View};
use super::Canvas;
use super::list::{Cell, List, list};
use super::slots::tone;

pub(super) fn limits(canvas: &mut Canvas<'_>, layout: &Layout, state: &State) {
    let Some(sample) = state.sample() else { return };
    let rows = List {
        columns: &columns::ALL,
        first_title: None,
        listing: state.listing(View::Limits),
        rows: state.rows.limits.len(),
        nothing: "no role and no database has a CONNECTION LIMIT",
    };
    let limit = |row: usize| &sample.limits[state.rows.limits[row]];
    list(canvas, layout, &rows, |row, column, width| cell(state, limit(row), column, width), |_| " ");
}

fn cell(state: &State, limit: &Limit, column: usize, width: u16) -> Cell {
    let theme = state.theme;
    let style = if limit.exempt {
        theme.faint()
    } else {
        theme.tone(tone(state.thresholds.role_and_database.level(limit.percent())))
    };
    match column {
        columns::KIND => Cell::plain(kind(limit.kind)),
        columns::NAME => Cell::plain(limit.name.as_str()),
        columns::USED => Cell::plain(limit.used.to_string()),
        columns::LIMIT => Cell::plain(limit.limit.to_string()),
        columns::SHARE => Cell::toned(format!("{:.0}%", limit.percent()), style),
        columns::BAR if limit.exempt => Cell::toned("superuser: not applied", style),
        columns::BAR => {
            let width = usize::from(width);
            let full = ((limit.percent() / 100.0 * width as f64).round() as usize).min(width);
            let (taken, free) = (theme.mark("█", "#"), theme.mark("░", "."));
            Cell::toned(taken.repeat(full) + &free.repeat(width - full), style)
        }
        _ => Cell::plain(""),
    }
}

pub(super) fn kind(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Role => "role",
        LimitKind::Database => "database",
    }
}
