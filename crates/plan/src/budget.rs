//! What everything may open at once, and whether that fits.
//!
//! Three sums for each server. *Steady*: the usual replicas with the connections their pools keep. *Peak*: the most
//! replicas with full pools, connections beside the pools, and one run of each job. *Rollout*: peak, and what old and
//! new replicas hold while one replaces the other.

use crate::declared::{Declared, Thresholds};
use crate::deployed::Deployed;
use crate::{Finding, Number, Place};

mod assemble;
mod correct;
mod fit;
mod host;
mod overlap;
mod poolers;
mod row;
mod said;
mod server;
mod settle;
mod verdict;

/// Every rule of the sums.
pub const RULES: [&crate::Rule; 5] =
    [&poolers::CROWDED, &poolers::STRANGER, &settle::ADRIFT, &settle::MISSED, &said::NOBODY];

pub use fit::Fit;
pub(crate) use host::{is_local, reached_as};
pub use overlap::Replaced;
pub(crate) use row::total;
pub use verdict::{Grade, PERMILLE_MAX, Phase, Verdict};

/// What the caller knows of the server, from the command line or by asking it. It wins over every file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// `max_connections`.
    pub connections_max: Option<Number>,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: Option<Number>,
    /// `reserved_connections`.
    pub reserved: Option<Number>,
    /// Which of several servers is meant, by the host that services name.
    pub host: Option<String>,
    /// Thresholds in place of the plan file's.
    pub warn: Option<u32>,
    /// See `warn`.
    pub crit: Option<u32>,
}

/// Everything that was added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// One for each server that is connected to, the best known first; at least one.
    pub servers: Vec<ServerBudget>,
    /// What is wrong, or doubtful, with the sums.
    pub findings: Vec<Finding>,
}

/// The budget of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerBudget {
    /// The host that services name; `None` where nothing names one.
    pub host: Option<String>,
    /// Its slots; `None` where nothing says how many.
    pub slots: Option<Slots>,
    /// Where warning and critical begin.
    pub thresholds: Thresholds,
    /// Who opens connections, in the order of the files.
    pub rows: Vec<Row>,
    /// All rows together.
    pub totals: Sums,
    /// Of each phase; none where the slots are unknown.
    pub verdicts: Vec<Verdict>,
    /// What would fit, where something does not.
    pub fit: Option<Fit>,
}

impl ServerBudget {
    /// The rows that hold slots of the server, each with the application names of all who come through it: who goes through
    /// a pooler is held by it. The pooler's size counts, whatever names its clients send on.
    pub fn direct(&self) -> impl Iterator<Item = (&Row, Vec<String>)> {
        self.rows.iter().filter(|row| row.via.is_none()).map(|row| {
            let through =
                self.rows.iter().filter(|one| one.name == row.name || one.via.as_ref() == Some(&row.name));
            (row, through.flat_map(|one| one.applications.iter().cloned()).collect())
        })
    }

    /// What each of them may hold, as a census is held against it: name, application names, peak and rollout.
    pub fn allowances(&self) -> impl Iterator<Item = (String, Vec<String>, u64, u64)> {
        self.direct().map(|(row, names)| (row.name.clone(), names, row.sums.peak, row.sums.rollout))
    }
}

/// A server's slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// `max_connections`.
    pub connections_max: Number,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: Number,
    /// `reserved_connections`.
    pub reserved: Number,
}

impl Slots {
    /// Slots that ordinary roles can get.
    pub fn usable(&self) -> u32 {
        self.connections_max
            .value
            .saturating_sub(self.superuser_reserved.value)
            .saturating_sub(self.reserved.value)
    }
}

/// Connections in each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// On a usual day.
    pub steady: u64,
    /// At most, without a rollout.
    pub peak: u64,
    /// At most, during one.
    pub rollout: u64,
}

/// One program of one workload, or connections that the plan file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The service's name; `api/worker` for one container of several, `api (celery)` for one program of several in it.
    /// No other row of the server's has it.
    pub name: String,
    /// The workload it belongs to; its own name where no file deploys it.
    pub workload: String,
    /// What it is: `service`, `Deployment`, `pooler`, `other`.
    pub kind: &'static str,
    /// What was recognised in it: `gunicorn, Django`. Empty for what the plan file alone knows.
    pub what: String,
    /// The line that says most about it: its pool's size, else where it begins.
    pub place: Place,
    /// How many replicas, and how they are replaced; `None` for what has none.
    pub replicas: Option<Replicated>,
    /// Processes of one replica.
    pub processes: Number,
    /// Connections one process keeps.
    pub kept: Number,
    /// The most connections of one process's pool.
    pub pool: Number,
    /// Connections of one process beside its pool.
    pub aside: Number,
    /// The pooler it goes through: then its sums are that pooler's clients, not the server's slots.
    pub via: Option<String>,
    /// When it runs.
    pub runs: Runs,
    /// What it opens.
    pub sums: Sums,
    /// The names it gives to the server, as patterns.
    pub applications: Vec<String>,
    /// Whether a smaller pool is for its owner to choose (a pooler's size and the plan's other connections are not scaled).
    pub scales: bool,
}

/// When a row's connections are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Always.
    Always,
    /// Now and then: at the peak, but on no usual moment.
    AtTimes,
    /// While a rollout runs, and only then.
    WithRollout,
    /// Before the main containers of a replica, which open so many themselves, later.
    BeforeMain(u64),
}

/// How many replicas there are, and how many at once while they are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicated {
    /// On a usual day.
    pub usual: Number,
    /// At most.
    pub most: Number,
    /// During a rollout.
    pub replaced: Replaced,
}

impl Row {
    /// Every assumption it rests on, in the order of the columns.
    pub fn assumptions(&self) -> Vec<&str> {
        let replicas = self.replicas.iter().flat_map(|replicas| [&replicas.usual, &replicas.most]);
        let rest = [&self.processes, &self.pool, &self.kept, &self.aside];
        let mut said: Vec<&str> = Vec::new();
        for why in replicas.chain(rest).filter_map(Number::assumption) {
            if !said.contains(&why) {
                said.push(why);
            }
        }
        said
    }

    /// Connections of one replica with full pools.
    pub fn per_replica(&self) -> u64 {
        u64::from(self.processes.value)
            .saturating_mul(u64::from(self.pool.value).saturating_add(u64::from(self.aside.value)))
    }
}

/// Adds up what is deployed, as the plan file corrects it, and judges it.
pub fn of(deployed: &Deployed, declared: &Declared, known: &Known) -> Budget {
    assemble::budget(deployed, declared, known)
}

#[cfg(test)]
mod tests;
