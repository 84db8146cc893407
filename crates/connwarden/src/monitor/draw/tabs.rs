//! The views there are, where we are in them, and what is let through.

use inspect::form::clean_within;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::news::Tone;
use super::super::state::{Group, Screen, State};
use super::Canvas;
use super::apps::{key_title, name_of};
use super::{fit, plan};

pub(super) fn tabs(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let first = state.screens.first().and_then(Screen::view);
    let mut pieces: Vec<(String, Style)> = vec![(" ".to_owned(), Style::new())];
    for (at, view) in state.views().iter().enumerate() {
        let here = first == Some(*view);
        let (open, close) = if here { ("[", "]") } else { (" ", " ") };
        let style = if here { theme.title() } else { Style::new() };
        pieces.push((format!("{open}{} {}{close}", at + 1, view.title()), style));
    }
    let arrow = theme.mark("›", ">");
    for screen in state.screens.iter().skip(1) {
        let text = match screen {
            Screen::View(view) => view.title().to_owned(),
            Screen::SessionsOf(Group::Of(owner)) => clean_within(&plan::name_of(state, *owner), 28),
            Screen::SessionsOf(Group::Key(by, key)) => {
                let name = clean_within(&name_of(*by, key), 28);
                format!("{} {name}", key_title(*by).to_lowercase())
            }
            Screen::Session((pid, _)) => format!("pid {pid}"),
        };
        pieces.push((format!(" {arrow} {text}"), theme.strong()));
    }
    let used = canvas.pieces(area.x, area.y, area.width, &pieces);
    if state.filter_text.is_empty() {
        return;
    }
    let text = format!("filter: {} ", state.filter_text);
    let room = area.width.saturating_sub(used + 2);
    let cells = fit::cells(&text).min(room);
    canvas.put(area.right() - cells, area.y, cells, &text, theme.tone(Tone::Warn));
}
