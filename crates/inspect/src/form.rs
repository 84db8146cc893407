//! How things are written: for people, for pipes, for programs. Pure: text in, text out.

pub mod blocking;
mod clock;
pub mod close;
pub mod doctor;
pub mod explain;
pub mod health;
pub mod nagios;
mod paint;
pub mod prometheus;
pub mod status;
mod table;
mod text;

pub use clock::utc;
pub use paint::{Marks, Paint, Style, Tone};
pub use table::{Align, Table};
pub use text::{clean, clean_within, count, percent, span};
