//! What services hold beside what the plan gives them.

use super::{Check, CheckLevel, Evidence, Id, Look};
use crate::census::{Held, Standing};
use crate::form::{app, count};

/// Services shown.
const SHOWN_MAX: usize = 5;

/// A rollout may hold more than the peak for a while; more than a rollout is more than was planned.
pub(super) fn plan_exceeded(look: &Look<'_>) -> Check {
    let Some(plan) = look.plan else {
        return Check::skip(Id::PlanExceeded, "there is no plan file (connwarden-plan.toml, --plan)");
    };
    let (held, unplanned) = plan.beside(look.now);
    let (mut over, mut rolling) = (Vec::new(), Vec::new());
    for one in &held {
        match one.allowance.standing(one.held) {
            Standing::AboveRollout => over.push(one),
            Standing::AbovePeak => rolling.push(one),
            Standing::Within => {}
        }
    }
    let said =
        |one: &Held<'_>| format!("{} {} of {}", app(&one.allowance.service), one.held, one.allowance.rollout);
    let aside = match unplanned {
        0 => String::new(),
        number => format!("; {} of nobody's plan", count(number, "session")),
    };
    let (level, message) = match (over.first(), rolling.first()) {
        (Some(first), _) => {
            let others = if over.len() > 1 { format!(" and {} more", over.len() - 1) } else { String::new() };
            (CheckLevel::Warning, format!("more than planned: {}{others}{aside}", said(first)))
        }
        (None, Some(first)) => {
            let sentence = format!(
                "{} holds {}: more than its peak of {}, as a rollout does{aside}",
                app(&first.allowance.service),
                first.held,
                first.allowance.peak
            );
            (CheckLevel::Ok, sentence)
        }
        (None, None) => {
            (CheckLevel::Ok, format!("{} within the plan{aside}", count(held.len() as u32, "service")))
        }
    };
    let evidence = over
        .iter()
        .take(SHOWN_MAX)
        .map(|one| Evidence { text: said(one), pid: None, app: Some(one.allowance.service.clone()) })
        .collect();
    Check::new(Id::PlanExceeded, level, message)
        .measured(over.len() as f64, "services", Some(0.0), None)
        .advised("connwarden plan check; a service that is larger than its plan leaks, or the plan is old")
        .shown(evidence)
}
