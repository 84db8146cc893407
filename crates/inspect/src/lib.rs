//! What a live PostgreSQL says about its connections, and what may be done about them.
//!
//! Only `connect` touches sockets; everything else looks at what was read: `catalog` holds the questions and the types
//! of their answers, `census` adds them up, `report` is what is said to programs, `form` how it is
//! written for people, `record` keeps samples in memory and in files. Nothing here knows a proxy.

pub mod catalog;
pub mod census;
pub mod closing;
pub mod connect;
pub mod filter;
pub mod form;
pub mod record;
pub mod report;
