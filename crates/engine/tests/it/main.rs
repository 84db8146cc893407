//! The engine's integration tests, in one binary: golden conversations, cut streams, and a seeded world.

mod fuzz;
mod limits;
mod rng;
mod sim;
mod split;
mod talk;
