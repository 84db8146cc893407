//! A list with a place in it: which row is selected, which one is at the top, how it is sorted.

/// Where a list stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Listing {
    /// The selected row, from 0.
    pub(crate) selected: usize,
    /// The first row on the screen.
    pub(crate) top: usize,
    /// The column that sorts, by its place among all columns of the view.
    pub(crate) sort: usize,
    /// Against the column's own direction.
    pub(crate) reversed: bool,
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

impl Listing {
    /// Sorted by a column.
    pub(crate) fn sorted_by(sort: usize) -> Self {
        Self { sort, ..Self::default() }
    }

    /// Goes.
    pub(crate) fn go(&mut self, step: Step, rows: usize, height: usize) {
        let page = height.saturating_sub(1).max(1);
        let last = rows.saturating_sub(1);
        self.selected = match step {
            Step::Up => self.selected.saturating_sub(1),
            Step::Down => self.selected + 1,
            Step::PageUp => self.selected.saturating_sub(page),
            Step::PageDown => self.selected + page,
            Step::First => 0,
            Step::Last => last,
        };
        self.fit(rows, height);
    }

    /// Keeps the selected row among `rows`, and on a screen of `height` rows.
    pub(crate) fn fit(&mut self, rows: usize, height: usize) {
        self.selected = self.selected.min(rows.saturating_sub(1));
        let lowest = (self.selected + 1).saturating_sub(height.max(1));
        self.top =
            self.top.clamp(lowest, self.selected.max(lowest)).min(rows.saturating_sub(height.min(rows)));
    }

    /// The rows that are on a screen of `height` rows.
    pub(crate) fn visible(&self, rows: usize, height: usize) -> std::ops::Range<usize> {
        self.top.min(rows)..(self.top + height).min(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_always_on_the_screen() {
        let mut listing = Listing::default();
        let steps =
            [Step::Down, Step::PageDown, Step::Last, Step::Up, Step::PageUp, Step::PageUp, Step::First];
        for rows in [0, 1, 5, 40] {
            for height in [1, 4, 10, 50] {
                for step in steps.into_iter().chain(steps) {
                    listing.go(step, rows, height);
                    let seen = listing.visible(rows, height);
                    assert!(
                        rows == 0 || seen.contains(&listing.selected),
                        "{rows} {height} {step:?} {listing:?}"
                    );
                    assert!(
                        seen.len() == rows.min(height),
                        "a screen is filled: {rows} {height} {listing:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_screen_moves_only_when_it_must() {
        let mut listing = Listing { selected: 5, top: 3, ..Listing::default() };
        listing.go(Step::Up, 40, 10);
        assert_eq!((listing.selected, listing.top), (4, 3));
        listing.go(Step::PageDown, 40, 10);
        assert_eq!((listing.selected, listing.top), (13, 4));
    }
}
