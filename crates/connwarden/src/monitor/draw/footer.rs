//! The last line: the keys that do something now, a short notice, or the `/` line.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keys::bindings;
use super::super::news::Tone;
use super::super::state::State;
use super::Canvas;
use super::fit;

pub(super) fn footer(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    if let Some(edit) = &state.edit {
        let mut pieces = vec![
            (" / ".to_owned(), theme.title()),
            (edit.text.clone(), theme.strong()),
            (theme.mark("▏", "_").to_owned(), theme.title()),
        ];
        match &edit.error {
            Some(error) => pieces.push((format!("  {error}"), theme.tone(Tone::Warn))),
            None => pieces.push(("  Enter keeps it, Esc leaves it".to_owned(), theme.faint())),
        }
        canvas.pieces(area.x, area.y, area.width, &pieces);
        return;
    }
    if let Some((text, _)) = &state.notice {
        canvas.put(area.x + 1, area.y, area.width, text, theme.tone(Tone::Warn));
        return;
    }
    let mut at = area.x + 1;
    for (key, short, _) in bindings(state).into_iter().filter(|(_, short, _)| !short.is_empty()) {
        let cells = fit::cells(key) + 1 + fit::cells(short);
        if at + cells >= area.right() {
            break;
        }
        at += canvas.put(at, area.y, cells, key, theme.title());
        canvas.put(at, area.y, cells, &format!(" {short}"), Style::new());
        at += 1 + fit::cells(short) + 2;
    }
}
