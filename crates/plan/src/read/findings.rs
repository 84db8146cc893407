//! Findings in the order they are made: none twice, and not without end.

use std::collections::BTreeSet;

use crate::{Finding, Place};

/// How many are kept. Whoever has more mends these first.
const KEPT_MAX: usize = 1_000;

/// What a reader has found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    seen: BTreeSet<(&'static str, Option<Place>, String)>,
}

impl Findings {
    /// Keeps a finding, unless it is known: a part that two services share is looked at twice.
    pub(super) fn push(&mut self, finding: Finding) {
        if !self.is_full() {
            self.push_over(finding);
        }
    }

    /// Keeps a finding even beyond the limit: one that says why the rest is not looked at.
    pub(super) fn push_over(&mut self, finding: Finding) {
        if self.seen.insert((finding.rule.id, finding.place.clone(), finding.message.clone())) {
            self.all.push(finding);
        }
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether no more are kept.
    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= KEPT_MAX
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.all
    }
}
