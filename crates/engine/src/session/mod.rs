//! One client, one server, and what joins them. Knows nothing of pools.

pub mod back;
pub mod client;
pub mod deallocate;
mod ensure;
mod errors;
pub mod forward;
pub mod greet;
pub mod keys;
pub mod ledger;
pub mod link;
pub mod login;
pub mod params;
mod prepare;
pub mod seed;
pub mod server;
pub mod statements;
pub mod taint;
pub mod vacancy;
