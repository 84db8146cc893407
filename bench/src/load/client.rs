//! One client of the load: its line, and the one thing it waits for.
//!
//! ```text
//! Login --ReadyForQuery--> Preparing --ReadyForQuery--> Idle <--> Busy
//!    \___________ (nothing to prepare) _________________/
//! ```

use std::io;
use std::time::Instant;

use crate::line::{Ended, Line};
use crate::load::script::Script;
use crate::messages;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Login,
    Preparing,
    Idle,
    Busy,
}

/// What became complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    LoggedIn,
    Answered { since: Instant },
}

#[derive(Debug)]
pub(crate) struct Client {
    line: Line,
    state: State,
    since: Instant,
    delayless: bool,
    /// Messages received in transactions.
    pub(crate) messages: u64,
}

impl Client {
    /// `since` is the moment of dialling: a login's latency counts from there.
    pub(crate) fn new(line: Line, since: Instant) -> Self {
        Self { line, state: State::Login, since, delayless: false, messages: 0 }
    }

    /// The socket became ready. At most one thing is awaited, so at most one piece of news comes of it.
    pub(crate) fn turn(
        &mut self,
        writable: bool,
        scratch: &mut [u8],
        script: &Script,
    ) -> io::Result<Option<News>> {
        if writable {
            self.on_writable(script)?;
        }
        let mut ready = 0;
        let mut messages = 0;
        let ended = self.line.pump(scratch, |bytes| take(bytes, &mut ready, &mut messages))?;
        if ended == Ended::Yes {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other side closed the connection"));
        }
        if self.state == State::Busy {
            self.messages += messages;
        }
        match ready {
            0 => Ok(None),
            1 => self.on_ready(script),
            _ => Err(out_of_step("more than one ReadyForQuery for one request")),
        }
    }

    fn on_writable(&mut self, script: &Script) -> io::Result<()> {
        if self.delayless {
            return self.line.flush();
        }
        self.delayless = true;
        self.line.no_delay()?;
        self.line.send(&script.startup)
    }

    fn on_ready(&mut self, script: &Script) -> io::Result<Option<News>> {
        match (self.state, &script.prepare) {
            (State::Login, Some(prepare)) => {
                self.state = State::Preparing;
                self.line.send(prepare)?;
                Ok(None)
            }
            (State::Login, None) | (State::Preparing, _) => {
                self.state = State::Idle;
                Ok(Some(News::LoggedIn))
            }
            (State::Busy, _) => {
                self.state = State::Idle;
                Ok(Some(News::Answered { since: self.since }))
            }
            (State::Idle, _) => Err(out_of_step("a ReadyForQuery that nobody asked for")),
        }
    }

    /// Starts one transaction.
    pub(crate) fn ask(&mut self, now: Instant, script: &Script) -> io::Result<()> {
        assert!(self.state == State::Idle, "a client asks only when it is idle");
        self.state = State::Busy;
        self.since = now;
        self.line.send(&script.transaction)
    }

    /// Terminate; the socket closes when the client is dropped.
    pub(crate) fn say_goodbye(&mut self) -> io::Result<()> {
        self.line.send(&[b'X', 0, 0, 0, 4])
    }

    /// When it was dialled, while it is not logged in.
    pub(crate) fn dialled(&self) -> Instant {
        self.since
    }
}

fn out_of_step(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("out of step: {what}"))
}

fn take(bytes: &[u8], ready: &mut u32, messages: &mut u64) -> io::Result<usize> {
    let mut used = 0;
    while let Some((message, size)) = messages::first(&bytes[used..])? {
        used += size;
        *messages += 1;
        match message.tag {
            b'Z' => *ready += 1,
            b'E' => return Err(io::Error::other(messages::error_text(message.body))),
            b'R' if message.body != [0; 4] => {
                return Err(io::Error::other("it asks for a password; only trust can be measured"));
            }
            _ => {}
        }
    }
    Ok(used)
}
