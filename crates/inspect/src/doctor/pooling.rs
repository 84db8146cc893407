//! Poolers: one that stands in front, and one that is missed.

use super::{Evidence, Outcome, Remedy, Severity};
use crate::closing::POOLERS;
use crate::filter::Glob;

/// Fewer sessions say nothing about habits.
const SESSIONS_MIN: i64 = 1_000;
/// Transactions of a session: fewer, and nobody keeps connections.
const REUSE_MIN: f64 = 3.0;

impl Evidence {
    /// The process that answered our login is not the backend that answered our questions.
    pub(super) fn is_behind_pooler(&self) -> bool {
        self.announced_pid != 0 && i64::from(self.announced_pid) != i64::from(self.sample.facts.pid)
    }

    /// A session bears a pooler's name.
    pub(super) fn seems_pooled(&self) -> bool {
        self.sample.slot_holders().any(|session| {
            let name = &session.application;
            Glob::any_of(POOLERS, name) || Glob::any_of(&["connwarden proxy*"], name)
        })
    }
}

/// Sessions that live for a transaction or two.
pub(super) fn churn(evidence: &Evidence) -> Outcome {
    let Some(counters) = &evidence.sample.counters else {
        return Outcome::Skipped("sessions are counted since PostgreSQL 14".to_owned());
    };
    if counters.sessions < SESSIONS_MIN {
        return Outcome::Skipped(format!("{} sessions so far: too few to know a habit", counters.sessions));
    }
    let reuse = counters.transactions as f64 / counters.sessions as f64;
    let what = format!(
        "{} transactions in {} sessions since the counters were reset: {reuse:.1} for each login",
        counters.transactions, counters.sessions
    );
    if reuse > REUSE_MIN {
        return Outcome::Fine(what);
    }
    Outcome::advised(
        Severity::Warning,
        what,
        "a login costs a process and some 5 to 15 ms of processor time, much more than most statements: a burst of them fills \
         the slots before it does any work. Keep connections in the application, or let a pooler keep them",
        vec![
            Remedy::Application(
                "CONN_MAX_AGE = 600  # Django; other frameworks: a pool per process".to_owned(),
            ),
            Remedy::Pooler("connwarden proxy --server \"$DATABASE_URL\"".to_owned()),
        ],
    )
}

/// We talk to a pooler, or one has sessions here.
pub(super) fn in_front(evidence: &Evidence) -> Outcome {
    let behind = evidence.is_behind_pooler();
    if !behind && !evidence.seems_pooled() {
        return Outcome::Fine("no pooler was noticed between us and the server".to_owned());
    }
    let what = if behind {
        format!(
            "this login goes through a pooler: it announced process {}, and backend {} answers",
            evidence.announced_pid, evidence.sample.facts.pid
        )
    } else {
        "a pooler has sessions on this server".to_owned()
    };
    Outcome::advised(
        Severity::Advice,
        what,
        "the server sees the pooler's address and, unless it passes them on, not its clients' names; what clients wait for \
         shows in the pooler's console only. In transaction mode prepared statements work only where the pooler keeps \
         them: PgBouncer does since 1.21 with max_prepared_statements above 0; otherwise drivers must not prepare \
         (psycopg: prepare_threshold=None)",
        vec![Remedy::Pooler("max_prepared_statements = 200".to_owned())],
    )
}
