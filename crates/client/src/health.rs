//! What a service is told about its server and its pools.

use inspect::catalog::State;
use inspect::census::By;
use inspect::checks::Check;
use inspect::report::{Failure, FailureReport, HealthReport, StatusReport, Verdict as Status};
use serde::Serialize;

use crate::PoolReport;

/// Applications that are told one by one; what the others hold is summed up.
const APPLICATIONS_MAX: usize = 20;
/// What the others are called.
const OTHERS: &str = "__other__";

/// The server and the pools at one moment. Holds no SQL and no secret; names of roles, databases and hosts may stand in
/// sentences.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The worst of server and pools. An exhausted pool is a warning.
    pub status: Status,
    /// The status is ok or warning.
    pub healthy: bool,
    /// The status in one sentence.
    pub summary: String,
    /// How old the look at the server is, in seconds.
    pub age_s: f64,
    /// The server's slots; `None` where nobody could look.
    #[serde(rename = "postgresql_info")]
    pub postgresql: Option<PostgresqlInfo>,
    /// The pools, as they are now.
    pub pools: Vec<PoolReport>,
    /// What was checked, without evidence.
    pub checks: Vec<Check>,
    /// Why nobody could look.
    pub error: Option<HealthError>,
}

/// Who holds a server's slots. Our own session is not counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PostgresqlInfo {
    /// Sessions of clients.
    pub total_connections: u32,
    /// Running a statement.
    pub active_connections: u32,
    /// Waiting for their clients, outside of transactions.
    pub idle_connections: u32,
    /// Waiting for their clients, inside transactions.
    pub idle_in_transaction: u32,
    /// All slots.
    pub max_connections: u32,
    /// Slots that ordinary roles can get.
    pub usable_connections: u32,
    /// `total_connections` of `max_connections`.
    pub utilization_percent: f64,
    /// `total_connections` of `usable_connections`; this one decides the status.
    pub utilization_of_usable_percent: f64,
    /// The 20 applications that hold most, and the sum of the rest as `__other__`.
    pub connections_by_application: Vec<ApplicationConnections>,
}

/// What one application holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApplicationConnections {
    /// `application_name` as the client sent it: escape it before it is shown. Empty where it sent none.
    pub application: String,
    /// Sessions.
    pub total: u32,
    /// Running a statement.
    pub active: u32,
    /// Waiting for their clients, outside of transactions.
    pub idle: u32,
    /// Waiting for their clients, inside transactions.
    pub idle_in_transaction: u32,
}

/// Why nobody could look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthError {
    /// What kind of failure.
    pub code: Failure,
    /// The server's code, if it was the server that said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// What happened. Names the server's address.
    pub message: String,
}

impl Health {
    pub(crate) fn of(report: &HealthReport, pools: Vec<PoolReport>, age_s: f64) -> Self {
        let complaint = pools.iter().find_map(PoolReport::complaint);
        let (status, summary) = match (report.verdict, complaint) {
            (Status::Ok, Some(complaint)) => (Status::Warning, complaint),
            (verdict, _) => (verdict, report.summary.clone()),
        };
        Self {
            status,
            healthy: matches!(status, Status::Ok | Status::Warning),
            summary,
            age_s,
            postgresql: report.status.as_ref().map(PostgresqlInfo::of),
            pools,
            checks: report
                .checks
                .iter()
                .map(|check| Check { evidence: Vec::new(), ..check.clone() })
                .collect(),
            error: report.error.as_ref().map(HealthError::of),
        }
    }
}

impl PostgresqlInfo {
    pub(crate) fn of(status: &StatusReport) -> Self {
        let totals = &status.totals;
        let mut applications: Vec<ApplicationConnections> = Vec::new();
        for (place, group) in status.groups.iter().enumerate() {
            let of = |states: &[State]| states.iter().filter_map(|state| group.states.get(state)).sum();
            let one = ApplicationConnections {
                application: group.key.get(&By::App).cloned().unwrap_or_default(),
                total: group.total,
                active: of(&[State::Active, State::Fastpath]),
                idle: of(&[State::Idle]),
                idle_in_transaction: of(&[State::IdleInTransaction, State::IdleInTransactionAborted]),
            };
            match applications.last_mut() {
                Some(others) if place > APPLICATIONS_MAX => others.add(&one),
                _ if place == APPLICATIONS_MAX => {
                    applications.push(ApplicationConnections { application: OTHERS.to_owned(), ..one });
                }
                _ => applications.push(one),
            }
        }
        Self {
            total_connections: totals.total,
            active_connections: totals.active,
            idle_connections: totals.idle,
            idle_in_transaction: totals.idle_in_transaction,
            max_connections: status.limits.max_connections,
            usable_connections: status.limits.usable,
            utilization_percent: status.utilization.of_max_percent,
            utilization_of_usable_percent: status.utilization.of_usable_percent,
            connections_by_application: applications,
        }
    }
}

impl ApplicationConnections {
    fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.active += other.active;
        self.idle += other.idle;
        self.idle_in_transaction += other.idle_in_transaction;
    }
}

impl HealthError {
    fn of(report: &FailureReport) -> Self {
        Self {
            code: report.code,
            sqlstate: report.sqlstate.clone(),
            message: inspect::form::clean(&report.message),
        }
    }
}

#[cfg(test)]
mod tests;
