//! How things are written: for people, for pipes, for programs. Pure: text in, text out.

pub mod close;
mod paint;
pub mod status;
mod table;
mod text;

pub use paint::{Marks, Paint, Style, Tone};
pub use table::{Align, Table};
pub use text::{clean, clean_within, count, percent, span};
