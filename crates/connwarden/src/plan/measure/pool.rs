//! A pool of the simplest kind: so many connections, lent first come, first served.

use std::sync::{Mutex, PoisonError};

use inspect::connect::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Connections at rest. Who waits, waits in line.
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

/// One that is lent. Dropped, it gives its place to the next, who finds what was given back.
pub(super) struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn of(connections: Vec<Connection>) -> Self {
        Self { permits: Semaphore::new(connections.len()), idle: Mutex::new(connections) }
    }

    /// The next connection that is free. `None`: all are lost.
    pub(super) async fn lend(&self) -> Option<Lent<'_>> {
        let permit = self.permits.acquire().await.ok()?;
        // The one that rested last: as pools do, and its backend's caches are warm.
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Lent { pool: self, connection: Some(connection), _permit: permit })
    }

    /// Says goodbye to all that are here.
    pub(super) async fn close(&self) {
        let all = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in all {
            connection.close().await;
        }
    }
}

impl Lent<'_> {
    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// It is lost: nothing to give back.
    pub(super) fn lose(mut self) {
        self.connection = None;
        // Nobody waits for what is not there.
        self.pool.permits.forget_permits(1);
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
