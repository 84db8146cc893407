//! The monitor, the adapters and the examples on real servers.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bed;
mod examples;
mod full;
mod lost;
mod pools;
mod storm;
