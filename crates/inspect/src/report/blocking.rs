//! Who waits for whose locks, for programs.

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{Blocking, Branch, State, Tree};

/// One that holds up others, and all who wait behind it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BlockingReport {
    /// Who holds up the others; 0 is a prepared transaction.
    pub root_pid: i32,
    /// How many wait behind it.
    pub waiters: u32,
    /// The longest chain of waiters.
    pub depth: u32,
    /// The root waits for one of its own waiters: a deadlock that is not resolved yet.
    pub is_cycle: bool,
    /// The root first, then each waiter behind the one it waits for.
    pub sessions: Vec<ContenderReport>,
}

/// One that waits or is waited for. Ages in seconds; texts are as the client sent them: escape them before they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it; catalog::Contender explains them")]
pub struct ContenderReport {
    pub pid: i32,
    pub depth: u32,
    pub waits_for: Vec<i32>,
    pub app: String,
    pub user: Option<String>,
    pub db: Option<String>,
    pub backend_type: Option<String>,
    pub state: Option<State>,
    pub wait: Option<String>,
    pub waited_s: Option<f64>,
    pub state_age_s: Option<f64>,
    pub xact_age_s: Option<f64>,
    pub query: Option<String>,
}

impl BlockingReport {
    /// All trees, the one with the most waiters first.
    pub fn all(blocking: &Blocking) -> Vec<Self> {
        blocking.trees().iter().map(Self::of).collect()
    }

    fn of(tree: &Tree<'_>) -> Self {
        Self {
            root_pid: tree.root().pid,
            waiters: tree.waiters(),
            depth: tree.depth(),
            is_cycle: tree.is_cycle,
            sessions: tree.branches.iter().map(ContenderReport::of).collect(),
        }
    }
}

impl ContenderReport {
    fn of(branch: &Branch<'_>) -> Self {
        let Branch { contender, depth } = *branch;
        Self {
            pid: contender.pid,
            depth,
            waits_for: contender.waits_for.clone(),
            app: contender.application.clone(),
            user: contender.user.clone(),
            db: contender.database.clone(),
            backend_type: contender.kind.clone(),
            state: contender.state,
            wait: contender.wait.clone().filter(|_| !contender.waits_for.is_empty()),
            waited_s: contender.wait_age_s(),
            state_age_s: contender.state_age_s,
            xact_age_s: contender.xact_age_s,
            query: contender.query.clone(),
        }
    }
}
