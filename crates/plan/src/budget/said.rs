//! Which of the plan file's words are meant for which row.
//!
//! A section may name a workload or one row of it. How many replicas there are, how they are replaced and where they
//! connect is true of the whole workload; what one process does is true of one row, and said of the workload only where
//! there is no choice.

use super::assemble::Build;
use crate::declared::Service;
use crate::deployed::{Deployed, Workload};
use crate::{Finding, Level, Rule};

/// The plan file speaks of a row that is not there.
pub(super) const NOBODY: Rule = Rule {
    id: "PLAN002",
    level: Level::Error,
    summary: "The plan file sets a program's numbers, and its workload has no such program or several.",
};

/// A workload and the rows it came to, those that add nothing too.
pub(super) struct Shown {
    pub(super) workload: String,
    pub(super) rows: Vec<String>,
}

/// What is said of a row: its own section, and its workload's. `sole`: nobody else of the workload can be meant.
pub(super) fn of(row: Option<&Service>, workload: Option<&Service>, sole: bool) -> Option<Service> {
    let (Some(whole), true) = (workload, row.map(|row| &row.name) != workload.map(|whole| &whole.name))
    else {
        return row.cloned();
    };
    let mut said = row.cloned().unwrap_or_else(|| Service::of(whole.name.clone()));
    let from = whole.clone();
    said.replicas = said.replicas.or(from.replicas);
    said.replicas_max = said.replicas_max.or(from.replicas_max);
    said.rollout = said.rollout.or(from.rollout);
    said.surge = said.surge.or(from.surge);
    said.unavailable = said.unavailable.or(from.unavailable);
    said.terminating = said.terminating.or(from.terminating);
    said.via = said.via.or(from.via);
    if sole {
        said.processes = said.processes.or(from.processes);
        said.pool = said.pool.or(from.pool);
        said.pool_min = said.pool_min.or(from.pool_min);
        said.listeners = said.listeners.or(from.listeners);
        if said.applications.is_empty() {
            said.applications = from.applications;
        }
    }
    Some(said)
}

/// Whether connections are said of what shows none.
pub(super) fn opens(said: &Service) -> bool {
    said.pool.is_some() || said.listeners.is_some()
}

/// Whether it speaks of one process, and not only of replicas.
fn speaks_of_a_process(said: &Service) -> bool {
    opens(said) || said.processes.is_some() || said.pool_min.is_some() || !said.applications.is_empty()
}

impl<'a> Build<'a> {
    pub(super) fn said(&self, name: &str) -> Option<&'a Service> {
        self.declared.services.iter().find(|service| service.name.text == name)
    }

    /// Numbers of a process that were said of a workload of several: nobody's.
    pub(super) fn undecided(&mut self, workload: &Workload, rows: &[String]) {
        let Some(said) = self.said(&workload.name).filter(|said| speaks_of_a_process(said)) else { return };
        let message =
            format!("[service.{}] sets the numbers of one program, and here are others", workload.name);
        self.findings.push(Finding::at(&NOBODY, &said.name.place, message, listed(rows)));
    }

    /// Sections for a row of a workload that has none of that name. Says which sections were told.
    pub(super) fn astray(&mut self, deployed: &Deployed) {
        for said in &self.declared.services {
            let name = said.name.text.as_str();
            let is_within = |workload: &str| {
                name.strip_prefix(workload)
                    .is_some_and(|rest| rest.starts_with('/') || rest.starts_with(" ("))
            };
            let known = deployed.workloads.iter().any(|workload| workload.name == name)
                || self.shown.iter().any(|shown| shown.rows.iter().any(|row| row == name));
            let home = self.shown.iter().filter(|shown| is_within(&shown.workload));
            let Some(home) = home.max_by_key(|shown| shown.workload.len()).filter(|_| !known) else {
                continue;
            };
            let message = format!("{} has no program {name:?}", home.workload);
            let fix = match home.rows.as_slice() {
                [] => format!("write [service.{}]", home.workload),
                rows => listed(rows),
            };
            self.findings.push(Finding::at(&NOBODY, &said.name.place, message, fix));
        }
    }
}

fn listed(rows: &[String]) -> String {
    let rows: Vec<String> = rows.iter().map(|row| format!("[service.{row:?}]")).collect();
    format!("name one: {}", rows.join(", "))
}
