//! The vocabulary every room shares: data and checks only, nothing that acts.

pub mod id;
