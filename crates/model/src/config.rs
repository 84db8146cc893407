//! The configuration: what the file says (`raw`), what the code sees ([`checked`]), and the way from one to the other.
//!
//! Nothing here opens a file or looks at the environment: the caller passes in what it read.

pub mod checked;
pub mod secret;
pub mod suggest;
pub mod value;
pub mod words;
