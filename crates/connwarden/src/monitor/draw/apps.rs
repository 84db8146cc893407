//! Who holds the slots: a row per application, or per whatever is grouped by.

use inspect::census::By;
use inspect::form::span;

use super::super::columns::apps as columns;
use super::super::layout::Layout;
use super::super::news::Tone;
use super::super::rows::AppRow;
use super::super::state::{State, View};
use super::Canvas;
use super::list::{Cell, List, list};
use super::plan;

/// An idle transaction that is older than this holds others up.
const TX_OLD_S: f64 = 60.0;

pub(super) fn apps(canvas: &mut Canvas<'_>, layout: &Layout, state: &State) {
    let nothing = if state.sample().is_none() {
        ""
    } else if state.filter_text.is_empty() && state.edit.is_none() {
        "nobody is connected"
    } else {
        "no session passes the filter"
    };
    let rows = List {
        columns: state.columns(View::Apps),
        first_title: Some(key_title(state.by)),
        listing: state.listing(View::Apps),
        rows: state.rows.apps.len(),
        nothing,
    };
    list(
        canvas,
        layout,
        &rows,
        |row, column, width| cell(state, &state.rows.apps[row], column, width),
        |_| " ",
    );
}

fn cell(state: &State, row: &AppRow, column: usize, width: u16) -> Cell {
    let theme = state.theme;
    let group = &row.group;
    let age = |age: Option<f64>| age.map_or_else(|| "-".to_owned(), span);
    let worry = |number: u32, tone| if number > 0 { theme.tone(tone) } else { theme.tone(Tone::Plain) };
    match column {
        columns::NAME => Cell::plain(name_of(state.by, &row.key)),
        columns::CONN => Cell::toned(group.total.to_string(), theme.strong()),
        columns::PLAN => plan::placed(theme, row.placed),
        columns::ACTIVE => Cell::plain(group.active.to_string()),
        columns::IDLE => Cell::plain(group.idle.to_string()),
        columns::TX => {
            let number = group.idle_in_transaction;
            Cell::toned(number.to_string(), worry(number, Tone::Warn))
        }
        columns::OLDEST => Cell::plain(age(group.oldest_idle_s)),
        columns::P95 => Cell::plain(age(row.p95_idle_s)),
        columns::OLDEST_TX => {
            let old = group.oldest_transaction_s.is_some_and(|age| age > TX_OLD_S);
            Cell::toned(age(group.oldest_transaction_s), worry(u32::from(old), Tone::Warn))
        }
        columns::WAITING => Cell::toned(row.waiting.to_string(), worry(row.waiting, Tone::Bad)),
        columns::HOSTS => Cell::plain(group.hosts.len().to_string()),
        columns::TREND => Cell::toned(trend(state, &row.key, width), theme.tone(Tone::Good)),
        _ => Cell::plain(""),
    }
}

/// Against the row's own highest number, so that growth shows in small groups as well.
fn trend(state: &State, key: &str, width: u16) -> String {
    let Some(shown) = &state.shown else { return String::new() };
    let numbers = state.history.trend(state.by, key, shown.number, usize::from(width));
    let highest = numbers.iter().max().copied().unwrap_or(0).max(1);
    let empty = usize::from(width).saturating_sub(numbers.len());
    let cells = numbers.iter().map(|number| state.theme.eighths((number * 7).div_ceil(highest)));
    " ".repeat(empty) + &cells.collect::<String>()
}

/// What a group is called.
pub(super) fn name_of(by: By, key: &str) -> String {
    match key {
        "" if by == By::App => "(empty name)".to_owned(),
        "" => "(none)".to_owned(),
        key => key.to_owned(),
    }
}

/// The title of the column that a key makes.
pub(super) fn key_title(by: By) -> &'static str {
    match by {
        By::App => "APPLICATION",
        By::User => "USER",
        By::Db => "DATABASE",
        By::Client => "CLIENT",
        By::State => "STATE",
    }
}
