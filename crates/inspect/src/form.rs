//! How things are written: for people, for pipes, for programs. Pure: text in, text out.

pub mod blocking;
mod clock;
pub mod close;
pub mod doctor;
pub mod explain;
pub mod health;
pub mod nagios;
mod names;
pub mod prometheus;
pub mod status;

pub use clock::utc;
pub use names::{NAME_CHARS_MAX, app, contender, grant_that_mends, hidden_from, partial_view, statement};
use text::wrap;
pub use text::{Align, Marks, Paint, Style, Table, Tone, clean, clean_within, count, percent, span};
