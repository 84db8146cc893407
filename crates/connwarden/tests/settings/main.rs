//! What each setting does: real processes where a socket, a log or PostgreSQL itself must show it, and a table that
//! names a test for every setting of the catalogue, wherever it is.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bed;
mod catalogue;
mod listening;
mod logging;
mod logins;
mod process;
mod servers;
