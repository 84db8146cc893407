//! Where warning and critical begin.

use crate::census::Thresholds;

/// Thresholds of all checks. A value above one of them is bad; seconds, per cent and sessions as the names say.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Slots taken, in per cent of the usable ones.
    pub utilization: Thresholds,
    /// Fewer usable slots left than this is critical (on servers of fewer than 20 usable slots: than a quarter).
    pub left_crit: u32,
    /// Idle sessions, in per cent of all: warning, once `idle_gate_percent` of the usable slots are taken.
    pub idle_warn_percent: f64,
    /// Slots taken from which on idle sessions matter, in per cent of the usable ones.
    pub idle_gate_percent: f64,
    /// Idle in a transaction: warning.
    pub idle_tx_warn_s: f64,
    /// Idle in a transaction: critical.
    pub idle_tx_crit_s: f64,
    /// New sessions a second: warning, if each is used for fewer than `reuse_warn` transactions.
    pub churn_warn_per_s: f64,
    /// Transactions of a session.
    pub reuse_warn: f64,
    /// Unfinished logins: warning.
    pub half_open_warn: u32,
    /// CONNECTION LIMITs, in per cent.
    pub role_and_database: Thresholds,
    /// A statement's age: warning.
    pub long_query_warn_s: f64,
    /// Waiting for a lock: warning.
    pub blocked_warn_s: f64,
    /// Waiting for a lock: critical.
    pub blocked_crit_s: f64,
    /// Time until the server is full: warning below it.
    pub full_within_warn_s: f64,
    /// Sessions of one application, idle on one statement, that look like a leak.
    pub leak_sessions: u32,
}

impl Limits {
    /// The first pair whose warning would begin above its alarm, by the names of the options of `connwarden health`: there
    /// would be no warning.
    pub fn out_of_order(&self) -> Option<(&'static str, &'static str)> {
        let pairs = [
            (self.utilization.warn, self.utilization.crit, ("warn", "crit")),
            (self.idle_tx_warn_s, self.idle_tx_crit_s, ("idle-tx-warn", "idle-tx-crit")),
        ];
        pairs.into_iter().find(|(warn, crit, _)| warn > crit).map(|(_, _, names)| names)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            utilization: Thresholds::default(),
            left_crit: 5,
            idle_warn_percent: 50.0,
            idle_gate_percent: 60.0,
            idle_tx_warn_s: 60.0,
            idle_tx_crit_s: 300.0,
            churn_warn_per_s: 20.0,
            reuse_warn: 3.0,
            half_open_warn: 5,
            role_and_database: Thresholds { warn: 80.0, crit: 95.0 },
            long_query_warn_s: 300.0,
            blocked_warn_s: 30.0,
            blocked_crit_s: 300.0,
            full_within_warn_s: 1_800.0,
            leak_sessions: 5,
        }
    }
}
