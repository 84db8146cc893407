//! Connections that are finished and still owed their last words: the rest is written, the writing side shut, and what
//! still comes is dropped, so that no reset overtakes the text. They are nobody's any more: no name, no events, only
//! looks at every tick.

use std::collections::VecDeque;
use std::time::Duration;

use engine::time::Now;

use super::conn::{Conn, Outbound};
use super::gather::is_patience;
use super::socket::Line;

/// How long the peer may take to close.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes dropped before it is closed upon.
const DROPPED_MAX: usize = 64 * 1024;
/// How many may linger; beyond it the one that has lingered longest is closed.
const LINGERING_MAX: usize = 4_096;

#[derive(Debug)]
struct Last {
    line: Line,
    words: Vec<u8>,
    said: usize,
    shut: bool,
    dropped: usize,
    until: Now,
}

/// The list, oldest first.
#[derive(Debug, Default)]
pub struct Lingering(VecDeque<Last>);

impl Lingering {
    /// Takes a finished connection over. Most are closed at once: their peer has closed already.
    pub fn finish(&mut self, conn: Conn, now: Now) {
        if !matches!(conn.outbound, Outbound::Open | Outbound::Ending) {
            return;
        }
        let words = conn.backlog().to_vec();
        let mut last =
            Last { line: conn.line, words, said: 0, shut: false, dropped: 0, until: now.plus(PATIENCE) };
        if last.go_on() {
            if self.0.len() >= LINGERING_MAX {
                self.0.pop_front();
            }
            self.0.push_back(last);
        }
    }

    /// Looks after everybody.
    pub fn tick(&mut self, now: Now) {
        self.0.retain_mut(|last| now < last.until && last.go_on());
    }

    /// How many linger.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where nobody does.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Last {
    /// Does what can be done now. False where nothing is left to do.
    fn go_on(&mut self) -> bool {
        while self.said < self.words.len() {
            match self.line.write(&self.words[self.said..]) {
                Ok(taken) => self.said += taken,
                Err(error) => return is_patience(&error),
            }
        }
        if !self.shut {
            self.line.end_writing();
            self.shut = true;
        }
        let mut scratch = [0; 4096];
        while self.dropped < DROPPED_MAX {
            match self.line.read(&mut scratch) {
                Ok(0) => return false,
                Ok(bytes) => self.dropped += bytes,
                Err(error) => return is_patience(&error),
            }
        }
        false
    }
}
