//! Colour and marks, or their absence. Colour is never the only sign of anything.

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// To be acted on.
    Bad,
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
}

/// Which marks the other end can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marks {
    /// `OK`, `WARN`, `CRIT`; `#` and `.`.
    #[default]
    Ascii,
    /// `✅`, `⚠`, `❌`; blocks.
    Unicode,
}

/// How human text is written to its place: a terminal, or a pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Escape sequences for colour.
    pub colour: bool,
    /// Marks.
    pub marks: Marks,
    /// Columns; `None` where nobody looks at them.
    pub width: Option<usize>,
}

impl Style {
    /// A painter of this style.
    pub fn paint(self) -> Paint {
        Paint { colour: self.colour }
    }
}

/// Paints, or does not. The palette is told apart by red-green blind people: blue, yellow, bright red.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    colour: bool,
}

impl Paint {
    /// The text in its tone.
    pub fn tone(self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "34",
            Tone::Warn => "33",
            Tone::Bad => "1;31",
            Tone::Strong => "1",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
