//! What pools tell about themselves, in one shape.

use std::time::Duration;

use serde::{Serialize, Serializer};

#[cfg(feature = "bb8")]
mod bb8;
#[cfg(feature = "deadpool")]
mod deadpool;
#[cfg(feature = "sqlx")]
mod sqlx;

#[cfg(feature = "bb8")]
pub use self::bb8::Bb8Pool;
#[cfg(feature = "deadpool")]
pub use self::deadpool::DeadpoolPool;
#[cfg(feature = "sqlx")]
pub use self::sqlx::SqlxPool;

/// A pool that can be looked at. Both calls are made for every probe: they must not wait.
pub trait PoolStats: Send + Sync {
    /// What it is called in reports: `primary`. One name for each pool of a process.
    fn name(&self) -> &str;
    /// How it stands.
    fn stats(&self) -> Stats;
}

/// How a pool stands. What a pool does not count is `None`, and absent in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Connections, idle and in use.
    pub size: u32,
    /// Those that rest.
    pub idle: u32,
    /// Those that are lent.
    pub in_use: u32,
    /// The most connections it may have.
    pub max: u32,
    /// Callers that wait for one now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u32>,
    /// Times that one was lent since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquired_total: Option<u64>,
    /// Of these, how often somebody had to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_total: Option<u64>,
    /// All waiting together, in seconds.
    #[serde(rename = "wait_s_total", serialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    pub wait_total: Option<Duration>,
    /// Callers that gave up waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts_total: Option<u64>,
    /// Connections opened since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_total: Option<u64>,
    /// Connections closed since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_total: Option<u64>,
}

impl Stats {
    /// Nobody can get a connection before somebody gives one back, and somebody waits, or the pool does not say whether.
    pub fn is_exhausted(&self) -> bool {
        self.max > 0 && self.in_use >= self.max && self.waiting != Some(0)
    }

    /// Connections in use, in per cent of the most it may have; 0 for a pool that may have none.
    pub fn utilization_percent(&self) -> f64 {
        if self.max == 0 { 0.0 } else { f64::from(self.in_use) * 100.0 / f64::from(self.max) }
    }
}

fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

/// A pool at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolReport {
    /// Its name.
    pub name: String,
    /// How it stands.
    #[serde(flatten)]
    pub stats: Stats,
    /// As [`Stats::utilization_percent`].
    pub utilization_percent: f64,
    /// As [`Stats::is_exhausted`].
    pub exhausted: bool,
}

impl PoolReport {
    /// Asks a pool.
    pub fn of(pool: &dyn PoolStats) -> Self {
        let stats = pool.stats();
        Self {
            name: pool.name().to_owned(),
            utilization_percent: stats.utilization_percent(),
            exhausted: stats.is_exhausted(),
            stats,
        }
    }

    /// What is wrong with it, in one sentence.
    pub(crate) fn complaint(&self) -> Option<String> {
        let Stats { in_use, max, waiting, .. } = self.stats;
        self.exhausted.then(|| {
            let line = waiting.map_or_else(String::new, |waiting| format!(", {waiting} waiting"));
            format!("pool {}: {in_use} of {max} connections in use{line}", self.name)
        })
    }
}

/// Counts of pools are `usize` here and there; none is larger than this.
#[cfg(any(feature = "deadpool", feature = "sqlx"))]
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(in_use: u32, max: u32, waiting: Option<u32>) -> Stats {
        Stats { size: in_use, in_use, max, waiting, ..Stats::default() }
    }

    #[test]
    fn a_full_pool_is_exhausted_unless_it_says_that_nobody_waits() {
        assert!(stats(4, 4, Some(1)).is_exhausted());
        assert!(stats(4, 4, None).is_exhausted());
        assert!(!stats(4, 4, Some(0)).is_exhausted());
        assert!(!stats(3, 4, Some(1)).is_exhausted());
        assert!(!stats(0, 0, Some(1)).is_exhausted(), "a closed pool");
    }

    #[test]
    fn what_a_pool_does_not_count_is_absent() {
        struct One;
        impl PoolStats for One {
            fn name(&self) -> &str {
                "one"
            }
            fn stats(&self) -> Stats {
                Stats { wait_total: Some(Duration::from_millis(1500)), ..stats(1, 4, None) }
            }
        }
        let json = serde_json::to_value(PoolReport::of(&One)).unwrap();
        let expected = serde_json::json!({
            "name": "one", "size": 1, "idle": 0, "in_use": 1, "max": 4, "wait_s_total": 1.5,
            "utilization_percent": 25.0, "exhausted": false,
        });
        assert_eq!(json, expected);
    }
}
