//! Who may be touched, decided for one session at a time.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::evidence::Evidence;
use super::{habits, protection};
use crate::catalog::{Facts, Session, State};
use crate::filter::{Filter, Glob, Span};

/// Most sessions of one plan: whoever means more says so again after a look at what came of it.
pub const MAX_AT_ONCE: u32 = 100;
/// Shortest `min_age` without a word that one knows: a pool hands its sessions out and back within seconds.
pub const MIN_AGE_FLOOR: u64 = 10;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Close sessions that do nothing and would lose nothing.
    CloseIdle,
    /// Close sessions whatever they do.
    ForceClose,
    /// Cancel the statements that run.
    Cancel,
}

impl Action {
    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CloseIdle => "close-idle",
            Self::ForceClose => "force-close",
            Self::Cancel => "cancel",
        }
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// What to do.
    pub action: Action,
    /// To whom.
    pub filter: Filter,
    /// Least time in the present state, `close-idle` only.
    pub min_age: Span,
    /// Sessions of each application that stay idle, `close-idle` only.
    pub keep: u32,
    /// Most sessions.
    pub max: u32,
    /// Enough once so many per cent of the usable slots are taken, or fewer.
    pub until: Option<f64>,
    /// Applications to be spared besides the known ones.
    pub protect: Vec<Glob>,
    /// `close-idle` also closes sessions that are idle in a transaction.
    pub include_idle_in_transaction: bool,
    /// Also sessions of known poolers.
    pub include_poolers: bool,
    /// Also sessions of superusers that we are not logged in as.
    pub include_superusers: bool,
}

impl Rules {
    /// The defaults of an action: everybody whom it may touch, idle for 5 minutes.
    pub fn new(action: Action) -> Self {
        Self {
            action,
            filter: Filter::default(),
            min_age: Span::of_seconds(300),
            keep: 0,
            max: MAX_AT_ONCE,
            until: None,
            protect: Vec::new(),
            include_idle_in_transaction: false,
            include_poolers: false,
            include_superusers: false,
        }
    }

    /// Refuses what is probably a slip. `knows` lifts the floor of `min_age`, `everything` stands for a filter.
    ///
    /// # Errors
    /// The slip, with the way around it.
    pub fn check(&self, knows: bool, everything: bool) -> Result<(), Mistake> {
        if self.action == Action::CloseIdle && !knows && self.min_age < Span::of_seconds(MIN_AGE_FLOOR) {
            return Err(Mistake::TooYoung(self.min_age));
        }
        if self.max == 0 || self.max > MAX_AT_ONCE {
            return Err(Mistake::Max(self.max));
        }
        if self.action != Action::CloseIdle && self.filter.is_everything() && !everything {
            return Err(Mistake::NoFilter(self.action));
        }
        if self.until.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
            return Err(Mistake::Until);
        }
        Ok(())
    }

    /// Why this session is left alone; `None`: it may be touched.
    pub(super) fn spares(&self, session: &Session, facts: &Facts, evidence: &Evidence) -> Option<Reason> {
        if session.pid == facts.pid {
            return Some(Reason::Ours);
        }
        if !self.filter.matches(session) {
            return Some(Reason::OutsideFilter);
        }
        self.spares_who(session, facts).or_else(|| match self.action {
            Action::CloseIdle => self.spares_idle(session, evidence),
            Action::ForceClose => None,
            Action::Cancel => match session.state {
                State::Active | State::Fastpath => None,
                State::Idle | State::IdleInTransaction | State::IdleInTransactionAborted => {
                    Some(Reason::NotRunning)
                }
                State::Starting => Some(Reason::LoggingIn),
                State::Disabled => Some(Reason::Untracked),
                State::Hidden => Some(Reason::Hidden),
            },
        })
    }

    /// Holds for all actions: who it is.
    fn spares_who(&self, session: &Session, facts: &Facts) -> Option<Reason> {
        if session.is_walsender {
            return Some(Reason::Walsender);
        }
        let Some(user) = &session.user else { return Some(Reason::LoggingIn) };
        if session.state == State::Starting {
            return Some(Reason::LoggingIn);
        }
        if Glob::any_of(protection::SYSTEM_ROLES, user) {
            return Some(Reason::SystemRole);
        }
        if session.is_superuser {
            // Docker's first role is a superuser, and with it REPLICATION: an application that logs in as one is
            // reached by logging in as the same.
            if *user != facts.user && !self.include_superusers {
                return Some(Reason::Superuser);
            }
        } else if session.is_replication {
            return Some(Reason::Replication);
        }
        let name = &session.application;
        if Glob::any_of(protection::POOLERS, name) && !self.include_poolers {
            return Some(Reason::Pooler);
        }
        if Glob::any_of(protection::PROTECTED, name)
            || self.protect.iter().any(|glob| glob.matches_any_case(name))
        {
            return Some(Reason::Protected);
        }
        // Without these nobody can tell later whether it is still the same.
        if session.state == State::Hidden || session.started.is_none() {
            return Some(Reason::Hidden);
        }
        None
    }

    fn spares_idle(&self, session: &Session, evidence: &Evidence) -> Option<Reason> {
        match session.state {
            State::Idle => {}
            State::IdleInTransaction | State::IdleInTransactionAborted
                if self.include_idle_in_transaction => {}
            State::IdleInTransaction | State::IdleInTransactionAborted => return Some(Reason::InTransaction),
            State::Active | State::Fastpath => return Some(Reason::Working),
            State::Starting => return Some(Reason::LoggingIn),
            State::Disabled => return Some(Reason::Untracked),
            State::Hidden => return Some(Reason::Hidden),
        }
        let Some(age) = session.state_age_s.filter(|_| session.changed.is_some()) else {
            return Some(Reason::Hidden);
        };
        if evidence.advisory.contains(&session.pid) {
            return Some(Reason::AdvisoryLock);
        }
        let query = session.query.as_deref().unwrap_or_default();
        if evidence.temporary.contains(&session.pid) || habits::keeps_data(query) {
            return Some(Reason::Temporary);
        }
        if habits::listens(query) {
            return Some(Reason::Listens);
        }
        (age < self.min_age.seconds()).then_some(Reason::TooYoung)
    }
}

