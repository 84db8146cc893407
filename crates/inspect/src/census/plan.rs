//! What services may hold, beside what they hold.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::catalog::Sample;
use crate::filter::{Filter, Glob};

/// What our own commands call themselves; they come and go, and no plan holds them.
const OURS: &str = "connwarden*";

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
    /// Connections of all together at most, without a rollout.
    pub peak: u64,
    /// The same during one: of everything at once or of one service at a time, as the plan has it.
    pub rollout: u64,
}

/// One service beside its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held<'a> {
    /// What it may hold.
    pub allowance: &'a Allowance,
    /// What it holds.
    pub held: u32,
}

/// Whose a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A service's: its place in the plan.
    Service(usize),
    /// Nobody's in the plan.
    Unplanned,
    /// Our own.
    Ours,
}

/// Where a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// At its peak or below.
    Within,
    /// Above its peak, as a rollout makes it for a while.
    AbovePeak,
    /// Above what a rollout needs.
    AboveRollout,
}

impl Allowance {
    /// Where its service stands with so many connections.
    pub fn standing(&self, held: u32) -> Standing {
        match u64::from(held) {
            held if held > self.rollout => Standing::AboveRollout,
            held if held > self.peak => Standing::AbovePeak,
            _ => Standing::Within,
        }
    }
}

impl Plan {
    /// Of services' names, application names, peaks and rollouts, and of all together: a rollout is never below its peak.
    pub fn of_services(
        services: impl Iterator<Item = (String, Vec<String>, u64, u64)>,
        (peak, rollout): (u64, u64),
    ) -> Self {
        let allowance = |(service, applications, peak, rollout): (String, Vec<String>, u64, u64)| Allowance {
            service,
            applications,
            peak,
            rollout: rollout.max(peak),
        };
        Self { allowances: services.map(allowance).collect(), peak, rollout: rollout.max(peak) }
    }

    /// The service that sends this application name.
    pub fn of(&self, application: &str) -> Option<&Allowance> {
        self.place(application).and_then(|at| self.allowances.get(at))
    }

    /// Whose a session with this application name is.
    pub fn owner(&self, application: &str) -> Owner {
        match self.place(application) {
            Some(at) => Owner::Service(at),
            None if Glob::new(OURS).matches_any_case(application) => Owner::Ours,
            None => Owner::Unplanned,
        }
    }

    fn place(&self, application: &str) -> Option<usize> {
        self.allowances.iter().position(|one| {
            one.applications.iter().any(|pattern| Glob::new(pattern.as_str()).matches_any_case(application))
        })
    }

    /// Whose the sessions of each application are; each name is looked up once, however many sessions send it.
    pub fn owners<'a>(&self, sample: &'a Sample) -> HashMap<&'a str, Owner> {
        let mut owners = HashMap::new();
        for session in &sample.sessions {
            let application = session.application.as_str();
            owners.entry(application).or_insert_with(|| self.owner(application));
        }
        owners
    }

    /// What each service holds, in the plan's order, and how many connections belong to none. Our own do not count.
    pub fn beside(&self, sample: &Sample) -> (Vec<Held<'_>>, u32) {
        let owners = self.owners(sample);
        let mut held = vec![0; self.allowances.len()];
        let mut unplanned = 0;
        for session in sample.slot_holders() {
            match owners.get(session.application.as_str()) {
                Some(Owner::Service(at)) => held.get_mut(*at).into_iter().for_each(|count| *count += 1),
                Some(Owner::Unplanned) => unplanned += 1,
                Some(Owner::Ours) | None => {}
            }
        }
        let all = self.allowances.iter().zip(held).map(|(allowance, held)| Held { allowance, held });
        (all.collect(), unplanned)
    }

    /// The sessions of one owner among those that `filter` lets through. Who sends a name of another service meanwhile is not
    /// meant any more.
    pub fn within(&self, owner: Owner, filter: Filter) -> Filter {
        let names = |allowances: &[Allowance]| -> Vec<String> {
            allowances.iter().flat_map(|one| one.applications.iter().cloned()).collect()
        };
        let ours = [OURS.to_owned()];
        match owner {
            Owner::Service(at) => {
                let (earlier, rest) = self.allowances.split_at(at.min(self.allowances.len()));
                filter.not_named(&names(earlier)).named(&names(rest.get(..1).unwrap_or_default()))
            }
            Owner::Unplanned => filter.not_named(&ours).not_named(&names(&self.allowances)),
            Owner::Ours => filter.not_named(&names(&self.allowances)).named(&ours),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::tests::someone;

    fn plan() -> Plan {
        let allowance = |service: &str, applications: &[&str]| Allowance {
            service: service.into(),
            applications: applications.iter().map(|name| (*name).to_owned()).collect(),
            peak: 2,
            rollout: 4,
        };
        Plan {
            allowances: vec![
                allowance("api", &["wall-API*", "web?"]),
                allowance("wall", &["wall-*", "a.b(c)", "Ünit\"s"]),
                allowance("silent", &[]),
            ],
            ..Plan::default()
        }
    }

    #[test]
    fn the_filter_of_an_owner_lets_exactly_its_sessions_through_also_when_it_is_read_again() {
        let plan = plan();
        let owners = [0, 1, 2].map(Owner::Service).into_iter().chain([Owner::Unplanned, Owner::Ours]);
        let owners: Vec<Owner> = owners.collect();
        for application in [
            "wall-api-1",
            "WALL-API",
            "Wall-worker",
            "web1",
            "web12",
            "a.b(c)",
            "axb(c)",
            "üNIT\"S",
            "",
            "psql",
            "connwarden status",
            "line\nbreak",
            "wall-\nbreak",
        ] {
            let mut session = someone(7);
            session.application = application.into();
            for owner in &owners {
                let filter = plan.within(*owner, Filter::default());
                let is_meant = plan.owner(application) == *owner;
                assert_eq!(filter.matches(&session), is_meant, "{application:?} {owner:?} {filter}");
                let again = Filter::parse(&filter.to_string()).unwrap();
                assert_eq!(again.matches(&session), is_meant, "{application:?} {owner:?} {filter}");
            }
        }
    }

    #[test]
    fn the_filter_of_an_owner_narrows_the_one_there_was() {
        let mut session = someone(7);
        session.application = "wall-api-1".into();
        let filter = |text: &str| plan().within(Owner::Service(0), Filter::parse(text).unwrap());
        assert!(filter("user=app").matches(&session));
        assert!(!filter("user=other").matches(&session));
    }

    #[test]
    fn a_peak_and_a_rollout_may_be_reached_and_not_passed() {
        let standing = |held: u32| plan().allowances[0].standing(held);
        let (within, above_peak, above) = (Standing::Within, Standing::AbovePeak, Standing::AboveRollout);
        assert_eq!([0, 2, 3, 4, 5].map(standing), [within, within, above_peak, above_peak, above]);
    }
}
