//! The text of a file, and the way from a word of a scalar back to the line it is written in.

use std::sync::Arc;

use crate::Place;
use crate::place::Lines;
use crate::yaml::Style;

/// A file's text that answers quickly where a byte is.
#[derive(Clone, Debug)]
pub(super) struct Source {
    file: Arc<str>,
    text: Arc<str>,
    lines: Lines,
    ascii: bool,
}

/// Letters of a line that are counted already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    byte: usize,
    letters: usize,
}

/// Beyond this column, letters that are not ASCII are not counted to find a byte.
const COLUMNS_MAX: usize = 10_000;

impl Source {
    pub(super) fn new(file: &Arc<str>, text: &Arc<str>) -> Self {
        Self {
            file: Arc::clone(file),
            text: Arc::clone(text),
            lines: Lines::of(text),
            ascii: text.is_ascii(),
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The place of a byte.
    pub(super) fn place(&self, byte: usize) -> Place {
        self.place_from(byte, &mut Counted::default())
    }

    /// The place of a byte that lies behind others already asked for: the letters before those are not counted again.
    pub(super) fn place_from(&self, byte: usize, counted: &mut Counted) -> Place {
        let line = self.lines.index(byte);
        let begin = self.lines.begin(line).unwrap_or(0);
        let letters = match self.ascii {
            true => byte.saturating_sub(begin),
            false => {
                if counted.byte < begin || counted.byte > byte {
                    *counted = Counted { byte: begin, letters: 0 };
                }
                let more = self.text.get(counted.byte..byte).unwrap_or_default();
                *counted = Counted { byte, letters: counted.letters + more.chars().count() };
                counted.letters
            }
        };
        let from_one = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        Place::new(&self.file, from_one(line), from_one(letters))
    }

    /// The byte of a place.
    pub(super) fn byte(&self, place: &Place) -> Option<usize> {
        let index = |n: u32| usize::try_from(n).ok()?.checked_sub(1);
        let begin = self.lines.begin(index(place.line)?)?;
        let column = index(place.column)?;
        if self.ascii {
            return Some(begin + column).filter(|byte| *byte <= self.text.len());
        }
        let line = self.text.get(begin..).filter(|_| column <= COLUMNS_MAX)?;
        line.char_indices().map(|(at, _)| begin + at).chain([self.text.len()]).nth(column)
    }

    /// A finger on the first letter of a scalar's text.
    pub(super) fn trace<'t>(&'t self, place: &Place, style: Style, text: &'t str) -> Trace<'t> {
        let byte = self.byte(place);
        let begin = byte.unwrap_or(self.text.len());
        let rest = self.text.get(begin..).unwrap_or_default();
        let quote = rest.bytes().next().filter(|c| style == Style::Quoted && matches!(c, b'"' | b'\''));
        let at = begin + usize::from(quote.is_some());
        let lost = byte.is_none().then(|| place.clone());
        Trace { source: self, quote, text, next: 0, at, last: at, counted: Counted::default(), lost }
    }
}

/// Walks a scalar's text and its source together. YAML folds, indents and unescapes, but keeps the letters that are
/// not blank in their order: those lead the way.
pub(super) struct Trace<'t> {
    source: &'t Source,
    quote: Option<u8>,
    text: &'t str,
    /// The byte of the text that comes next.
    next: usize,
    /// The byte of the source that comes next.
    at: usize,
    /// The byte of the source that the last letter stood at.
    last: usize,
    counted: Counted,
    /// The scalar's own place, if its text could not be found.
    lost: Option<Place>,
}

impl Trace<'_> {
    /// The place of a byte of the text. Bytes are asked for in rising order.
    pub(super) fn place(&mut self, byte: usize) -> Place {
        while self.next <= byte {
            let Some(letter) = self.text.get(self.next..).and_then(|rest| rest.chars().next()) else {
                break;
            };
            self.next += letter.len_utf8();
            if !letter.is_whitespace() {
                self.letter(letter);
            }
        }
        match &self.lost {
            Some(place) => place.clone(),
            None => self.source.place_from(self.last, &mut self.counted),
        }
    }

    fn letter(&mut self, letter: char) {
        let rest = self.source.text.get(self.at..).unwrap_or_default();
        let mut chars = rest.char_indices().skip_while(|(_, c)| c.is_whitespace());
        while let Some((at, c)) = chars.next() {
            let long = match (self.quote, c) {
                (Some(b'"'), '\\') => match chars.next() {
                    Some((_, 'n' | 't' | 'r' | 'v' | 'f' | '_' | 'N' | 'L' | 'P')) => continue,
                    Some((_, blank)) if blank.is_whitespace() => continue,
                    Some((_, 'x')) => 4,
                    Some((_, 'u')) => 6,
                    Some((_, 'U')) => 10,
                    Some((_, escaped)) => 1 + escaped.len_utf8(),
                    None => return,
                },
                (Some(b'\''), '\'') => 2,
                (_, blank) if blank.is_whitespace() => continue,
                (_, c) if c == letter => c.len_utf8(),
                // Out of step: what follows stays where the last letter was.
                _ => return,
            };
            self.last = self.at + at;
            self.at = self.last + long;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{self, Value};

    /// The places of all words of the value of `a`.
    fn words(text: &str) -> Vec<(u32, u32)> {
        let file: Arc<str> = "f".into();
        let document = yaml::documents(&file, text).unwrap().remove(0);
        let node = document.get("a").unwrap();
        let Value::Scalar(scalar) = &node.value else { panic!("{node:?}") };
        let source = Source::new(&file, &text.into());
        let mut trace = source.trace(&node.place, scalar.style, &scalar.text);
        let mut begins = Vec::new();
        for (at, c) in scalar.text.char_indices() {
            let before = scalar.text[..at].chars().next_back();
            if !c.is_whitespace() && before.is_none_or(char::is_whitespace) {
                begins.push(at);
            }
        }
        begins.into_iter().map(|at| trace.place(at)).map(|place| (place.line, place.column)).collect()
    }

    #[test]
    fn a_word_of_a_block_is_found_in_its_own_line() {
        assert_eq!(words("a: >\n  x\n  y z\n\n  w\n"), [(2, 3), (3, 3), (3, 5), (5, 3)]);
        assert_eq!(words("a: |\n  x # y\n    z\n"), [(2, 3), (2, 5), (2, 7), (3, 5)]);
        assert_eq!(words("a: x\n   y\n"), [(1, 4), (2, 4)]);
    }

    #[test]
    fn quotes_and_escapes_do_not_lead_astray() {
        assert_eq!(words("a: 'x ''y'' z'\n"), [(1, 5), (1, 7), (1, 13)]);
        assert_eq!(words("a: \"x \\\"y\\\" z\"\n"), [(1, 5), (1, 7), (1, 13)]);
        assert_eq!(words("a: \"x \\\n   y\\tz \\u00e9 w\"\n"), [(1, 5), (2, 4), (2, 7), (2, 9), (2, 16)]);
    }

    #[test]
    fn a_place_and_its_byte_are_each_others() {
        for text in ["ab\ncd\n", "é b\nc é d\n"] {
            let source = Source::new(&"f".into(), &text.into());
            for (byte, _) in text.char_indices() {
                assert_eq!(source.byte(&source.place(byte)), Some(byte), "{text:?} {byte}");
            }
            assert_eq!(source.byte(&Place::new(&"f".into(), 99, 1)), None);
        }
    }
}
