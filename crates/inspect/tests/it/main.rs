//! What is said about servers, from samples that are made up and from real ones.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

extern crate connwarden_inspect as inspect;

mod checks;
mod explain;
mod exposition;
mod forms;
mod synthetic;
