//! `[checks]`: where warning and critical begin, for the commands that judge a server.

use std::time::Duration;

use super::*;

section! {
    /// `[checks]`: thresholds of `health`, `status --check` and `monitor`. A value above one of them is bad.
    Checks Checks() {
        warn: Percent = "70%", Reload, OURS,
            "Slots taken, of those that ordinary roles can get: warning.";
        crit: Percent = "85%", Reload, OURS,
            "Slots taken: critical.";
        idle_warn: Percent = "50%", Reload, OURS,
            "Idle sessions, of all: warning, once more than 60 % of the slots are taken.";
        idle_tx_warn: Duration = "1m", Reload, OURS,
            "Idle in a transaction for so long: warning.";
        idle_tx_crit: Duration = "5m", Reload, OURS,
            "Idle in a transaction for so long: critical.";
        long_query_warn: Duration = "5m", Reload, OURS,
            "A statement that runs for so long: warning.";
        churn_warn: u32 = "20", Reload, OURS,
            "New sessions a second, used for fewer than three transactions each: warning.";
        limit_warn: Percent = "80%", Reload, OURS,
            "A role's or database's CONNECTION LIMIT that is so full: warning.";
        limit_crit: Percent = "95%", Reload, OURS,
            "A CONNECTION LIMIT that is so full: critical.";
        blocked_warn: Duration = "30s", Reload, OURS,
            "A session that waits for a lock for so long: warning.";
        blocked_crit: Duration = "5m", Reload, OURS,
            "A session that waits for a lock for so long: critical.";
        full_within_warn: Duration = "30m", Reload, OURS,
            "Full within so long, at the present slope: warning.";
    }
}
