//! The traps poolers fall into, one test each: every one fails where its guard is missing.
//!
//! `docs/traps.md` is the table; the last module checks that it names only tests that exist. Not here: what a seed finds
//! (`it::sim`), golden conversations (`it::talk`) and what is compared with PostgreSQL itself (`conformance`).

mod cancel;
mod copy;
mod databases;
mod life;
mod login;
#[path = "../it/talk/notation.rs"]
mod notation;
mod replies;
mod sessions;
mod stand;
mod statements;
mod table;
