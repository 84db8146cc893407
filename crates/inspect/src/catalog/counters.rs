//! Sessions begun and ended since the statistics were reset (PostgreSQL 14 and later). Two samples give a churn.

use crate::connect::{Answer, AskError};

/// Sums over all databases. The server flushes them with some delay.
pub(super) const SQL: &str = "\
SELECT sum(sessions)::bigint AS sessions, sum(sessions_abandoned)::bigint AS abandoned,
       sum(sessions_fatal)::bigint AS fatal, sum(sessions_killed)::bigint AS killed,
       sum(active_time) AS active_ms, sum(xact_commit + xact_rollback)::bigint AS transactions
  FROM pg_catalog.pg_stat_database WHERE datid <> 0";
/// The first major version that has them.
pub(super) const SINCE: u32 = 14;

/// Counters of all databases together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// Sessions begun.
    pub sessions: i64,
    /// Ended because the client vanished.
    pub abandoned: i64,
    /// Ended by a fatal error.
    pub fatal: i64,
    /// Ended by an operator.
    pub killed: i64,
    /// Milliseconds spent running statements: its growth per millisecond is the mean number of active sessions.
    pub active_ms: f64,
    /// Transactions ended.
    pub transactions: i64,
}

impl Counters {
    pub(super) fn read(answer: &Answer) -> Result<Self, AskError> {
        let row = answer.only()?;
        Ok(Self {
            sessions: row.maybe("sessions")?.unwrap_or(0),
            abandoned: row.maybe("abandoned")?.unwrap_or(0),
            fatal: row.maybe("fatal")?.unwrap_or(0),
            killed: row.maybe("killed")?.unwrap_or(0),
            active_ms: row.maybe("active_ms")?.unwrap_or(0.0),
            transactions: row.maybe("transactions")?.unwrap_or(0),
        })
    }
}
