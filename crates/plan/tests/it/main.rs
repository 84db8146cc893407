//! What the planner makes of whole files.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod kubernetes;