/// Why a session is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Younger than `min_age`.
    TooYoung,
    /// One of the youngest of its application, which stay.
    Kept,
    /// Idle in a transaction, `close-idle` only.
    InTransaction,
    /// Of a pooler.
    Pooler,
    /// Its application is on a list.
    Protected,
    /// Of a superuser we are not logged in as.
    Superuser,
    /// Its role has REPLICATION.
    Replication,
    /// Its role is the provider's.
    SystemRole,
    /// A walsender.
    Walsender,
    /// Holds an advisory lock.
    AdvisoryLock,
    /// Listens, by its last statement.
    Listens,
    /// Has temporary tables, or may have.
    Temporary,
    /// We may not see it, so nobody could tell whether it is still the same.
    Hidden,
    /// It does not say what it does (`track_activities` is off).
    Untracked,
    /// Its login is not finished.
    LoggingIn,
    /// Runs a statement, `close-idle` only.
    Working,
    /// Runs no statement, `cancel` only.
    NotRunning,
    /// More than `max`.
    OverMax,
    /// Enough slots are free already.
    Enough,
    /// Not asked for.
    OutsideFilter,
    /// Our own.
    Ours,
}

impl Reason {
    /// In two or three words.
    pub fn words(self) -> &'static str {
        match self {
            Self::TooYoung => "too young",
            Self::Kept => "kept for their application",
            Self::InTransaction => "in transaction",
            Self::Pooler => "pooler",
            Self::Protected => "protected application",
            Self::Superuser => "superuser",
            Self::Replication => "replication role",
            Self::SystemRole => "provider's role",
            Self::Walsender => "walsender",
            Self::AdvisoryLock => "advisory lock",
            Self::Listens => "listens",
            Self::Temporary => "temporary tables",
            Self::Hidden => "hidden from us",
            Self::Untracked => "state not tracked",
            Self::LoggingIn => "logging in",
            Self::Working => "working",
            Self::NotRunning => "no statement",
            Self::OverMax => "over the limit",
            Self::Enough => "enough slots free",
            Self::OutsideFilter => "not asked for",
            Self::Ours => "our own",
        }
    }

    /// The switch that changes it, if there is one.
    pub fn switch(self) -> Option<&'static str> {
        match self {
            Self::TooYoung => Some("--min-age"),
            Self::Kept => Some("--keep"),
            Self::InTransaction => Some("--include-idle-tx"),
            Self::Pooler => Some("--include-poolers"),
            Self::Superuser => Some("--include-superusers"),
            Self::Hidden => Some("GRANT pg_monitor"),
            Self::OverMax => Some("--max"),
            Self::Enough => Some("--until"),
            Self::Working => Some("force-close"),
            Self::AdvisoryLock | Self::Listens | Self::Temporary => Some("force-close"),
            Self::Protected
            | Self::Replication
            | Self::SystemRole
            | Self::Walsender
            | Self::Untracked
            | Self::LoggingIn
            | Self::NotRunning
            | Self::OutsideFilter
            | Self::Ours => None,
        }
    }

    /// Was never meant: not worth a word among those who were left alone.
    pub fn is_beside_the_point(self) -> bool {
        matches!(self, Self::OutsideFilter | Self::Ours | Self::Working | Self::NotRunning | Self::Walsender)
    }
}

/// A slip in what was asked for.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Mistake {
    /// Below the floor.
    TooYoung(Span),
    /// None, or too many.
    Max(u32),
    /// Nobody was named.
    NoFilter(Action),
    /// Not a percentage.
    Until,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooYoung(age) => write!(
                f,
                "--min-age {age} is below {MIN_AGE_FLOOR}s: a pool's sessions are that young between two requests\n  = add --i-know"
            ),
            Self::Max(max) => {
                write!(
                    f,
                    "--max {max} is not within 1 and {MAX_AT_ONCE}\n  = run it again for those that are left"
                )
            }
            Self::NoFilter(action) => write!(
                f,
                "{} needs to know whom\n  = add a filter such as --app 'wall-*' or --pid 123, or --everything",
                action.name()
            ),
            Self::Until => write!(f, "--until is a percentage of the usable slots, 0 to 100"),
        }
    }
}
