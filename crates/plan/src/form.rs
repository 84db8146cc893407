//! How the budget and findings are written: for people, and for the machines that run checks.

pub mod findings;
pub mod github;
pub mod human;
pub mod junit;
pub mod sarif;

use crate::report::{FindingReport, Judgement, PlaceReport, PlanReport, ServerReport, VerdictReport};
use crate::{Level, lint};

/// `file:line`, or the file.
fn place(place: &PlaceReport) -> String {
    match place.line {
        Some(line) => format!("{}:{line}", place.file),
        None => place.file.clone(),
    }
}

/// What a verdict says: `rollout 285 of 197 usable (144.6%): does not fit`.
fn sentence(verdict: &VerdictReport, usable: u32) -> String {
    let share =
        format!("{} {} of {usable} usable ({:.1}%)", verdict.phase, verdict.connections, verdict.percent);
    match verdict.above {
        Some(100) => format!("{share}: does not fit"),
        Some(threshold) => format!("{share}: above {threshold}%"),
        None => share,
    }
}

/// What the server is called.
fn server_name(server: &ServerReport) -> &str {
    server.host.as_deref().unwrap_or("the server")
}

/// PostgreSQL takes no larger `max_connections`.
const CONNECTIONS_MAX: u64 = 262_143;

/// What would mend the sums, as sentences.
fn remedies(server: &ServerReport) -> Vec<String> {
    let Some(fit) = &server.suggestion else { return Vec::new() };
    let room =
        server.limits.as_ref().map_or(0, |limits| u64::from(limits.usable) * u64::from(server.warn) / 100);
    let pool = match fit.pool {
        Some(pool) => format!(
            "no pool larger than {pool}: peak {} and rollout {} of the {room} that are {}%",
            fit.totals.peak, fit.totals.rollout, server.warn
        ),
        None if server.services.iter().all(|one| matches!(one.kind.as_str(), "pooler" | "other")) => {
            format!(
                "poolers and fixed connections alone pass the {room} that are {}%: give them less",
                server.warn
            )
        }
        None => format!(
            "not even one connection for each process fits into {room}: fewer processes, or a pooler in front"
        ),
    };
    let mut all = vec![pool];
    if fit.max_connections <= CONNECTIONS_MAX {
        all.push(format!("or max_connections = {} with the pools as they are", fit.max_connections));
    }
    all
}

/// The file, line and sentence of everything a machine shows beside the code: findings, then services of sums above
/// their thresholds, at the largest one's line.
fn remarks(report: &PlanReport) -> Vec<FindingReport> {
    let mut all = report.findings.clone();
    for server in &report.servers {
        let Some(limits) = &server.limits else { continue };
        let largest = server
            .services
            .iter()
            .filter(|service| service.via.is_none())
            .max_by_key(|service| service.sums.rollout.max(service.sums.peak));
        for verdict in server.verdicts.iter().filter(|verdict| verdict.above.is_some()) {
            let level = if verdict.level == Judgement::Critical { Level::Error } else { Level::Warning };
            all.push(FindingReport {
                rule: lint::PASSED.id,
                level,
                place: largest.map(|service| service.source.clone()),
                message: format!("{}: {}", server_name(server), sentence(verdict, limits.usable)),
                fix: remedies(server).join(", "),
            });
        }
    }
    all
}
