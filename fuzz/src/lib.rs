//! What is fuzzed, as plain functions: the fuzzer feeds them, and the tests run the committed corpora through them.
//!
//! `cargo +nightly fuzz run worker` from the repository's top. None of these may panic, whatever comes.

mod room;

pub use room::{frame, scram, startup, worker};
