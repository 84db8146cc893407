//! What the crate does to a real server.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod acting;
mod crowd;
mod safety;
