//! A scenario as data: who says what, and what is waited for.

mod lexer;
mod message;
mod parse;

use std::time::Duration;

use testbed::Login;

pub use parse::scenarios;

/// A client's letter in the script.
pub type Who = char;

/// One conversation.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// `file::a_sentence`
    pub name: String,
    /// Set where a mode cannot hold the conversation at all; then only this one is played.
    pub only: Option<String>,
    /// What happens, in order.
    pub steps: Vec<(usize, Step)>,
}

/// One line of a script.
#[derive(Debug, Clone)]
pub enum Step {
    /// Opens a connection and says nothing.
    Connect(Who),
    /// Opens a connection, logs in, reads to the first ReadyForQuery.
    Startup(Who, Login),
    /// Sends bytes.
    Send(Who, Vec<u8>, How),
    /// Reads what the server says.
    Read(Who, Until),
    /// Cancels the client's query over a second connection.
    Cancel(Who, Secret),
    /// Drops the connection without a good-bye.
    Drop(Who),
    /// Closes the sending half.
    ShutWriting(Who),
    /// What the transcript must contain when the server is asked directly: proves that the scenario shows its point.
    Sees(Who, String),
    /// Waits until a backend runs, or no longer runs, a query with this text.
    Wait(Activity, String),
    /// The superuser's SQL, past the proxy.
    Admin(String),
}

/// How bytes go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// In one segment.
    Whole,
    /// One byte a time.
    Dribbled,
    /// Only the first so many.
    Cut(usize),
}

/// What ends a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// So many messages with this tag.
    Tag(u8, usize),
    /// A message with the first tag; those with the second are not written down, as their number is left to chance.
    TagWithout(u8, u8),
    /// The end of the connection, whatever bytes come before.
    Raw,
    /// The end of the connection.
    Eof,
    /// One byte without a frame.
    Byte,
    /// Nothing may come for this long.
    Quiet(Duration),
}

/// The key of a CancelRequest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// As the server gave it.
    Right,
    /// Another one.
    Wrong,
}

/// What a backend does with a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It runs.
    Active,
    /// No backend runs it.
    Inactive,
}
