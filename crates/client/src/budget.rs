//! What the plan file lets a service open, asked by the service itself.
//!
//! The sums are the planner's; here is only the question that a program has at its start: may each of my processes open as
//! many connections as my pools are made for?

use std::path::Path;

use disk::Disk;
use inspect::census::Plan;
use plan::budget::{self, Known, ServerBudget};
use plan::declared::{self, Declared};
use plan::{Files, Finding, Level};
use thiserror::Error;

mod fit;

pub use fit::{Allowance, Fit};

/// Why there is no budget.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// The plan file cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// The plan file, or a file that it names, holds mistakes: a sum of the rest would be too small.
    #[error("{}", .0.join("\n"))]
    Mistakes(Vec<String>),
    /// No service of that name.
    #[error("the plan has no service {service:?}; there are {}", .known.join(", "))]
    NoService {
        /// What was asked for.
        service: String,
        /// Those there are.
        known: Vec<String>,
    },
}

/// What all services may open on one server.
#[derive(Clone, Debug)]
pub struct Budget {
    server: ServerBudget,
}

impl Budget {
    /// Reads a plan file (`connwarden-plan.toml`) and the deployments that it names, from its folder on. Variables of compose
    /// files come from the environment. Reads from the disk: call it at the start.
    ///
    /// # Errors
    /// A file cannot be read, or holds mistakes.
    pub fn from_plan_file(path: impl AsRef<Path>) -> Result<Self, BudgetError> {
        let name = path.as_ref().to_string_lossy().into_owned();
        let disk = Disk::default();
        let text = disk.text(&name).map_err(|why| BudgetError::Unreadable { path: name.clone(), why })?;
        let declared = declared::read(&name.as_str().into(), &text).map_err(|found| mistakes(&found))?;
        let named: Vec<String> = declared.files.iter().map(|file| file.text.clone()).collect();
        let (found, passed_over) = disk.deployed(&named);
        if !passed_over.is_empty() {
            // What lies there may open connections, too.
            return Err(BudgetError::Mistakes(passed_over));
        }
        if found.findings.iter().any(|finding| finding.level == Level::Error) {
            return Err(mistakes(&found.findings));
        }
        Ok(Self::of(&found.deployed, &declared))
    }

    fn of(deployed: &plan::deployed::Deployed, declared: &Declared) -> Self {
        let budget = budget::of(deployed, declared, &Known::default());
        // There is always one; the first is the one the plan file speaks of.
        let server = budget.servers.into_iter().next().unwrap_or_else(|| ServerBudget {
            host: None,
            slots: None,
            thresholds: declared.thresholds,
            rows: Vec::new(),
            totals: budget::Sums::default(),
            verdicts: Vec::new(),
            fit: None,
        });
        Self { server }
    }

    /// The services, in the order of the plan.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.server.rows.iter().map(|row| row.name.as_str())
    }

    /// Slots that ordinary roles can get; `None` where neither the plan file nor a deployment says.
    pub fn usable(&self) -> Option<u32> {
        self.server.slots.as_ref().map(budget::Slots::usable)
    }

    /// What one service may open.
    ///
    /// # Errors
    /// The plan does not know it: names those it knows.
    pub fn allowance(&self, service: &str) -> Result<Allowance, BudgetError> {
        let row = self.server.rows.iter().find(|row| row.name == service);
        row.map(|row| Allowance::of(row, &self.server)).ok_or_else(|| BudgetError::NoService {
            service: service.to_owned(),
            known: self.services().map(str::to_owned).collect(),
        })
    }

    /// In the shape that a census is held against.
    pub(crate) fn plan(&self) -> Plan {
        Plan::of_services(self.server.allowances(), (self.server.totals.peak, self.server.totals.rollout))
    }
}

fn mistakes(found: &[Finding]) -> BudgetError {
    let line = |finding: &Finding| {
        let place = finding.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
        format!("{place}{}; {}", finding.message, finding.fix)
    };
    let torn = found.iter().filter(|finding| finding.level == Level::Error);
    BudgetError::Mistakes(torn.map(line).collect())
}

#[cfg(test)]
mod tests;
