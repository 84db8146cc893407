//! Every decision of the proxy. No clock, no entropy of its own, no socket, no log, no static.
//!
//! [`worker::Worker`] decides for one worker thread: logins, clients, connections to servers, pools. The steward
//! decides for the control thread: who may open how many connections. Both are functions of what they are told, so a
//! whole process is replayed from a seed. Read [`contract`] first.

pub mod contract;
pub mod orders;
pub mod planted;
pub mod pool;
pub mod refuse;
pub mod remark;
pub mod session;
mod slab;
pub mod snapshot;
pub mod steward;
pub mod tally;
pub mod time;
pub mod trace;
pub mod worker;
