//! A pool of bb8, such as bb8-postgres makes.

use std::fmt;

use bb8::{ManageConnection, Pool};

use super::{PoolStats, Stats};

/// A pool of bb8. It counts everything but those who wait now: a caller that is dropped while it waits never counts as done.
pub struct Bb8Pool<M: ManageConnection> {
    name: String,
    pool: Pool<M>,
}

impl<M: ManageConnection> Bb8Pool<M> {
    /// A pool and its name in reports. The pool is shared, not copied.
    pub fn new(name: impl Into<String>, pool: &Pool<M>) -> Self {
        Self { name: name.into(), pool: pool.clone() }
    }
}

impl<M: ManageConnection> fmt::Debug for Bb8Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bb8Pool").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<M: ManageConnection> PoolStats for Bb8Pool<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn stats(&self) -> Stats {
        let state = self.pool.state();
        let told = &state.statistics;
        Stats {
            size: state.connections,
            idle: state.idle_connections,
            in_use: state.connections.saturating_sub(state.idle_connections),
            max: self.pool.config().max_size,
            waiting: None,
            acquired_total: Some(told.get_direct + told.get_waited),
            waited_total: Some(told.get_waited),
            wait_total: Some(told.get_wait_time),
            timeouts_total: Some(told.get_timed_out),
            opened_total: Some(told.connections_created),
            closed_total: Some(
                told.connections_closed_broken
                    + told.connections_closed_invalid
                    + told.connections_closed_max_lifetime
                    + told.connections_closed_idle_timeout,
            ),
        }
    }
}
