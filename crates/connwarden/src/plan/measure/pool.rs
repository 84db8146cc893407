//! A pool of the simplest kind: so many connections, lent first come, first served. What is lost is dialled again.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use inspect::connect::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::server::{Entrance, Failed};

/// What `pg_stat_activity` shall call us.
pub(super) const APPLICATION: &str = "connwarden plan measure";

/// How long a session is waited for that was told to go, and before that a cancel request.
const LEAVING: Duration = Duration::from_secs(2);
/// The server's own limits are whole milliseconds of 31 bits.
const LIMIT_MS_MAX: u128 = i32::MAX as u128;

/// Connections at rest. Who waits, waits in line.
pub(super) struct Pool {
    entrance: Entrance,
    /// How long a transaction may rest: as long as the round.
    resting: Duration,
    idle: RefCell<Vec<Connection>>,
    /// Those whose request was cut off in mid-answer: they are at something yet.
    cut: RefCell<Vec<Connection>>,
    permits: Semaphore,
    /// Connections there are, those that are being dialled again among them.
    size: Cell<u32>,
    lost: Cell<u64>,
    missing: Cell<u32>,
    first_missing: RefCell<Option<Failed>>,
}

/// One that is lent. Dropped before it was given back, its request was cut off.
pub(super) struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
    permit: Option<SemaphorePermit<'a>>,
    /// Something was asked and not yet given back.
    in_use: bool,
}

impl Pool {
    /// An empty one.
    pub(super) fn new(entrance: Entrance, resting: Duration) -> Self {
        Self {
            entrance,
            resting,
            idle: RefCell::default(),
            cut: RefCell::default(),
            permits: Semaphore::new(0),
            size: Cell::new(0),
            lost: Cell::new(0),
            missing: Cell::new(0),
            first_missing: RefCell::default(),
        }
    }

    /// One connection more.
    pub(super) async fn grow(&self) -> Result<(), Failed> {
        let connection = self.dial().await?;
        self.size.set(self.size.get() + 1);
        self.put(connection);
        Ok(())
    }

    fn put(&self, connection: Connection) {
        self.idle.borrow_mut().push(connection);
        self.permits.add_permits(1);
    }

    /// Logs in, and has the server give up what nobody will wait for. Behind a pooler, whose connections others use after us,
    /// nothing is set.
    async fn dial(&self) -> Result<Connection, Failed> {
        let mut connection = self.entrance.clone().connect(APPLICATION).await?;
        let patience_ms = self.entrance.patience().as_millis().clamp(1, LIMIT_MS_MAX);
        let resting_ms = self.resting.as_millis().clamp(patience_ms, LIMIT_MS_MAX);
        let limits = format!(
            "SELECT pg_catalog.set_config(s.name, s.value, false) FROM (VALUES ('statement_timeout', '{patience_ms}'), \
             ('idle_in_transaction_session_timeout', '{resting_ms}')) AS s (name, value) \
             WHERE pg_catalog.pg_backend_pid() = {}",
            connection.announced_pid()
        );
        match connection.ask(&limits).await {
            Ok(_) => Ok(connection),
            Err(error) => {
                connection.close().await;
                Err(error.into())
            }
        }
    }

    /// The next connection that is free. `None`: all are lost.
    pub(super) async fn lend(&self) -> Option<Lent<'_>> {
        let permit = self.permits.acquire().await.ok()?;
        // The one that rested last: as pools do, and its backend's caches are warm.
        let connection = self.idle.borrow_mut().pop()?;
        Some(Lent { pool: self, connection: Some(connection), permit: Some(permit), in_use: false })
    }

    /// Connections that were lost in mid-request.
    pub(super) fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// Those of them that could not be dialled again.
    pub(super) fn missing(&self) -> u32 {
        self.missing.get()
    }

    /// Why the first of them could not.
    pub(super) fn first_missing(&self) -> Option<Failed> {
        self.first_missing.borrow_mut().take()
    }

    /// Ends all at once: what they are at is cancelled, and their backends are waited for. The number of those that did not leave
    /// in time.
    pub(super) async fn close(&self) -> u32 {
        self.permits.close();
        let mut leaving = JoinSet::new();
        for connection in self.idle.take() {
            leaving.spawn(connection.close_and_wait(LEAVING));
        }
        for connection in self.cut.take() {
            let entrance = self.entrance.clone();
            leaving.spawn(async move {
                cancel(&entrance, &connection).await;
                connection.close_and_wait(LEAVING).await
            });
        }
        let mut staying = 0;
        while let Some(left) = leaving.join_next().await {
            staying += u32::from(!left.unwrap_or(false));
        }
        staying
    }
}

/// Has what it is at cancelled.
fn cancel(entrance: &Entrance, connection: &Connection) -> impl Future<Output = ()> + use<> {
    let (entrance, key) = (entrance.clone(), connection.cancel_key());
    async move {
        if let Some(key) = key {
            // A server that takes no request any more is not waited for.
            let _ = timeout(LEAVING, entrance.cancel(&key)).await;
        }
    }
}

impl Lent<'_> {
    /// To ask with. From here on it has to be given back or lost.
    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.in_use = true;
        self.connection.as_mut()
    }

    /// It is at nothing: the next one may have it.
    pub(super) fn give_back(mut self) {
        self.in_use = false;
    }

    /// It is of no use any more, and another is dialled in its place. Where that fails, the pool is smaller from then on; where
    /// none is left, nobody waits any longer.
    pub(super) async fn lose(mut self) {
        let pool = self.pool;
        pool.lost.set(pool.lost.get() + 1);
        if let Some(permit) = self.permit.take() {
            permit.forget();
        }
        if let Some(connection) = self.connection.take() {
            // Where it was given up, its statement may still run.
            cancel(&pool.entrance, &connection).await;
            connection.close().await;
        }
        match pool.dial().await {
            Ok(connection) => pool.put(connection),
            Err(failed) => {
                pool.missing.set(pool.missing.get() + 1);
                pool.first_missing.borrow_mut().get_or_insert(failed);
                if pool.missing.get() >= pool.size.get() {
                    pool.permits.close();
                }
            }
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.in_use {
            self.pool.cut.borrow_mut().push(connection);
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        } else {
            self.pool.idle.borrow_mut().push(connection);
        }
    }
}
