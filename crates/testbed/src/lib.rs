//! Throwaway PostgreSQL servers, proxies and raw protocol clients for tests.
//!
//! Everything here is started for one test, waits for a condition and never for a time, and is gone when its value is
//! dropped. Processes are ended by the id they were started with. The protocol client knows the wire by itself: it
//! shares no code with the proxy, so that one mistake cannot hide on both sides.
//!
//! This is *not* a PostgreSQL driver: it has no pooling, no types, no TLS.

pub mod account;
pub mod child;
pub mod client;
pub mod error;
pub mod folder;
pub mod load;
pub mod pgbouncer;
pub mod postgres;
pub mod programs;
pub mod proxy;
pub mod resident;
pub mod seeded;
pub mod wait;

pub use client::{Address, Client, Login, Message, batch::Batch};
pub use error::{Error, Result};
pub use folder::Folder;
pub use postgres::{Postgres, PostgresOptions};
pub use proxy::Proxy;
