//! The program as a shell sees it: exit codes, and what goes to which stream.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod config;
mod monitor;
mod shell;
