//! Who holds up whom: trees, each from its root down. Of the newest look only, for that is what one acts upon.

use inspect::form::span;

use super::super::columns::blocking as columns;
use super::super::layout::Layout;
use super::super::news::Tone;
use super::super::state::{Blocked, State, View};
use super::Canvas;
use super::list::{Cell, List, list};

pub(super) fn blocking(canvas: &mut Canvas<'_>, layout: &Layout, state: &State) {
    let nothing = if state.origin.is_file() {
        "a recording does not hold who waits for whom"
    } else {
        "nobody waits for a lock"
    };
    let rows = List {
        columns: &columns::ALL,
        first_title: None,
        listing: state.listing(View::Blocking),
        rows: state.rows.blocking.len(),
        nothing,
    };
    list(canvas, layout, &rows, |row, column, _| cell(state, &state.rows.blocking[row], column), |_| " ");
}

fn cell(state: &State, row: &Blocked, column: usize) -> Cell {
    let theme = state.theme;
    let who = &row.contender;
    let text = |text: &Option<String>| Cell::plain(text.as_deref().unwrap_or("-"));
    match column {
        columns::PID => {
            let depth = (row.depth as usize).min(8);
            let branch = if depth == 0 { "" } else { theme.mark("└ ", "+ ") };
            let pid = if who.pid == 0 { "prepared tx".to_owned() } else { who.pid.to_string() };
            let style = if depth == 0 { theme.tone(Tone::Bad) } else { theme.tone(Tone::Plain) };
            Cell::toned(format!("{}{branch}{pid}", "  ".repeat(depth.saturating_sub(1))), style)
        }
        columns::APP if who.application.is_empty() => {
            Cell::toned(who.kind.as_deref().unwrap_or("-"), theme.faint())
        }
        columns::APP => Cell::plain(who.application.as_str()),
        columns::USER => text(&who.user),
        columns::DB => text(&who.database),
        columns::DOES if row.depth == 0 => {
            let does = who.state.map_or("-", |state| state.name());
            Cell::toned(format!("blocks {}: {does}", row.waiters), theme.tone(Tone::Bad))
        }
        columns::DOES => Cell::plain(format!("waits: {}", who.wait.as_deref().unwrap_or("lock"))),
        columns::FOR => {
            let age = if row.depth == 0 { who.xact_age_s } else { who.wait_age_s() };
            Cell::plain(age.map_or_else(|| "-".to_owned(), span))
        }
        columns::QUERY => text(&who.query),
        _ => Cell::plain(""),
    }
}
