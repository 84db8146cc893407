//! A pool of sqlx.

use sqlx::{Database, Pool};

use super::{PoolStats, Stats, count};

/// A pool of sqlx, of any database. It counts neither those who wait nor what it has lent.
#[derive(Clone, Debug)]
pub struct SqlxPool<DB: Database> {
    name: String,
    pool: Pool<DB>,
}

impl<DB: Database> SqlxPool<DB> {
    /// A pool and its name in reports. The pool is shared, not copied.
    pub fn new(name: impl Into<String>, pool: &Pool<DB>) -> Self {
        Self { name: name.into(), pool: pool.clone() }
    }
}

impl<DB: Database> PoolStats for SqlxPool<DB> {
    fn name(&self) -> &str {
        &self.name
    }

    fn stats(&self) -> Stats {
        // Two readings of a pool that lives on: one may come between them.
        let (size, idle) = (self.pool.size(), count(self.pool.num_idle()));
        let idle = idle.min(size);
        Stats {
            size,
            idle,
            in_use: size - idle,
            max: self.pool.options().get_max_connections(),
            ..Stats::default()
        }
    }
}
