//! The planner seen from outside.

mod agreement;
mod simulation;
mod sweep;
mod world;
