//! The planner seen from outside.

mod agreement;
mod drawing;
mod form;
mod simulation;
mod sweep;
mod world;
