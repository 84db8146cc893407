//! The vocabulary every room shares: data and checks only, nothing that acts.

pub mod catalog;
pub mod config;
pub mod id;
pub mod limits;
pub mod preset;
pub mod size;
