//! One connection to a server: dialled, logged in, asked.
//!
//! The simple query protocol only: it is all that a walsender understands, and a walsender's slot is the one way in when
//! every other slot is taken. Several statements in one text are one round trip and one snapshot.

mod answer;
mod answers;
mod cancel;
mod connection;
mod dial;
mod endpoint;
mod error;
mod full;
mod login;
mod machine;
mod open;
mod pooler;
mod way;

pub use answer::{Answer, Row};
pub use answers::Answers;
pub(crate) use answers::one;
pub use cancel::{CancelKey, cancel};
pub use connection::Connection;
pub use endpoint::Endpoint;
pub use error::{AskError, ConnectError, ServerError};
pub use full::{Full, Kind};
pub use machine::Machine;
pub use open::open;
pub use pooler::{PoolView, PoolerView};
pub use way::Way;
