//! How a connection got in.

use std::time::Duration;

use super::ServerError;

/// The way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// As everybody does.
    Ordinary,
    /// The server was full: as a walsender, which has slots of its own.
    Walsender {
        /// What the server said to an ordinary login.
        refused: ServerError,
    },
    /// The server was full, and a slot became free.
    Waited {
        /// What the server said at first.
        refused: ServerError,
        /// How long it took.
        waited: Duration,
    },
}

impl Way {
    /// What is worth telling: nothing of the ordinary way.
    pub fn sentence(&self) -> Option<String> {
        match self {
            Self::Ordinary => None,
            Self::Walsender { refused } => Some(format!(
                "the server is full ({}); logged in as a walsender, which has slots of its own",
                refused.message
            )),
            Self::Waited { refused, waited } => Some(format!(
                "the server was full ({}); a slot became free after {:.1} s",
                refused.message,
                waited.as_secs_f64()
            )),
        }
    }
}
