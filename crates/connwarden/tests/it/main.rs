//! The program as a shell sees it: exit codes, and what goes to which stream.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod closing;
mod config;
mod doctor;
mod explaining;
mod health;
mod monitor;
mod paper;
mod plan;
mod schema;
mod server;
mod shell;
mod status;
mod versions;
