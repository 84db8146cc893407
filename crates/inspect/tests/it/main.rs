//! The room against real servers, and what is said about samples that are made up.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

extern crate connwarden_inspect as inspect;

mod acting;
mod bed;
mod certificates;
mod checks;
mod crowd;
mod explain;
mod exposition;
mod forms;
mod full;
mod login;
mod psql;
mod safety;
mod secrecy;
mod synthetic;
