//! PostgreSQL v3 bytes <-> meaning.
//!
//! No state, no input or output, no allocation when only looking. Every reader takes a slice from the network and
//! returns data or a typed error; nothing here trusts a length it has not compared with a limit.
//! Protocol claims cite the PostgreSQL manual, chapter "Frontend/Backend Protocol" (53 in version 15).

pub mod auth;
pub mod backend;
pub mod encode;
pub mod frame;
pub mod frontend;
pub mod sqlstate;
pub mod startup;
pub mod tag;
pub mod userlist;
