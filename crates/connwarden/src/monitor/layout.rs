//! What stands where on a screen of a given size. The same for those who draw and for those who scroll.

use ratatui::layout::Rect;

use super::state::{Link, Screen, State, View};

/// Smallest screen that everything fits on.
pub(crate) const COLUMNS_MIN: u16 = 80;
/// The same, in rows.
pub(crate) const ROWS_MIN: u16 = 24;

/// The places.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Layout {
    pub(crate) header: Rect,
    /// Two rows while the server does not answer, none otherwise.
    pub(crate) banner: Rect,
    pub(crate) slots: Rect,
    pub(crate) curve: Rect,
    pub(crate) tabs: Rect,
    /// The titles of the columns.
    pub(crate) titles: Rect,
    pub(crate) list: Rect,
    /// About the selected row.
    pub(crate) about: Rect,
    pub(crate) footer: Rect,
}

impl Layout {
    /// For a state's size and screen.
    pub(crate) fn of(state: &State) -> Self {
        let (width, height) = state.size;
        let mut at = 0;
        let mut rows = |number: u16| {
            let number = number.min(height.saturating_sub(at));
            let place = Rect::new(0, at, width, number);
            at += number;
            place
        };
        let panel = match height {
            ..32 => 4,
            32..44 => 6,
            44.. => 8,
        };
        let about = match (state.screen(), height) {
            (Screen::Session(_), _) => 0,
            (Screen::View(View::Limits), _) => 3,
            (Screen::View(View::Plan), ..28) => 5,
            (_, ..28) => 4,
            (_, 28..40) => 5,
            (_, 40..) => 9,
        };
        let header = rows(1);
        let banner = rows(if state.link == Link::Up { 0 } else { 2 });
        let top = rows(panel);
        let tabs = rows(1);
        let titles = rows(u16::from(state.screen().view().is_some()));
        let used = header.height + banner.height + top.height + tabs.height + titles.height;
        let list = rows(height.saturating_sub(used + about + 1).max(1));
        let about = rows(about);
        let footer = rows(1);
        let left = width - width * 2 / 5;
        Self {
            header,
            banner,
            slots: Rect { width: left, ..top },
            curve: Rect { x: left, width: width - left, ..top },
            tabs,
            titles,
            list,
            about,
            footer,
        }
    }
}
