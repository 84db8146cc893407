//! What the state looks like. Nothing here changes it, and only rows that are on the screen are written out.

use inspect::form::clean_within;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Block, Borders, Clear, Widget};

use super::layout::{COLUMNS_MIN, Layout, ROWS_MIN};
use super::state::{Link, Screen, State, View};
use super::theme::Theme;

mod about;
mod apps;
mod blocking;
mod curve;
mod dialog;
mod events;
mod fit;
mod footer;
mod header;
mod help;
mod limits;
mod list;
mod plan;
mod session;
mod sessions;
mod slots;
mod tabs;
#[cfg(test)]
mod tests;

/// Longest text that is looked at for one line.
const LINE_CHARS_MAX: usize = 1_000;

/// Draws all of it.
pub(crate) fn draw(frame: &mut Frame<'_>, state: &State) {
    let mut canvas = Canvas { area: frame.area(), theme: state.theme, buffer: frame.buffer_mut() };
    if canvas.area.width < COLUMNS_MIN || canvas.area.height < ROWS_MIN {
        too_small(&mut canvas);
        return;
    }
    let layout = Layout::of(state);
    header::header(&mut canvas, layout.header, state);
    slots::slots(&mut canvas, layout.slots, state);
    curve::curve(&mut canvas, layout.curve, state);
    tabs::tabs(&mut canvas, layout.tabs, state);
    match state.screen() {
        Screen::View(View::Apps) => apps::apps(&mut canvas, &layout, state),
        Screen::View(View::Sessions) | Screen::SessionsOf(..) => {
            sessions::sessions(&mut canvas, &layout, state)
        }
        Screen::View(View::Blocking) => blocking::blocking(&mut canvas, &layout, state),
        Screen::View(View::Limits) => limits::limits(&mut canvas, &layout, state),
        Screen::View(View::Events) => events::events(&mut canvas, &layout, state),
        Screen::View(View::Plan) => plan::plan(&mut canvas, &layout, state),
        Screen::Session(_) => session::session(&mut canvas, layout.list, state),
    }
    about::about(&mut canvas, layout.about, state);
    list::left_out(&mut canvas, &layout, state);
    if let Link::Down { .. } = state.link {
        let top = layout.slots.y;
        canvas.dim(Rect { y: top, height: layout.footer.y.saturating_sub(top), ..canvas.area });
        header::banner(&mut canvas, layout.banner, state);
    }
    footer::footer(&mut canvas, layout.footer, state);
    dialog::dialog(&mut canvas, state);
    if state.help {
        help::help(&mut canvas, state);
    }
}

fn too_small(canvas: &mut Canvas<'_>) {
    let area = canvas.area;
    let text = format!("{COLUMNS_MIN}x{ROWS_MIN} is needed, this is {}x{}", area.width, area.height);
    canvas.put(0, area.height / 2, area.width, &text, Style::new());
}

/// A place to write on. Whatever is written is cleaned and cut to its width.
struct Canvas<'a> {
    area: Rect,
    theme: Theme,
    buffer: &'a mut Buffer,
}

impl Canvas<'_> {
    /// Writes a text in at most `width` cells; returns how many it took.
    fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let room = self.area.right().saturating_sub(x).min(width);
        if room == 0 || y >= self.area.bottom() {
            return 0;
        }
        let text = fit::fit(&clean_within(text, LINE_CHARS_MAX), room, self.theme.mark("…", "~"));
        let (end, _) = self.buffer.set_stringn(x, y, &text, usize::from(room), style);
        end - x
    }

    /// The same, ending at the right edge of its width.
    fn put_right(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) {
        let text = fit::fit(&clean_within(text, LINE_CHARS_MAX), width, self.theme.mark("…", "~"));
        let gap = width.saturating_sub(fit::cells(&text));
        self.put(x + gap, y, width - gap, &text, style);
    }

    /// Pieces one behind the other, as far as there is room.
    fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[(String, Style)]) -> u16 {
        let mut used = 0;
        for (text, style) in pieces {
            used += self.put(x + used, y, width.saturating_sub(used), text, *style);
        }
        used
    }

    /// A frame with a title; returns what is inside.
    fn panel(&mut self, area: Rect, title: &str, style: Style) -> Rect {
        let block = Block::new()
            .borders(Borders::ALL)
            .border_set(self.theme.border())
            .border_style(self.theme.faint());
        let inside = block.inner(area);
        block.render(area, self.buffer);
        if !title.is_empty() {
            self.put(area.x + 2, area.y, area.width.saturating_sub(4), &format!(" {title} "), style);
        }
        inside
    }

    fn clear(&mut self, area: Rect) {
        Clear.render(area, self.buffer);
    }

    fn style(&mut self, area: Rect, style: Style) {
        self.buffer.set_style(area, style);
    }

    /// What is old looks old.
    fn dim(&mut self, area: Rect) {
        let style = self.theme.faint().add_modifier(Modifier::DIM).remove_modifier(Modifier::BOLD);
        self.buffer.set_style(area, style);
    }
}
