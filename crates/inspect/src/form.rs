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
use text::wrap;
pub use text::{
    NAME_CHARS_MAX, app, clean, clean_within, contender, count, grant_that_mends, hidden_from, partial_view,
    percent, span, statement,
};
