//! Lists: titles of columns, and the rows that are on the screen.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::columns::{Column, Order, places};
use super::super::layout::Layout;
use super::super::listing::Listing;
use super::super::state::State;
use super::Canvas;

/// What stands in a cell.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new() }
    }

    pub(super) fn toned(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// A list: its columns, where it stands, and how many rows it has.
pub(super) struct List<'a> {
    pub(super) columns: &'a [Column],
    /// Stands in for the title of the first column.
    pub(super) first_title: Option<&'a str>,
    pub(super) listing: &'a Listing,
    pub(super) rows: usize,
    /// What is said where there is no row.
    pub(super) nothing: &'a str,
}

/// Draws a list. `cell` is asked for row, column and width of the cells that are seen, and for no others; `mark` for
/// what stands before a row.
pub(super) fn list(
    canvas: &mut Canvas<'_>,
    layout: &Layout,
    list: &List<'_>,
    cell: impl Fn(usize, usize, u16) -> Cell,
    mark: impl Fn(usize) -> &'static str,
) {
    let area = layout.list;
    // One cell in front for the mark of the selected row.
    let width = area.width.saturating_sub(2);
    let places = places(list.columns, width);
    titles(canvas, layout.titles, list, &places);
    if list.rows == 0 {
        canvas.put(area.x + 2, area.y, area.width.saturating_sub(2), list.nothing, canvas.theme.faint());
        return;
    }
    let theme = canvas.theme;
    for (y, row) in (area.y..area.bottom()).zip(list.listing.visible(list.rows, usize::from(area.height))) {
        let selected = row == list.listing.selected;
        let before = if selected { theme.mark("›", ">") } else { mark(row) };
        canvas.put(area.x, y, 1, before, theme.strong());
        for (column, place) in places.iter().enumerate() {
            let Some((at, cells)) = *place else { continue };
            #[cfg(test)]
            tests::CELLS.with(|written| written.set(written.get() + 1));
            let Cell { text, style } = cell(row, column, cells);
            let x = area.x + 1 + at;
            if list.columns[column].right {
                canvas.put_right(x, y, cells, &text, style);
            } else {
                canvas.put(x, y, cells, &text, style);
            }
        }
        if selected {
            canvas.style(Rect { y, height: 1, ..area }, theme.selected());
            if mark(row) != " " {
                canvas.put(area.x, y, 1, mark(row), theme.selected());
            }
        }
    }
}

fn titles(canvas: &mut Canvas<'_>, area: Rect, list: &List<'_>, places: &[Option<(u16, u16)>]) {
    let theme = canvas.theme;
    for (at, column) in list.columns.iter().enumerate() {
        let Some((x, cells)) = places[at] else { continue };
        let title = list.first_title.filter(|_| at == 0).unwrap_or(column.title);
        let falls = (column.order == Order::Descending) != list.listing.reversed;
        let sorts = at == list.listing.sort && column.order != Order::None;
        let arrow = if falls { theme.mark("▼", "v") } else { theme.mark("▲", "^") };
        let text = if sorts { format!("{title}{arrow}") } else { title.to_owned() };
        let style = if sorts { theme.title() } else { theme.strong() };
        if column.right {
            canvas.put_right(area.x + 1 + x, area.y, cells, &text, style);
        } else {
            canvas.put(area.x + 1 + x, area.y, cells, &text, style);
        }
    }
}

/// That there are rows above or below is said on the edge below the list.
pub(super) fn left_out(canvas: &mut Canvas<'_>, layout: &Layout, state: &State) {
    let Some(view) = state.screen().view() else { return };
    let rows = state.rows_of(view);
    let seen = state.listing(view).visible(rows, usize::from(layout.list.height));
    if seen.len() == rows {
        return;
    }
    let text = format!(" {}-{} of {rows} ", seen.start + 1, seen.end);
    let area = layout.about;
    canvas.put_right(area.x, area.y, area.width.saturating_sub(2), &text, canvas.theme.strong());
}

/// What `work` returns, and how many cells were written out for it.
#[cfg(test)]
pub(super) fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    tests::CELLS.with(|written| written.set(0));
    let done = work();
    (done, tests::CELLS.with(std::cell::Cell::get))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    thread_local! {
        /// Cells that were written out by this thread.
        pub(super) static CELLS: Cell<usize> = const { Cell::new(0) };
    }
}
