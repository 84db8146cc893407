//! One check: what it is called, and what it found.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::census::Level;

/// Which check. The name is what `--check` and `explain` take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Id {
    /// Whether the server lets us in.
    Login,
    /// Slots taken of those that ordinary roles can get.
    Utilization,
    /// Slots left, and those kept back for administrators.
    Reserve,
    /// Transactions that wait for their clients.
    IdleInTransaction,
    /// Most sessions are idle while slots get scarce.
    IdleHoarding,
    /// Sessions begun in a second, and how little each is used.
    Churn,
    /// Logins that were begun and not finished.
    HalfOpenLogins,
    /// CONNECTION LIMITs of roles.
    RoleLimits,
    /// CONNECTION LIMITs of databases.
    DatabaseLimits,
    /// Statements that run for long.
    LongQueries,
    /// Sessions that wait for locks.
    BlockedSessions,
    /// Limits that were changed and wait for a restart.
    PendingRestart,
    /// When the server will be full.
    Forecast,
    /// Sessions of one application, all idle on the same statement.
    LeakLike,
    /// Services that hold more than the plan gives them.
    PlanExceeded,
    /// Applications that log in as superusers.
    SuperuserApplication,
    /// Whether we see what the others do.
    Visibility,
}

impl Id {
    /// All, in the order in which they are shown.
    pub const ALL: [Id; 17] = [
        Id::Login,
        Id::Utilization,
        Id::Reserve,
        Id::IdleInTransaction,
        Id::IdleHoarding,
        Id::Churn,
        Id::HalfOpenLogins,
        Id::RoleLimits,
        Id::DatabaseLimits,
        Id::LongQueries,
        Id::BlockedSessions,
        Id::PendingRestart,
        Id::Forecast,
        Id::LeakLike,
        Id::PlanExceeded,
        Id::SuperuserApplication,
        Id::Visibility,
    ];

    /// `idle-in-transaction`.
    pub const fn name(self) -> &'static str {
        match self {
            Id::Login => "login",
            Id::Utilization => "utilization",
            Id::Reserve => "reserve",
            Id::IdleInTransaction => "idle-in-transaction",
            Id::IdleHoarding => "idle-hoarding",
            Id::Churn => "churn",
            Id::HalfOpenLogins => "half-open-logins",
            Id::RoleLimits => "role-limits",
            Id::DatabaseLimits => "database-limits",
            Id::LongQueries => "long-queries",
            Id::BlockedSessions => "blocked-sessions",
            Id::PendingRestart => "pending-restart",
            Id::Forecast => "forecast",
            Id::LeakLike => "leak-like",
            Id::PlanExceeded => "plan-exceeded",
            Id::SuperuserApplication => "superuser-application",
            Id::Visibility => "visibility",
        }
    }

    /// The reverse of [`Self::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.name() == name)
    }

    /// Which of several bad checks names the cause: the smaller number does.
    pub(super) const fn closeness_to_the_cause(self) -> u8 {
        match self {
            Id::Login => 0,
            Id::BlockedSessions => 1,
            Id::IdleInTransaction => 2,
            Id::HalfOpenLogins => 3,
            Id::RoleLimits => 4,
            Id::DatabaseLimits => 5,
            Id::LeakLike => 6,
            Id::PlanExceeded => 7,
            Id::Churn => 8,
            Id::SuperuserApplication => 9,
            Id::Reserve => 10,
            Id::IdleHoarding => 11,
            Id::Utilization => 12,
            Id::LongQueries => 13,
            Id::Forecast => 14,
            Id::PendingRestart => 15,
            Id::Visibility => 16,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckLevel {
    /// It could not look; the message says why. Never changes a verdict.
    Skip,
    /// Nothing to do.
    Ok,
    /// Look at it.
    Warning,
    /// Act.
    Critical,
}

impl CheckLevel {
    /// Warning or critical.
    pub fn is_bad(self) -> bool {
        self >= Self::Warning
    }
}

impl From<Level> for CheckLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Ok => Self::Ok,
            Level::Warning => Self::Warning,
            Level::Critical => Self::Critical,
        }
    }
}

/// Something that was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// In words, fit for a terminal.
    pub text: String,
    /// The session it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// Its application, as the client sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    /// Which check.
    pub id: Id,
    /// What it says.
    pub level: CheckLevel,
    /// What was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its unit: `percent`, `seconds`, `sessions`, `slots`, `per_second`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Where warning begins, in that unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn: Option<f64>,
    /// Where critical begins, in that unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crit: Option<f64>,
    /// What was found, in one line, fit for a terminal.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What it was found by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

impl Check {
    /// A check that found this.
    pub fn new(id: Id, level: CheckLevel, message: impl Into<String>) -> Self {
        Self {
            id,
            level,
            value: None,
            unit: None,
            warn: None,
            crit: None,
            message: message.into(),
            hint: None,
            evidence: Vec::new(),
        }
    }

    /// A check that could not look.
    pub fn skip(id: Id, why: impl Into<String>) -> Self {
        Self::new(id, CheckLevel::Skip, why)
    }

    /// With a measured value.
    pub(super) fn measured(
        mut self,
        value: f64,
        unit: &'static str,
        warn: Option<f64>,
        crit: Option<f64>,
    ) -> Self {
        (self.value, self.unit, self.warn, self.crit) = (Some(value), Some(unit), warn, crit);
        self
    }

    /// With advice, where the check is bad.
    pub(super) fn advised(mut self, hint: impl Into<String>) -> Self {
        if self.level.is_bad() {
            self.hint = Some(hint.into());
        }
        self
    }

    /// With what was seen.
    pub(super) fn shown(mut self, evidence: Vec<Evidence>) -> Self {
        self.evidence = evidence;
        self
    }

    /// Nothing bad in what we see says little where we see only a part.
    pub(super) fn unless_hidden(self, partial: bool) -> Self {
        if partial && self.level == CheckLevel::Ok {
            return Self::skip(self.id, "states of other roles' sessions are hidden (see visibility)");
        }
        self
    }
}
