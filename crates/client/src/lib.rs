//! What a service asks about its own connections to PostgreSQL.
//!
//! A [`Monitor`] holds one connection, looks over it at who holds the server's slots, and says what that comes to as a
//! [`Health`]. The connection is kept, so that it answers when the server is full, and what it saw is shared: a storm of
//! probes is one look. Pools tell about themselves through [`PoolStats`]; a [`Scope`] tells what one piece of work did to
//! them.
//!
//! ```no_run
//! # async fn example() -> Result<(), connwarden_client::BuildError> {
//! use connwarden_client::Monitor;
//!
//! let monitor = Monitor::builder().dsn("postgres://api@db/shop").build()?;
//! let health = monitor.health().await;
//! println!("{}: {}", health.status.word(), health.summary);
//!
//! let scope = monitor.scope("bulk_operation");
//! // ... the work ...
//! let report = scope.finish();
//! println!("took {:?}", report.duration);
//! # Ok(()) }
//! ```
//!
//! This is *not* a pool and no driver: it opens no connection for the service and closes none. Nothing here fails because the
//! server does: to be unreachable is a status.
//!
//! | feature | what it adds |
//! |---|---|
//! | `sqlx`, `deadpool`, `bb8` | [`PoolStats`] of their pools |
//! | `axum` | a route that answers probes |
//! | `plan` | what the plan file lets this service open |

mod health;
mod monitor;
mod pool;
mod process;
mod scope;

#[cfg(feature = "plan")]
mod budget;
#[cfg(feature = "axum")]
mod route;

#[cfg(feature = "plan")]
pub use budget::{Allowance, Budget, BudgetError, Fit};
pub use health::{ApplicationConnections, Health, HealthError, PostgresqlInfo};
pub use inspect::checks::{Check, CheckLevel, Id as CheckId, Limits};
pub use inspect::report::{Failure, Verdict as Status};
pub use monitor::{BuildError, Builder, Monitor};
#[cfg(feature = "bb8")]
pub use pool::Bb8Pool;
#[cfg(feature = "deadpool")]
pub use pool::DeadpoolPool;
#[cfg(feature = "sqlx")]
pub use pool::SqlxPool;
pub use pool::{PoolReport, PoolStats, Stats};
pub use process::{health, install, monitor_scope};
#[cfg(feature = "axum")]
pub use route::HealthRoute;
pub use scope::{PoolChange, Scope, ScopeReport, Seen};

/// The guide's code is compiled by the tests.
#[cfg(all(doctest, feature = "axum", feature = "plan", feature = "sqlx"))]
#[doc = include_str!("../../../docs/rust.md")]
mod guide {}
