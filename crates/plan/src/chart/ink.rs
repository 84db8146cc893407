//! Text in pieces that say what they are, so that whoever prints them may colour them. No escape sequence is in them.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Nothing special.
    Plain,
    /// A heading.
    Strong,
    /// Beside the point: axes, grids.
    Faint,
    /// Of the so-manieth series, from 0.
    Series(usize),
    /// What is pointed at: the knee.
    Marked,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// To be acted on.
    Bad,
}

/// A piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub ink: Ink,
    /// It.
    pub text: String,
}

/// A line of pieces, without its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// From left to right; no two beside each other are of one ink.
    pub spans: Vec<Span>,
}

impl Line {
    /// A line of one piece.
    pub fn of(ink: Ink, text: impl Into<String>) -> Self {
        let mut line = Self::default();
        line.push(ink, &text.into());
        line
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, ink: Ink, text: &str) {
        match self.spans.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.ink == ink => last.text.push_str(text),
            _ => self.spans.push(Span { ink, text: text.to_owned() }),
        }
    }

    /// The text alone, without spaces at its end.
    pub fn plain(&self) -> String {
        let text: String = self.spans.iter().map(|span| span.text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// As much of it as fits into so many columns.
    pub fn clipped(&self, columns: usize) -> Self {
        let mut line = Self::default();
        let mut free = columns;
        for span in &self.spans {
            for c in span.text.chars() {
                let width = c.width().unwrap_or(0);
                if width > free {
                    return line;
                }
                free -= width;
                line.push(span.ink, c.encode_utf8(&mut [0; 4]));
            }
        }
        line
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_one_ink_are_one_piece() {
        let mut line = Line::of(Ink::Strong, "a");
        line.push(Ink::Strong, "b");
        line.push(Ink::Plain, "");
        line.push(Ink::Faint, "日 ");
        assert_eq!(line.spans.len(), 2);
        assert_eq!((line.plain().as_str(), line.width()), ("ab日", 5));
        assert_eq!([2, 3, 4].map(|columns| line.clipped(columns).plain()), ["ab", "ab", "ab日"]);
    }
}
