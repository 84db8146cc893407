//! How many sessions do what.

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{Sample, Session, State};

/// Counts of the sessions that hold a slot, and the ages that matter most. Walsenders are counted apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// All that hold a slot; our own session is not among them.
    pub total: u32,
    /// Running a statement or a fast-path function.
    pub active: u32,
    /// Waiting for their clients, outside of transactions.
    pub idle: u32,
    /// Waiting for their clients, inside transactions (failed ones included).
    pub idle_in_transaction: u32,
    /// Of these, in failed transactions.
    pub idle_in_transaction_aborted: u32,
    /// Logging in.
    pub starting: u32,
    /// `track_activities` off.
    pub disabled: u32,
    /// Not shown to us.
    pub hidden: u32,
    /// Waiting for a lock.
    #[serde(rename = "waiting_lock")]
    pub waiting_for_lock: u32,
    /// Walsenders.
    pub walsenders: u32,
    /// The oldest idle session, in seconds.
    pub oldest_idle_s: Option<f64>,
    /// The oldest idle-in-transaction state, in seconds.
    pub oldest_idle_in_transaction_s: Option<f64>,
    /// The oldest transaction, in seconds.
    pub oldest_transaction_s: Option<f64>,
}

impl Totals {
    /// Adds a sample up.
    pub fn of(sample: &Sample) -> Self {
        Self::of_sessions(&sample.sessions)
    }

    /// Adds some sessions up.
    pub fn of_sessions<'a>(sessions: impl IntoIterator<Item = &'a Session>) -> Self {
        let mut totals = Self::default();
        for session in sessions {
            if session.is_walsender {
                totals.walsenders += 1;
                continue;
            }
            totals.total += 1;
            let state_age = session.state_age_s;
            match session.state {
                State::Active | State::Fastpath => totals.active += 1,
                State::Idle => {
                    totals.idle += 1;
                    totals.oldest_idle_s = older(totals.oldest_idle_s, state_age);
                }
                State::IdleInTransaction | State::IdleInTransactionAborted => {
                    totals.idle_in_transaction += 1;
                    totals.idle_in_transaction_aborted +=
                        u32::from(session.state == State::IdleInTransactionAborted);
                    totals.oldest_idle_in_transaction_s =
                        older(totals.oldest_idle_in_transaction_s, state_age);
                }
                State::Starting => totals.starting += 1,
                State::Disabled => totals.disabled += 1,
                State::Hidden => totals.hidden += 1,
            }
            totals.waiting_for_lock += u32::from(session.waits_for_lock());
            totals.oldest_transaction_s = older(totals.oldest_transaction_s, session.xact_age_s);
        }
        totals
    }
}

/// The larger of two ages.
pub(crate) fn older(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (age, None) | (None, age) => age,
    }
}
