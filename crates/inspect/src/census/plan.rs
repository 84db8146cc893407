//! What services may hold, beside what they hold.

use serde::{Deserialize, Serialize};

use crate::catalog::Sample;
use crate::filter::Glob;

/// What one service may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The service.
    pub service: String,
    /// The application names it sends, as patterns.
    pub applications: Vec<String>,
    /// Connections at most, without a rollout.
    pub peak: u64,
    /// Connections at most, while old replicas stand beside new ones. Never below `peak`.
    pub rollout: u64,
}

/// What all services may hold. The first whose pattern fits counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order of the plan.
    pub allowances: Vec<Allowance>,
}

/// One service beside its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held<'a> {
    /// What it may hold.
    pub allowance: &'a Allowance,
    /// What it holds.
    pub held: u32,
}

impl Plan {
    /// The service that sends this application name.
    pub fn of(&self, application: &str) -> Option<&Allowance> {
        self.place(application).and_then(|at| self.allowances.get(at))
    }

    fn place(&self, application: &str) -> Option<usize> {
        self.allowances.iter().position(|one| {
            one.applications.iter().any(|pattern| Glob::new(pattern.as_str()).matches_any_case(application))
        })
    }

    /// What each service holds, in the plan's order, and how many connections belong to none. Our own do not count.
    pub fn beside(&self, sample: &Sample) -> (Vec<Held<'_>>, u32) {
        let mut held = vec![0; self.allowances.len()];
        let mut unplanned = 0;
        for session in sample.slot_holders() {
            match self.place(&session.application).and_then(|at| held.get_mut(at)) {
                Some(count) => *count += 1,
                None if session.application.starts_with("connwarden") => {}
                None => unplanned += 1,
            }
        }
        let all = self.allowances.iter().zip(held).map(|(allowance, held)| Held { allowance, held });
        (all.collect(), unplanned)
    }
}
