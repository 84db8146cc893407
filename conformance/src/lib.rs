//! The same conversations with PostgreSQL directly and through the proxy, word for word.
//!
//! A scenario is a few lines of text (`scenarios/*.txt`, the language is in README.md). It is played against the server
//! itself and then through the proxy; what the server said is written down as a transcript, and the transcripts must be
//! equal. Where they rightly differ, `differences.toml` says how and why; a listed difference that is no longer there
//! fails as well, so the list stays true.

pub mod compare;
pub mod differences;
pub mod script;
pub mod stage;
pub mod suite;
pub mod transcript;
