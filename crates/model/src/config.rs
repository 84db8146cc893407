//! The configuration: what was given ([`raw`]), what the code sees ([`checked`]), and the way from one to the other
//! ([`load`]).
//!
//! Nothing here opens a file or looks at the environment: the caller passes in what it read.

mod check;
pub mod checked;
pub mod explain;
pub mod load;
pub mod raw;
pub mod report;
pub mod secret;
pub mod server_url;
pub mod suggest;
pub mod value;
pub mod words;
