//! The planner seen from outside.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod agreement;
mod compose;
mod drawing;
mod form;
mod guide;
mod kubernetes;
mod simulation;
mod suggesting;
mod sweep;
mod tables;
mod world;
