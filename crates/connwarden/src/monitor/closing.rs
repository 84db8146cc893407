//! Closing and cancelling from the view: over its own one connection, planned first, shown, and done only when it was said.

use std::collections::BTreeSet;
use std::sync::Arc;

use inspect::catalog::{Facts, Sample, Session, Wants};
use inspect::closing::{Act, Action, Ended, Evidence, Outcome, Pace, Plan, Rules};
use inspect::connect::{AskError, Connection};
use inspect::report::VictimResult;

use super::filter::Filter;
use super::state::{Identity, identity_of};

/// What is to be done to whom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) action: Action,
    pub(crate) target: Target,
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// The sessions of a group that the `/` line lets through: both as one filter.
    Group(Filter),
    /// These.
    Sessions(BTreeSet<Identity>),
}

/// A plan with all that is needed to carry it out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    rules: Rules,
    facts: Facts,
}

/// What became of each, and why it ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) action: Action,
    pub(crate) outcomes: Vec<(i32, String, Outcome)>,
    pub(crate) ended: Ended,
}

/// Looks anew and plans: what is shown is what will be done.
///
/// # Errors
/// As [`Connection::ask`].
pub(crate) async fn plan(connection: &mut Connection, order: &Order) -> Result<Planned, AskError> {
    let sample = Sample::take(connection, Wants::default()).await?;
    let evidence = Evidence::take_for(order.action, connection).await?;
    Ok(planned(sample, &evidence, order))
}

/// Only those that are meant come into the plan, and only who is still meant is touched when its turn comes.
pub(crate) fn planned(mut sample: Sample, evidence: &Evidence, order: &Order) -> Planned {
    let mut rules = Rules::new(order.action);
    match &order.target {
        Target::Group(filter) => rules.filter = filter.clone(),
        // These are told by more than a filter can say, and each is looked at again by the same.
        Target::Sessions(identities) => {
            sample.sessions.retain(|session| identities.contains(&identity_of(session)));
        }
    }
    let plan = Plan::of(&sample, evidence, &rules);
    Planned { plan, rules, facts: sample.facts }
}

/// Does it; `stop` is asked between two sessions.
pub(crate) async fn act(
    connection: &mut Connection,
    planned: &Arc<Planned>,
    stop: &dyn Fn() -> bool,
) -> Done {
    let pace = Pace::default();
    let mut outcomes = Vec::new();
    let acting = Act::new(connection, &planned.rules, &planned.facts, &pace, stop);
    let told = |session: &Session, outcome: &Outcome| {
        outcomes.push((session.pid, session.application.clone(), outcome.clone()));
    };
    let acted = acting.run(&planned.plan, told).await;
    Done { action: planned.plan.action, outcomes, ended: acted.ended }
}

impl Done {
    /// `close-idle: 12 closed, 1 became busy`.
    pub(crate) fn summary(&self) -> String {
        let words = [
            (VictimResult::Closed, "closed"),
            (VictimResult::Cancelled, "cancelled"),
            (VictimResult::BecameBusy, "changed meanwhile and left alone"),
            (VictimResult::Gone, "gone by themselves"),
            (VictimResult::Denied, "not allowed"),
            (VictimResult::Error, "failed"),
        ];
        let results: Vec<VictimResult> =
            self.outcomes.iter().map(|(_, _, outcome)| VictimResult::of(outcome).0).collect();
        let counted = words.into_iter().filter_map(|(result, word)| {
            let number = results.iter().filter(|one| **one == result).count();
            (number > 0).then(|| format!("{number} {word}"))
        });
        let mut counted: Vec<String> = counted.collect();
        if counted.is_empty() {
            counted.push("nothing was done".to_owned());
        }
        match &self.ended {
            Ended::Finished | Ended::Enough => {}
            Ended::Interrupted => counted.push("stopped".to_owned()),
            Ended::Errors => counted.push("ended after errors in a row".to_owned()),
            Ended::Lost(_) => counted.push("ended with the connection".to_owned()),
        }
        format!("{}: {}", self.action.name(), counted.join(", "))
    }

    /// The first thing that the server did not let us do, or that went wrong, in its words.
    pub(crate) fn trouble(&self) -> Option<&str> {
        let found = self.outcomes.iter().find_map(|(_, _, outcome)| match outcome {
            Outcome::Denied(why) | Outcome::Error(why) => Some(why.as_str()),
            Outcome::Closed | Outcome::Cancelled | Outcome::BecameBusy | Outcome::Gone => None,
        });
        match &self.ended {
            Ended::Lost(why) => Some(why),
            Ended::Finished | Ended::Interrupted | Ended::Errors | Ended::Enough => found,
        }
    }
}
