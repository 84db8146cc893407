//! Colours and marks, or their absence. What a colour says, a word or a mark says as well.

use inspect::form::{Marks, Style as Output};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

use super::news::Tone;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    colour: bool,
    /// 256 colours: orange can be told from yellow.
    rich: bool,
    marks: Marks,
}

impl Theme {
    /// What standard output can show.
    pub(crate) fn of(output: Output) -> Self {
        let says = |name: &str, part: &str| std::env::var(name).is_ok_and(|value| value.contains(part));
        let rich = says("TERM", "256color") || says("COLORTERM", "truecolor") || says("COLORTERM", "24bit");
        Self { colour: output.colour, rich, marks: output.marks }
    }

    pub(crate) fn ascii(self) -> bool {
        self.marks == Marks::Ascii
    }

    /// One of two texts: the second where only ASCII can be shown.
    pub(crate) fn mark(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii() { ascii } else { unicode }
    }

    fn colour(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// Blue, orange and red are told apart by people who don't see red and green as two.
    pub(crate) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Good => self.colour(if self.rich { Color::Indexed(75) } else { Color::Cyan }),
            Tone::Warn => self.colour(if self.rich { Color::Indexed(214) } else { Color::Yellow }),
            Tone::Bad => self
                .colour(if self.rich { Color::Indexed(203) } else { Color::Red })
                .add_modifier(Modifier::BOLD),
        }
    }

    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(crate) fn faint(self) -> Style {
        if self.colour { self.colour(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    pub(crate) fn title(self) -> Style {
        self.tone(Tone::Good).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(crate) fn border(self) -> border::Set<'static> {
        if self.ascii() {
            border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            }
        } else {
            border::PLAIN
        }
    }

    /// One cell of a curve: `eighths` of it are filled, 0 to 8.
    pub(crate) fn eighths(self, eighths: u32) -> &'static str {
        const UNICODE: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        const ASCII: [&str; 9] = [" ", "_", ".", ".", "-", "-", "=", "=", "#"];
        let cells = if self.ascii() { ASCII } else { UNICODE };
        cells[(eighths as usize).min(8)]
    }
}

#[cfg(test)]
impl Theme {
    pub(crate) fn bare(marks: Marks) -> Self {
        Self { colour: false, rich: false, marks }
    }
}
