//! One connection to a server: dialled, logged in, asked.
//!
//! The simple query protocol only: it is all that a walsender understands, and a walsender's slot is the one way in when
//! every other slot is taken. Several statements in one text are one round trip and one snapshot.

mod answer;
mod connection;
mod error;

pub use answer::{Answer, Row};
pub use connection::{Connection, Endpoint, Identity};
pub use error::{AskError, ConnectError, ServerError};
