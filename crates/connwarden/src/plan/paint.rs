//! Lines of the planner in the terminal's colours.

use inspect::form::{Marks, Paint, Style, Tone};
use plan::chart::{Chart, Ink, Line, Look, text};

/// Rows of each panel of a picture.
const PANEL_ROWS: usize = 10;
/// Columns where nobody says how many there are.
pub(super) const WIDTH: usize = 100;

/// The lines as text.
pub(super) fn lines(lines: &[Line], style: Style) -> String {
    let paint = style.paint();
    let mut out = String::new();
    for line in lines {
        let painted: String = line.spans.iter().map(|span| ink(paint, span.ink, &span.text)).collect();
        out.push_str(painted.trim_end());
        out.push('\n');
    }
    out
}

/// A picture as text.
pub(super) fn chart(chart: &Chart, style: Style) -> String {
    let look =
        Look { width: style.width.unwrap_or(WIDTH), height: PANEL_ROWS, ascii: style.marks == Marks::Ascii };
    lines(&text(chart, look), style)
}

fn ink(paint: Paint, ink: Ink, text: &str) -> String {
    let tone = match ink {
        Ink::Plain => return text.to_owned(),
        Ink::Strong => Tone::Strong,
        Ink::Faint => Tone::Faint,
        Ink::Good | Ink::Marked | Ink::Series(0) => Tone::Good,
        Ink::Warn | Ink::Series(_) => Tone::Warn,
        Ink::Bad => Tone::Bad,
    };
    paint.tone(tone, text)
}
