//! Sessions by what they have in common.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::totals::older;
use crate::catalog::{Sample, Session, State};

/// What to group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// `application_name`.
    App,
    /// Role.
    User,
    /// Database.
    Db,
    /// Client host.
    Client,
    /// State.
    State,
}

impl By {
    /// What a session has there. Empty where it has nothing.
    pub fn key(self, session: &Session) -> String {
        match self {
            Self::App => session.application.clone(),
            Self::User => session.user.clone().unwrap_or_default(),
            Self::Db => session.database.clone().unwrap_or_default(),
            Self::Client => session.client.host(),
            Self::State => session.state.name().to_owned(),
        }
    }
}

/// Sessions that share their keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// One value for each key that was asked for, in that order.
    pub keys: Vec<String>,
    /// Sessions.
    pub total: u32,
    /// Running.
    pub active: u32,
    /// Idle.
    pub idle: u32,
    /// Idle in transaction.
    pub idle_in_transaction: u32,
    /// Sessions in each state.
    pub states: BTreeMap<State, u32>,
    /// The oldest idle one, in seconds.
    pub oldest_idle_s: Option<f64>,
    /// The oldest transaction, in seconds.
    pub oldest_transaction_s: Option<f64>,
    /// Hosts they came from.
    pub hosts: BTreeSet<String>,
}

/// Groups the sessions that hold a slot and that `keep` lets through, the largest first.
pub fn group(sample: &Sample, by: &[By], keep: impl Fn(&Session) -> bool) -> Vec<Group> {
    let mut groups: BTreeMap<Vec<String>, Group> = BTreeMap::new();
    for session in sample.slot_holders().filter(|session| keep(session)) {
        let keys: Vec<String> = by.iter().map(|by| by.key(session)).collect();
        let group = groups.entry(keys.clone()).or_insert_with(|| Group { keys, ..Group::default() });
        group.add(session);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.keys.cmp(&b.keys)));
    groups
}

impl Group {
    fn add(&mut self, session: &Session) {
        self.total += 1;
        *self.states.entry(session.state).or_default() += 1;
        match session.state {
            State::Active | State::Fastpath => self.active += 1,
            State::Idle => self.idle += 1,
            State::IdleInTransaction | State::IdleInTransactionAborted => self.idle_in_transaction += 1,
            State::Starting | State::Disabled | State::Hidden => {}
        }
        self.oldest_idle_s = older(self.oldest_idle_s, session.idle_s());
        self.oldest_transaction_s = older(self.oldest_transaction_s, session.xact_age_s);
        self.hosts.insert(session.client.host());
    }
}
