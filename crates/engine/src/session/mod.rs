//! One client, one server, and what joins them. Knows nothing of pools.

pub mod seed;
