//! What the planner makes of whole files.

mod kubernetes;
