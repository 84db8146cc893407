//! What happened, the newest first.

use super::super::clock;
use super::super::columns::events as columns;
use super::super::layout::Layout;
use super::super::news::Tone;
use super::super::state::{NewsItem, State, View};
use super::Canvas;
use super::list::{Cell, List, list};

pub(super) fn events(canvas: &mut Canvas<'_>, layout: &Layout, state: &State) {
    let rows = List {
        columns: &columns::ALL,
        first_title: None,
        listing: state.listing(View::Events),
        rows: state.news.len(),
        nothing: "nothing has happened yet",
    };
    let item = |row: usize| state.news.iter().rev().nth(row);
    list(canvas, layout, &rows, |row, column, _| cell(state, item(row), column), |_| " ");
}

fn cell(state: &State, item: Option<&NewsItem>, column: usize) -> Cell {
    let Some(item) = item else { return Cell::plain("") };
    match column {
        columns::TIME => Cell::toned(clock::time_of_day(item.at_us, &state.zone), state.theme.faint()),
        columns::WHAT => Cell::toned(told(state, item), state.theme.tone(item.tone)),
        _ => Cell::plain(""),
    }
}

/// With its mark, so that bad news is bad without colour, too.
pub(super) fn told(state: &State, item: &NewsItem) -> String {
    let theme = state.theme;
    let mark = match item.tone {
        Tone::Plain => "  ",
        Tone::Good => theme.mark("✓ ", "+ "),
        Tone::Warn => theme.mark("▲ ", "! "),
        Tone::Bad => theme.mark("✖ ", "x "),
    };
    let times = if item.times > 1 { format!("  ({} times)", item.times) } else { String::new() };
    format!("{mark}{}{times}", item.text)
}
