//! The configuration as its readers meet it: what is refused and how that reads, what is accepted and where it lands.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod accepted;
mod golden;
mod outside;
