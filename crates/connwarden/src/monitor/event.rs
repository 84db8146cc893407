//! What happens to the live view, and what it wants done.

use std::sync::Arc;

use inspect::catalog::{Blocking, Sample};

use super::closing::{Done, Order, Planned};
use super::news::Tone;
use crate::exit::Exit;

/// What happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// Time has passed; every other event comes behind one of these.
    Tick {
        /// Seconds by a clock that never goes back.
        now_s: f64,
        /// Our wall clock: microseconds since 1970.
        clock_us: i64,
    },
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// A key.
    Key(Key),
    /// A look came back; from a recording, with the seconds until the next one there.
    Sample(Box<Sample>, Option<f64>),
    /// Who waits for whom; `None` if nobody waits. Comes before the sample of the same look.
    Blocking(Option<Blocking>),
    /// A look failed.
    Failed {
        /// The exact words.
        why: String,
        /// When: microseconds since 1970; 0 for now.
        at_us: i64,
        /// There was a connection, and it is gone.
        lost: bool,
    },
    /// Who would be closed or cancelled.
    Planned(Box<Planned>),
    /// What became of them.
    Acted(Done),
    /// The recording has no more.
    Ended,
    /// Something about ourselves that is worth telling.
    Remark(Tone, String),
    /// A signal says: end.
    Leave(Exit),
}

/// What is wanted.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    /// Look at the server, or read on in the recording.
    Look,
    /// Make a plan.
    Plan(Order),
    /// Carry a plan out.
    Act(Arc<Planned>),
    /// No further than the present one.
    Stop,
    /// Put a text into the clipboard of the terminal.
    Copy(String),
    /// Draw everything again, whatever the terminal shows.
    Redraw,
    /// End.
    Quit(Exit),
}

/// A key, as the view knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-L.
    Redraw,
    /// Ctrl-U.
    EraseLine,
}
