//! The shell against a toy brain: what the loop promises the engine, without the engine.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod console;
mod dials;
mod doors;
mod ends;
mod flow;
mod hold;
mod moves;
mod toy;
