//! Services beside the plan: the rows of the Plan view, and where an application of the Apps view stands.

use std::cmp::Ordering;
use std::collections::HashMap;

use inspect::catalog::Sample;
use inspect::census::{Allowance, Owner, Plan, Standing};

use super::columns::plan as columns;
use super::listing::Listing;
use super::rows::sort;

/// A row of the Plan view.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServiceRow {
    pub(crate) owner: Owner,
    /// Connections that it holds.
    pub(crate) held: u32,
    /// The names that they send, each with its number, the most frequent first.
    pub(crate) applications: Vec<(String, u32)>,
}

/// Where an application stands in the plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Placed {
    /// It belongs to a service, which may send other names as well.
    Service {
        /// What the service holds.
        held: u32,
        /// What it may hold without a rollout.
        peak: u64,
        standing: Standing,
    },
    Unplanned,
    Ours,
}

impl Placed {
    /// By how far the peak is used: what fills it most comes first, what is in no plan last.
    pub(crate) fn share(placed: Option<Self>) -> f64 {
        match placed {
            Some(Self::Service { held, peak, .. }) => share(held, peak),
            Some(Self::Unplanned) => -1.0,
            Some(Self::Ours) | None => -2.0,
        }
    }
}

/// Connections beside what is allowed, as a share of 1. Whoever holds something that he may not is infinitely above it.
pub(crate) fn share(held: u32, allowed: u64) -> f64 {
    match (held, allowed) {
        (0, _) => 0.0,
        (_, 0) => f64::INFINITY,
        (held, allowed) => f64::from(held) / allowed as f64,
    }
}

/// Where the applications of a sample stand.
pub(crate) fn placed<'a>(plan: &Plan, sample: &'a Sample) -> HashMap<&'a str, Placed> {
    let (held, _) = plan.beside(sample);
    let place = |owner: Owner| match owner {
        Owner::Service(at) => held.get(at).map_or(Placed::Unplanned, |one| Placed::Service {
            held: one.held,
            peak: one.allowance.peak,
            standing: one.allowance.standing(one.held),
        }),
        Owner::Unplanned => Placed::Unplanned,
        Owner::Ours => Placed::Ours,
    };
    plan.owners(sample).into_iter().map(|(application, owner)| (application, place(owner))).collect()
}

/// Every service, sorted, and behind all of them, whatever sorts, what belongs to none.
pub(crate) fn services(plan: &Plan, sample: &Sample, listing: &Listing) -> Vec<ServiceRow> {
    let owners = plan.owners(sample);
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    for session in sample.slot_holders() {
        *numbers.entry(session.application.as_str()).or_default() += 1;
    }
    let empty = |owner: Owner| ServiceRow { owner, held: 0, applications: Vec::new() };
    let mut rows: Vec<ServiceRow> = (0..plan.allowances.len()).map(|at| empty(Owner::Service(at))).collect();
    let mut unplanned = empty(Owner::Unplanned);
    for (application, number) in numbers {
        let row = match owners.get(application) {
            Some(Owner::Service(at)) => rows.get_mut(*at),
            Some(Owner::Unplanned) => Some(&mut unplanned),
            Some(Owner::Ours) | None => None,
        };
        if let Some(row) = row {
            row.held += number;
            row.applications.push((application.to_owned(), number));
        }
    }
    for row in rows.iter_mut().chain([&mut unplanned]) {
        row.applications.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    }
    arrange(&mut rows, plan, listing);
    rows.push(unplanned);
    rows
}

fn arrange(rows: &mut [ServiceRow], plan: &Plan, listing: &Listing) {
    let peak = |row: &ServiceRow| allowance(plan, row.owner).map_or(0, |one| one.peak);
    let rollout = |row: &ServiceRow| allowance(plan, row.owner).map_or(0, |one| one.rollout);
    let name = |row: &ServiceRow| allowance(plan, row.owner).map_or("", |one| one.service.as_str());
    let used = |row: &ServiceRow| share(row.held, rollout(row));
    let compare = |a: &ServiceRow, b: &ServiceRow| -> Ordering {
        match listing.sort {
            columns::SERVICE => name(a).cmp(name(b)),
            columns::HELD => a.held.cmp(&b.held),
            columns::PEAK => peak(a).cmp(&peak(b)),
            columns::ROLLOUT => rollout(a).cmp(&rollout(b)),
            _ => used(a).total_cmp(&used(b)),
        }
    };
    sort(rows, &columns::ALL, listing, compare, |a, b| name(a).cmp(name(b)));
}

/// What an owner may hold; `None` for who is no service.
pub(crate) fn allowance(plan: &Plan, owner: Owner) -> Option<&Allowance> {
    match owner {
        Owner::Service(at) => plan.allowances.get(at),
        Owner::Unplanned | Owner::Ours => None,
    }
}

#[cfg(test)]
pub(in crate::monitor) mod tests {
    use super::super::state::tests::sample;
    use super::*;

    /// Services with the pattern they send, a peak and a rollout; a server of 97 usable slots takes their peak and not their
    /// rollout.
    pub(in crate::monitor) fn plan(services: &[(&str, &[&str], u64, u64)]) -> Plan {
        let allowances: Vec<Allowance> = services
            .iter()
            .map(|(service, applications, peak, rollout)| Allowance {
                service: (*service).into(),
                applications: applications.iter().map(|name| (*name).into()).collect(),
                peak: *peak,
                rollout: *rollout,
            })
            .collect();
        let sum = |of: fn(&Allowance) -> u64| allowances.iter().map(of).sum();
        Plan { peak: sum(|one| one.peak), rollout: sum(|one| one.rollout), allowances }
    }

    #[test]
    fn services_sort_by_every_column_and_what_is_unplanned_stays_last() {
        let plan = plan(&[("b", &["b*"], 9, 90), ("a", &["a*"], 2, 4), ("c", &["c-*"], 1, 1)]);
        let sample = sample(0, &[("b-1", 5), ("b-2", 4), ("a", 4), ("x", 50), ("connwarden health", 1)]);
        let shown = |sort: usize, reversed: bool| -> String {
            let rows = services(&plan, &sample, &Listing { sort, reversed, ..Listing::default() });
            rows.iter().map(|row| allowance(&plan, row.owner).map_or("-", |one| &one.service)).collect()
        };
        assert_eq!(shown(columns::SERVICE, false), "abc-");
        assert_eq!(shown(columns::HELD, false), "bac-");
        assert_eq!(shown(columns::HELD, true), "cab-");
        assert_eq!(shown(columns::ROLLOUT, true), "cab-");
        assert_eq!(shown(columns::USED, false), "abc-");
        let rows = services(&plan, &sample, &Listing::sorted_by(columns::PEAK));
        assert_eq!(rows[0].applications, [("b-1".to_owned(), 5), ("b-2".to_owned(), 4)]);
        assert_eq!((rows[3].held, rows[3].applications.len()), (50, 1), "our own belong to nobody");
    }

    #[test]
    fn whoever_may_hold_nothing_and_does_is_above_everything() {
        assert_eq!([share(0, 0), share(3, 0), share(3, 4)], [0.0, f64::INFINITY, 0.75]);
    }
}
