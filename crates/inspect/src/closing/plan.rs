//! Who is to go, who stays and why: decided before anybody is touched, and shown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::evidence::Evidence;
use super::rules::{Action, Reason, Rules};
use crate::catalog::{Sample, Session, State};
use crate::census::{Totals, Utilization, older};

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is to be done.
    pub action: Action,
    /// To whom, in this order.
    pub victims: Vec<Session>,
    /// To whom not.
    pub spared: BTreeMap<Reason, Vec<Session>>,
    /// How full the server is before.
    pub utilization: Utilization,
    /// Sessions of each application that hold a slot.
    holders: BTreeMap<String, u32>,
}

/// What a plan takes from an application.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Victims.
    pub victims: u32,
    /// The longest time in the present state among them, in seconds.
    pub oldest_s: Option<f64>,
    /// Sessions that it will have left, if none comes back.
    pub after: u32,
}

impl Plan {
    /// Decides.
    pub fn of(sample: &Sample, evidence: &Evidence, rules: &Rules) -> Self {
        let totals = Totals::of(sample);
        let utilization = Utilization::of(&totals, &sample.facts);
        let mut spared: BTreeMap<Reason, Vec<Session>> = BTreeMap::new();
        let mut free = Vec::new();
        let mut young = Vec::new();
        for session in &sample.sessions {
            match rules.spares(session, &sample.facts, evidence) {
                None => free.push(session),
                Some(reason) => {
                    if reason == Reason::TooYoung {
                        young.push(session);
                    }
                    spared.entry(reason).or_default().push(session.clone());
                }
            }
        }
        let kept = if rules.action == Action::CloseIdle {
            youngest(&free, &young, rules.keep)
        } else {
            BTreeSet::new()
        };
        let mut spare =
            |reason: Reason, session: &Session| spared.entry(reason).or_default().push(session.clone());
        free.retain(|session| {
            let stays = kept.contains(&session.pid);
            if stays {
                spare(Reason::Kept, session);
            }
            !stays
        });
        if rules.until.is_some_and(|until| utilization.of_usable_percent <= until) {
            free.drain(..).for_each(|session| spare(Reason::Enough, session));
        }
        let mut ordered = spread(free);
        let most = (rules.max as usize).min(ordered.len());
        ordered.drain(most..).for_each(|session| spare(Reason::OverMax, session));
        let mut holders = BTreeMap::new();
        for session in sample.slot_holders() {
            *holders.entry(session.application.clone()).or_default() += 1;
        }
        let victims = ordered.into_iter().cloned().collect();
        Self { action: rules.action, victims, spared, utilization, holders }
    }

    /// What it takes from each application, the most first.
    pub fn applications(&self) -> Vec<Application> {
        let mut found: BTreeMap<&str, Application> = BTreeMap::new();
        for session in &self.victims {
            let name = session.application.as_str();
            let fresh = || Application {
                name: name.to_owned(),
                victims: 0,
                oldest_s: None,
                after: self.holders.get(name).copied().unwrap_or(0),
            };
            let application = found.entry(name).or_insert_with(fresh);
            application.victims += 1;
            application.after = application.after.saturating_sub(1);
            application.oldest_s = older(application.oldest_s, session.state_age_s);
        }
        let mut applications: Vec<Application> = found.into_values().collect();
        applications.sort_by(|a, b| b.victims.cmp(&a.victims).then_with(|| a.name.cmp(&b.name)));
        applications
    }

    /// Sessions that do what the action is about: idle ones, running ones, or all.
    pub fn considered(&self) -> u32 {
        let spared = self.spared.iter().filter(|(reason, _)| !reason.is_beside_the_point());
        let meant = spared.flat_map(|(_, sessions)| sessions).filter(|session| match self.action {
            Action::CloseIdle => session.state == State::Idle,
            Action::ForceClose => true,
            Action::Cancel => session.state.is_running(),
        });
        (self.victims.len() + meant.count()) as u32
    }

    /// Who was left alone and might have been expected not to be.
    pub fn left_alone(&self) -> impl Iterator<Item = (Reason, u32)> {
        self.spared.iter().filter(|(reason, _)| !reason.is_beside_the_point()).filter_map(
            |(reason, sessions)| {
                let surprising = sessions.iter().filter(|session| match self.action {
                    Action::CloseIdle => !session.state.is_running(),
                    Action::ForceClose => true,
                    Action::Cancel => session.state != State::Idle && !session.state.is_idle_in_transaction(),
                });
                let number = surprising.count() as u32;
                (number > 0).then_some((*reason, number))
            },
        )
    }

    /// Victims that run a statement.
    pub fn running(&self) -> u32 {
        self.count(|session| session.state.is_running())
    }

    /// Victims that wait inside a transaction.
    pub fn in_transaction(&self) -> u32 {
        self.count(|session| session.state.is_idle_in_transaction())
    }

    fn count(&self, is: impl Fn(&Session) -> bool) -> u32 {
        self.victims.iter().filter(|session| is(session)).count() as u32
    }
}

/// Of each application the sessions that were used last, `keep` of them; those that are too young anyway count.
fn youngest(free: &[&Session], young: &[&Session], keep: u32) -> BTreeSet<i32> {
    let mut by_application: BTreeMap<&str, Vec<&Session>> = BTreeMap::new();
    for session in free.iter().chain(young).filter(|session| session.state == State::Idle) {
        by_application.entry(&session.application).or_default().push(session);
    }
    let mut kept = BTreeSet::new();
    for sessions in by_application.values_mut() {
        sessions.sort_by(|a, b| oldest_first(b, a));
        kept.extend(sessions.iter().take(keep as usize).map(|session| session.pid));
    }
    kept
}

/// The oldest of each application, then the second oldest of each, and so on: nobody's pool is emptied at once.
fn spread(sessions: Vec<&Session>) -> Vec<&Session> {
    let mut by_application: BTreeMap<&str, Vec<&Session>> = BTreeMap::new();
    let all = sessions.len();
    for session in sessions {
        by_application.entry(&session.application).or_default().push(session);
    }
    let mut queues: Vec<VecDeque<&Session>> = by_application
        .into_values()
        .map(|mut sessions| {
            sessions.sort_by(|a, b| oldest_first(a, b));
            sessions.into()
        })
        .collect();
    // The largest first: it can spare one most easily. The sort is stable, so names decide between equals.
    queues.sort_by_key(|queue| std::cmp::Reverse(queue.len()));
    let mut ordered = Vec::with_capacity(all);
    while ordered.len() < all {
        ordered.extend(queues.iter_mut().filter_map(VecDeque::pop_front));
    }
    ordered
}

fn oldest_first(a: &Session, b: &Session) -> std::cmp::Ordering {
    let age = |session: &Session| session.state_age_s.unwrap_or(0.0);
    age(b).total_cmp(&age(a)).then_with(|| a.pid.cmp(&b.pid))
}

#[cfg(test)]
mod tests;
