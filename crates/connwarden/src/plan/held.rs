//! What a plan gives each service, for the commands that look at a server.

use clap::Args;
use inspect::census::Plan;
use plan::budget::{self, Budget, Known};

use super::gather::FilesOptions;
use crate::say;

/// A plan to hold a server against.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Plan")]
pub(crate) struct PlanFile {
    /// Plan file to hold the server against; without: connwarden-plan.toml here, if there is one
    #[arg(long, value_name = "FILE")]
    plan: Option<String>,
    /// Hold it against no plan
    #[arg(long, conflicts_with = "plan")]
    no_plan: bool,
}

impl PlanFile {
    /// What services may hold. A plan that cannot be read is told, and holds nobody to anything.
    pub(crate) fn plan(&self) -> Option<Plan> {
        self.read().unwrap_or_else(|why| {
            say::err(&format!("warning: {why}"));
            None
        })
    }

    /// The same, for who tells it otherwise.
    ///
    /// # Errors
    /// Why it cannot be read, in one line or more.
    pub(crate) fn read(&self) -> Result<Option<Plan>, String> {
        if self.no_plan || (self.plan.is_none() && !FilesOptions::is_here()) {
            return Ok(None);
        }
        let files = FilesOptions::of_plan(self.plan.clone());
        let gathered = files.gather().map_err(|why| format!("no plan: {why}"))?;
        let torn = gathered.findings.iter().filter(|one| one.level == plan::Level::Error).count();
        if torn > 0 {
            return Err(format!("no plan: its files hold {torn} mistakes (connwarden plan check)"));
        }
        let budget = budget::of(&gathered.deployed, &gathered.declared, &Known::default());
        Ok(Some(allowances(&budget)))
    }
}

/// Of the first server: the one the plan file speaks of.
fn allowances(budget: &Budget) -> Plan {
    let Some(server) = budget.servers.first() else { return Plan::default() };
    Plan::of_services(server.allowances(), (server.totals.peak, server.totals.rollout))
}
