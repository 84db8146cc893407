//! TLS as PostgreSQL's clients use it: what an `sslmode` asks for, which certificates count, and the data that binds
//! SCRAM to the channel.
//!
//! Where the SSLRequest goes and what is tried after a refusal is decided by the caller; [`Mode::tries`] has the order.

mod binding;
mod der;
mod error;
mod files;
mod mode;
mod secure;
mod verify;

pub use error::TlsError;
pub use mode::{Mode, Try};
pub use secure::{Certificate, Connector, Options, Root, Secured, alert};
