//! The room against real servers.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

extern crate connwarden_inspect as inspect;

mod bed;
mod certificates;
mod full;
mod login;
mod psql;
mod secrecy;
