//! `connwarden.watch/1`: one line per look.

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{Sample, Session};
use crate::census::{Level, Pace, Thresholds, Totals, Utilization};

/// One look at a server, in one line.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WatchReport {
    /// `connwarden.watch/1`.
    pub schema: &'static str,
    /// The server's clock: microseconds since 1970, UTC.
    pub ts_us: i64,
    /// Slots taken, of what ordinary roles can get.
    pub utilization_of_usable_percent: f64,
    /// Slots taken, of `max_connections`.
    pub utilization_of_max_percent: f64,
    /// What the thresholds say.
    pub level: Level,
    /// Sessions that hold a slot.
    pub total: u32,
    /// Running.
    pub active: u32,
    /// Idle, outside of transactions.
    pub idle: u32,
    /// Idle in transactions.
    pub idle_in_transaction: u32,
    /// Waiting for a lock.
    pub waiting_lock: u32,
    /// New sessions a second since the look before; absent in the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_sessions_per_s: Option<f64>,
}

impl WatchReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.watch/1";

    /// Counts these sessions only; utilization and churn stay those of the whole server.
    pub fn count<'a>(&mut self, sessions: impl IntoIterator<Item = &'a Session>) {
        let totals = Totals::of_sessions(sessions);
        self.total = totals.total;
        self.active = totals.active;
        self.idle = totals.idle;
        self.idle_in_transaction = totals.idle_in_transaction;
        self.waiting_lock = totals.waiting_for_lock;
    }

    /// Of a sample, and the one before it.
    pub fn of(before: Option<&Sample>, sample: &Sample, thresholds: Thresholds) -> Self {
        let totals = Totals::of(sample);
        let share = Utilization::of(&totals, &sample.facts);
        Self {
            schema: Self::SCHEMA,
            ts_us: sample.facts.now_us,
            utilization_of_usable_percent: share.of_usable_percent,
            utilization_of_max_percent: share.of_max_percent,
            level: thresholds.level(share.of_usable_percent),
            total: totals.total,
            active: totals.active,
            idle: totals.idle,
            idle_in_transaction: totals.idle_in_transaction,
            waiting_lock: totals.waiting_for_lock,
            new_sessions_per_s: before
                .and_then(|before| Pace::between(before, sample))
                .map(|pace| pace.new_per_s),
        }
    }
}
