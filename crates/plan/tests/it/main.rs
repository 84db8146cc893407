//! The planner seen from outside.

mod agreement;
mod form;
mod simulation;
mod sweep;
mod world;
