//! What a live PostgreSQL says about its connections, and what may be done about them.
//!
//! Only `connect` touches sockets; everything else looks at what was read: `catalog` holds the questions and the types
//! of their answers, `census` adds them up, `checks` judges, `explain` tells what errors mean, `doctor` advises, `closing`
//! plans who goes and carries it out, `record` keeps samples in memory and in files, `report` is what is said to
//! programs, `form` how it is written for people. Nothing here knows a proxy.

pub mod catalog;
pub mod census;
pub mod checks;
pub mod closing;
pub mod connect;
pub mod doctor;
pub mod explain;
pub mod filter;
pub mod form;
pub mod grants;
pub mod local;
pub mod quote;
pub mod record;
pub mod report;
pub mod settings;
