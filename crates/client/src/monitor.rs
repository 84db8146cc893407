//! Looks at a server over one connection, for everybody in the process.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use inspect::report::{Failure, HealthReport, Verdict};
use tokio::runtime::Handle;

use crate::scope::ScopeSettings;
use crate::{Health, PoolReport, PoolStats, PostgresqlInfo, Scope};

mod backoff;
mod builder;
mod eye;

pub use builder::{BuildError, Builder};

use eye::{Aim, Eye};

/// Looks at a server over one connection, for everybody in the process. Clones share it.
///
/// The connection is opened by the first look and then kept, so that looks go on when the server is full; a service that
/// starts should call [`Monitor::health`] once. It shows itself as `connwarden client`, holds one slot, and comes back by
/// itself, with growing pauses, after it was lost.
#[derive(Clone)]
pub struct Monitor {
    inner: Arc<Inner>,
}

struct Inner {
    aim: Aim,
    pools: Vec<Arc<dyn PoolStats>>,
    cache_for: Duration,
    answer_within: Duration,
    scopes: Arc<ScopeSettings>,
    eye: Arc<tokio::sync::Mutex<Eye>>,
    latest: RwLock<Option<Arc<Latest>>>,
}

/// The last look.
pub(crate) struct Latest {
    report: HealthReport,
    begun: Instant,
    ended: Instant,
}

impl Latest {
    pub(crate) fn age(&self) -> Duration {
        self.ended.elapsed()
    }

    pub(crate) fn postgresql(&self) -> Option<PostgresqlInfo> {
        self.report.status.as_ref().map(PostgresqlInfo::of)
    }

    /// Still good for somebody who asks since then: recent enough, or begun after the question.
    fn serves(&self, asked: Instant, cache_for: Duration) -> bool {
        self.begun >= asked || self.age() < cache_for
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("aim", &self.inner.aim).finish_non_exhaustive()
    }
}

impl Monitor {
    /// Settles what it shall look at.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The server that `PG*` variables and `$DATABASE_URL` name, with defaults for everything else.
    ///
    /// # Errors
    /// What is set there makes no sense.
    pub fn from_env() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// The same; settings that make no sense are told by every look.
    pub(crate) fn of_environment() -> Self {
        Self::builder().lenient()
    }

    /// How the server and the pools stand. Never fails and never panics, given a tokio runtime with IO and time: who cannot be
    /// reached is unknown, who is full is critical. A look is shared by all who ask while it runs, and for as long as
    /// [`Builder::cache_for`] says; pools are read anew. Takes no longer than [`Builder::answer_within`]: then the status is
    /// unknown with the code `timeout`, and the look goes on for those who ask next.
    ///
    /// Dropping the future does no harm: the look goes on in a task of its own.
    pub async fn health(&self) -> Health {
        let within = self.inner.answer_within;
        if Handle::try_current().is_err() {
            let report =
                eye::failed(Failure::Config, "health was asked for outside of a tokio runtime".into());
            return Health::of(&report, self.pools(), 0.0);
        }
        match tokio::time::timeout(within, self.look()).await {
            Ok(latest) => Health::of(&latest.report, self.pools(), latest.age().as_secs_f64()),
            Err(_) => {
                let report =
                    eye::failed(Failure::Timeout, format!("no look at the server within {within:?}"));
                Health::of(&report, self.pools(), 0.0)
            }
        }
    }

    /// How the pools stand now. Asks no server.
    pub fn pools(&self) -> Vec<PoolReport> {
        self.inner.pools.iter().map(|pool| PoolReport::of(pool.as_ref())).collect()
    }

    /// Begins to watch a piece of work: what it takes, and what it does to the pools. Asks no server.
    pub fn scope(&self, name: impl Into<Cow<'static, str>>) -> Scope {
        Scope::begin(self.clone(), name.into(), Arc::clone(&self.inner.scopes))
    }

    /// The most connections this process may open by its pools and this monitor: the largest sizes, and one.
    pub fn connections_max(&self) -> u32 {
        self.inner.pools.iter().fold(1, |sum, pool| sum.saturating_add(pool.stats().max))
    }

    /// Says goodbye to the server, so that it counts a session that ended in order. A later look logs in anew.
    pub async fn close(&self) {
        self.inner.eye.lock().await.close().await;
    }

    /// The last look, however old.
    pub(crate) fn latest(&self) -> Option<Arc<Latest>> {
        self.inner.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&self) -> Arc<Latest> {
        let asked = Instant::now();
        let ready = || self.latest().filter(|latest| latest.serves(asked, self.inner.cache_for));
        if let Some(latest) = ready() {
            return latest;
        }
        let mut eye = Arc::clone(&self.inner.eye).lock_owned().await;
        // Somebody looked while we stood in line.
        if let Some(latest) = ready() {
            return latest;
        }
        // In a task of its own: a caller that gives up must not tear a question from the held connection, or the next probe
        // would have to log in anew.
        let monitor = self.clone();
        let looking = tokio::spawn(async move {
            let begun = Instant::now();
            let report = eye.look(&monitor.inner.aim).await;
            monitor.keep(Latest { report, begun, ended: Instant::now() })
        });
        looking.await.unwrap_or_else(|error| {
            let report = eye::failed(Failure::Network, format!("the look was ended: {error}"));
            Arc::new(Latest { report, begun: asked, ended: Instant::now() })
        })
    }

    /// Keeps a look, and tells when the status has changed.
    fn keep(&self, latest: Latest) -> Arc<Latest> {
        let latest = Arc::new(latest);
        let mut kept = self.inner.latest.write().unwrap_or_else(PoisonError::into_inner);
        let before = kept.replace(Arc::clone(&latest)).map_or(Verdict::Ok, |before| before.report.verdict);
        drop(kept);
        let (now, summary) = (latest.report.verdict, latest.report.summary.as_str());
        if now != before {
            let (before, now) = (before.word(), now.word());
            match latest.report.verdict {
                Verdict::Ok => tracing::info!(before, now, summary, "server health changed"),
                Verdict::Warning | Verdict::Critical | Verdict::Unknown => {
                    tracing::warn!(before, now, summary, "server health changed");
                }
            }
        }
        latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latest(begun: Instant, ended: Instant) -> Latest {
        Latest { report: eye::failed(Failure::Network, String::new()), begun, ended }
    }

    #[test]
    fn a_look_that_began_after_the_question_serves_even_where_nothing_is_cached() {
        let asked = Instant::now();
        let later = asked + Duration::from_millis(1);
        assert!(latest(later, later).serves(asked, Duration::ZERO));
        let earlier = asked.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(!latest(earlier, asked).serves(asked, Duration::ZERO));
        assert!(latest(earlier, asked).serves(asked, Duration::from_secs(3600)));
    }

    #[test]
    fn outside_of_a_runtime_health_is_unknown_and_nothing_panics() {
        let monitor = Monitor::builder().dsn("host=localhost user=nobody").build().unwrap();
        let mut health = std::pin::pin!(monitor.health());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(health) = health.as_mut().poll(&mut context) else {
            panic!("it waits for nothing")
        };
        assert_eq!(health.status, crate::Status::Unknown);
        assert_eq!(health.error.map(|error| error.code), Some(Failure::Config));
    }
}
