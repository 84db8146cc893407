//! What simulating and measuring have in common in what they show: tables, a picture, a document.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use inspect::form::{Marks, Paint, Style, Tone, clean};
use plan::chart::{Chart, Ink, Line, Look, svg, text};
use serde::Serialize;

use crate::exit::Exit;
use crate::output::LookOptions;
use crate::say;

/// Rows of each panel of a picture.
const PANEL_ROWS: usize = 10;
/// Columns where nobody says how many there are.
pub(super) const WIDTH: usize = 100;

/// How pool sizes are shown.
#[derive(Args, Clone, Debug)]
pub(super) struct PictureOptions {
    /// Write the picture into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Form of the answer
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "human")]
    output: Form,
    #[command(flatten)]
    look: LookOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Tables and a picture
    Human,
    /// One JSON document
    Json,
}

impl PictureOptions {
    /// Tells it. One size alone has no picture in the terminal.
    pub(super) fn tell(
        &self,
        report: &impl Serialize,
        picture: &Chart,
        sizes: usize,
        human: impl FnOnce(Style) -> String,
    ) -> Exit {
        if let Some(path) = &self.svg
            && let Err(error) = std::fs::write(path, svg(picture))
        {
            say::err(&format!("error: {}: {error}", clean(&path.to_string_lossy())));
            return Exit::Nothing;
        }
        match self.output {
            Form::Json => say::json(report),
            Form::Human => {
                let style = self.look.style();
                say::out(&human(style));
                if sizes > 1 {
                    say::out(&format!("\n{}", chart(picture, style)));
                }
            }
        }
        Exit::Done
    }
}

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
fn chart(chart: &Chart, style: Style) -> String {
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
