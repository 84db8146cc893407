//! One client, one server, and what joins them. Knows nothing of pools.

pub mod ledger;
pub mod params;
pub mod seed;
pub mod statements;
pub mod taint;
