//! The engine's integration tests, in one binary: golden conversations, cut streams, and a seeded world.
#![expect(missing_docs, reason = "tests")]

mod rng;
mod sim;
