//! How things are written for people: words and numbers, tables that line up, colours and marks. Nothing of what is said.
//!
//! Pure: text in, text out. What a stranger wrote passes [`clean`] on its way to a terminal.

mod paint;
mod table;
mod words;

pub use paint::{Marks, Paint, Style, Tone};
pub use table::{Align, Table};
pub use words::{clean, clean_within, count, percent, span, wrap, wrapped};
