//! What the budget judged, at the line that weighs most.

use super::rule;
use crate::budget::{Grade, Row, ServerBudget};
use crate::{Finding, Level, Rule, Scene};

/// A sum above a threshold.
pub(crate) const PASSED: Rule = rule(
    "BUDGET101",
    Level::Warning,
    "What all services may open passes a threshold of the server's usable slots.",
);

/// One service above everything.
pub(super) const ALONE: Rule =
    rule("BUDGET102", Level::Error, "One service alone may open more than the server's usable slots.");

fn direct(server: &ServerBudget) -> impl Iterator<Item = &Row> {
    server.rows.iter().filter(|row| row.via.is_none())
}

/// `the server`, or `the server db`.
fn called(server: &ServerBudget) -> String {
    server.host.as_ref().map_or_else(|| "the server".to_owned(), |host| format!("the server {host}"))
}

/// The worst verdict of each server: a rollout that does not fit says no more where the peak does not fit either.
pub(super) fn passed(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for server in &scene.budget.servers {
        let passed = server.verdicts.iter().filter_map(|one| Some((one, one.passed?)));
        // Of equals the first: a sum that is too large on a usual day is more than a rollout's.
        let Some((verdict, threshold)) =
            passed.reduce(|worst, next| if next.1 > worst.1 { next } else { worst })
        else {
            continue;
        };
        let phase = verdict.phase;
        let Some(largest) = direct(server)
            .reduce(|most, row| if row.sums.of(phase) > most.sums.of(phase) { row } else { most })
        else {
            continue;
        };
        let whole = verdict.permille();
        let share = match threshold {
            100 => "more than there are".to_owned(),
            _ => format!("{}.{} %, above {threshold} %", whole / 10, whole % 10),
        };
        let fix = match server.fit.and_then(|fit| fit.pool.map(|pool| (pool, fit.connections_max))) {
            Some((pool, slots)) => format!(
                "no pool above {pool}, or max_connections = {slots}; connwarden plan suggest writes it out"
            ),
            None => {
                "not even one connection for each process fits: put a pooler in front, or run fewer processes"
                    .to_owned()
            }
        };
        let mut finding = Finding::at(
            &PASSED,
            &largest.place,
            format!(
                "{}: {} of the {} usable slots of {} ({share}); {} has most of them, {}",
                phase.name(),
                verdict.connections,
                verdict.usable,
                called(server),
                largest.name,
                largest.sums.of(phase)
            ),
            fix,
        );
        if verdict.grade == Grade::Critical {
            finding.level = Level::Error;
        }
        found.push(finding);
    }
    found
}

pub(super) fn alone(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for server in &scene.budget.servers {
        let Some(usable) = server.slots.as_ref().map(crate::budget::Slots::usable) else { continue };
        for row in direct(server).filter(|row| row.kind != "pooler" && row.sums.peak > u64::from(usable)) {
            let each = u64::from(row.pool.value).saturating_add(u64::from(row.aside.value));
            found.push(Finding::at(
                &ALONE,
                &row.place,
                format!(
                    "{} alone may open {} connections, {each} in each process, and {} has {usable} usable slots",
                    row.name,
                    row.sums.peak,
                    called(server)
                ),
                "lower its pool or its processes, or put a pooler in front",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;
    use crate::Level;

    const WALL: &str = "[server]\nmax_connections = 200\n[service.api]\nreplicas = 4\npool = 25\n[service.materializer]\npool = 25\n[service.simulator]\npool = 25\n[other.admin]\nconnections = 10\n";

    #[test]
    fn the_guides_sum_is_found_at_its_largest_pool() {
        let found = World::default().plan(WALL).all("BUDGET101");
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].level, found[0].place.as_ref().map(|place| place.line)),
            (Level::Warning, Some(5))
        );
        assert_eq!(
            found[0].message,
            "steady: 160 of the 197 usable slots of the server (81.2 %, above 70 %); api has most of them, 100"
        );
        assert!(found[0].fix.starts_with("no pool above 21, or max_connections = "), "{}", found[0].fix);
    }

    #[test]
    fn what_fits_is_not_spoken_of() {
        let plan = WALL.replace("= 200", "= 400");
        assert_eq!(World::default().plan(&plan).found("BUDGET101"), []);
        assert_eq!(
            World::default().plan(&WALL.replace("max_connections = 200\n", "")).found("BUDGET101"),
            []
        );
    }

    #[test]
    fn one_service_above_all_there_is_is_an_error_of_its_own() {
        let plan = WALL.replace("replicas = 4", "replicas = 9");
        let found = World::default().plan(&plan).found("BUDGET102");
        assert!(
            found[0].1.starts_with("api alone may open 225 connections, 25 in each process"),
            "{}",
            found[0].1
        );
        assert_eq!(World::default().plan(WALL).found("BUDGET102"), []);
    }
}
