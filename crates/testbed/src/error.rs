//! What can go wrong while a test is being set up.

use std::io;
use std::time::Duration;

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// A trouble of the test's surroundings, or a server's refusal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A condition that did not come true in time.
    #[error("not within {waited:?}: {what}{last}")]
    Late {
        /// The condition.
        what: String,
        /// How long it was waited for.
        waited: Duration,
        /// What was seen last, or the end of a log.
        last: String,
    },
    /// A program that is needed and not there.
    #[error("{program} is missing: {hint}")]
    Missing {
        /// The program.
        program: String,
        /// How to get it.
        hint: String,
    },
    /// A program that ended when it should not.
    #[error("{program} ended with {status}\n{log}")]
    Ended {
        /// The program.
        program: String,
        /// Its exit status.
        status: String,
        /// What it said.
        log: String,
    },
    /// An ErrorResponse.
    #[error("{code}: {text}")]
    Server {
        /// The SQLSTATE.
        code: String,
        /// The message.
        text: String,
    },
    /// The other side closed the connection.
    #[error("the connection was closed while waiting for {waiting_for}")]
    Closed {
        /// What should have come.
        waiting_for: String,
    },
    /// A message that does not fit the protocol.
    #[error("out of protocol: {0}")]
    Protocol(String),
}

impl Error {
    /// Whether this is the named SQLSTATE.
    pub fn is_code(&self, wanted: &str) -> bool {
        matches!(self, Self::Server { code, .. } if code == wanted)
    }
}

/// Adds what was tried to a system error.
pub trait Doing<T> {
    /// `what` is told with the error.
    fn doing(self, what: impl Into<String>) -> Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Io { what: what.into(), source })
    }
}
