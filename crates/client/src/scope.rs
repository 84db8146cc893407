//! A piece of work, and what it does to the pools.
//!
//! Pools are asked at its beginning and its end; the server is not: what is told of it comes from looks that others had
//! made. A pool does not know who borrows from it, so that what others did meanwhile counts as well.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Monitor, PoolReport};

mod report;

pub use report::{PoolChange, ScopeReport, Seen};

/// Is told what a scope came to.
type Tell = Box<dyn Fn(&ScopeReport) + Send + Sync>;

/// What holds for all scopes of a monitor.
pub(crate) struct ScopeSettings {
    pub(crate) warn_after: Duration,
    pub(crate) warn_growth: u32,
    pub(crate) tell: Option<Tell>,
}

impl Default for ScopeSettings {
    fn default() -> Self {
        Self { warn_after: Duration::from_secs(30), warn_growth: 5, tell: None }
    }
}

/// A piece of work that is watched until this is dropped or [`finish`](Scope::finish)ed. See [`Monitor::scope`].
#[must_use = "a scope ends where it is dropped"]
pub struct Scope {
    monitor: Monitor,
    settings: Arc<ScopeSettings>,
    name: Cow<'static, str>,
    warn_after: Duration,
    warn_growth: u32,
    begun: Instant,
    pools: Vec<PoolReport>,
    server: Option<Seen>,
    is_over: bool,
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Scope {
    pub(crate) fn begin(monitor: Monitor, name: Cow<'static, str>, settings: Arc<ScopeSettings>) -> Self {
        Self {
            warn_after: settings.warn_after,
            warn_growth: settings.warn_growth,
            settings,
            name,
            begun: Instant::now(),
            pools: monitor.pools(),
            server: monitor.latest().and_then(|latest| Seen::of(&latest)),
            is_over: false,
            monitor,
        }
    }

    /// Warns if it takes longer than this.
    pub fn warn_after(mut self, time: Duration) -> Self {
        self.warn_after = time;
        self
    }

    /// Warns if a pool's connections in use, or all it has, grow by more than this meanwhile.
    pub fn warn_growth(mut self, connections: u32) -> Self {
        self.warn_growth = connections;
        self
    }

    /// Ends it, and says what it came to. What happens where it is dropped happens here, too: a line in the log, and the
    /// monitor's callback.
    pub fn finish(mut self) -> ScopeReport {
        self.end()
    }

    /// The same after another look at the server, so that `server_after` is new: over the held connection, or a look that is
    /// still good.
    pub async fn finish_looking(self) -> ScopeReport {
        self.monitor.health().await;
        self.finish()
    }

    fn end(&mut self) -> ScopeReport {
        self.is_over = true;
        let duration = self.begun.elapsed();
        let pools: Vec<PoolChange> = report::changes(std::mem::take(&mut self.pools), &self.monitor.pools());
        let report = ScopeReport {
            took_long: duration > self.warn_after,
            has_grown: pools.iter().any(|pool| pool.growth() > i64::from(self.warn_growth)),
            scope: self.name.clone(),
            duration,
            pools,
            server_before: self.server,
            server_after: self.monitor.latest().and_then(|latest| Seen::of(&latest)),
        };
        report.log();
        if let Some(tell) = &self.settings.tell
            && catch_unwind(AssertUnwindSafe(|| tell(&report))).is_err()
        {
            tracing::error!(scope = %report.scope, "the callback for scopes panicked");
        }
        report
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if !self.is_over {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests;
