//! The keys of the screen we are on.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keys::bindings;
use super::super::state::State;
use super::Canvas;

/// Width of the keys.
const KEY_CELLS: u16 = 8;

pub(super) fn help(canvas: &mut Canvas<'_>, state: &State) {
    let theme = state.theme;
    let keys = bindings(state);
    let screen = canvas.area;
    let width = 78.min(screen.width);
    let height = (keys.len() as u16 + 3).min(screen.height.saturating_sub(2));
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 2, width, height };
    canvas.clear(area);
    let inside = canvas.panel(area, "Keys here", theme.title());
    for (y, (key, _, long)) in (inside.y..inside.bottom()).zip(keys) {
        canvas.put(inside.x + 2, y, KEY_CELLS, key, theme.title());
        canvas.put(
            inside.x + 2 + KEY_CELLS,
            y,
            inside.width.saturating_sub(KEY_CELLS + 3),
            long,
            Style::new(),
        );
    }
    let y = inside.bottom().saturating_sub(1);
    canvas.put(inside.x + 2, y, inside.width, "any key closes this", theme.faint());
}
