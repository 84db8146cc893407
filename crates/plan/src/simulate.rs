//! What a pool size does to waiting, played through event by event: requests arrive at the pools of some processes, wait
//! for a connection, work on a server that all share, think in their application, and give the connection back.
//!
//! Deterministic: on one platform a seed gives the same figures to the last bit. Arrivals, holds and spreading draw from streams of
//! their own, so that two pool sizes are tried with the very same requests and differ by nothing else.
//!
//! What the model leaves out: the time to open a connection (a pool is taken to be warm), locks between transactions,
//! and connections that fail.

mod arriving;
mod check;
mod compare;

mod estimate;
pub mod form;
mod meter;
mod outcome;
mod pools;
mod random;
mod run;
pub mod samples;
mod scenario;
mod server;
pub mod trace;

pub use check::{ARRIVALS_MAX, CONNECTIONS_MAX, Mistake};

pub use compare::{
    Comparison, Knee, LatencyWord, ResourceWord, Row, SIZES_MAX, ThroughputWord, Words, compare, knee,
};
pub use estimate::Estimate;
pub use outcome::{Counts, Outcome, Spread};
pub use run::run;
pub use scenario::{Arrivals, Checkout, Hold, Level, Scenario, Server, Spreading};
