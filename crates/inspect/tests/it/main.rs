//! What the crate does to a real server.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

extern crate connwarden_inspect as inspect;

mod acting;
mod checks;
mod crowd;
mod explain;
mod exposition;
mod forms;
mod safety;
mod synthetic;
