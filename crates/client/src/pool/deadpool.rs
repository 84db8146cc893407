//! A managed pool of deadpool, such as deadpool-postgres has.

use std::fmt;

use deadpool::managed::{Manager, Object, Pool};

use super::{PoolStats, Stats, count};

/// A managed pool of deadpool. It counts those who wait, and nothing since its start.
pub struct DeadpoolPool<M: Manager, W: From<Object<M>> = Object<M>> {
    name: String,
    pool: Pool<M, W>,
}

impl<M: Manager, W: From<Object<M>>> DeadpoolPool<M, W> {
    /// A pool and its name in reports. The pool is shared, not copied.
    pub fn new(name: impl Into<String>, pool: &Pool<M, W>) -> Self {
        Self { name: name.into(), pool: pool.clone() }
    }
}

impl<M: Manager, W: From<Object<M>>> fmt::Debug for DeadpoolPool<M, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadpoolPool").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<M, W> PoolStats for DeadpoolPool<M, W>
where
    M: Manager,
    M::Type: Send + Sync,
    W: From<Object<M>>,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn stats(&self) -> Stats {
        let status = self.pool.status();
        Stats {
            size: count(status.size),
            idle: count(status.available),
            in_use: count(status.size.saturating_sub(status.available)),
            max: count(status.max_size),
            waiting: Some(count(status.waiting)),
            ..Stats::default()
        }
    }
}
