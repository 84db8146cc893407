//! Advice on settings and roles: what is, why it matters with this server's own numbers, and what to write. Pure: it
//! looks at what was read and changes nothing.
//!
//! Each rule has a name for ever, and ends in one of three ways: nothing to say, advice, or no answer because
//! something could not be seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{Sample, Session, Setup};
use crate::checks::is_tool;
use crate::local::Machine;

mod memory;
mod network;
mod pooling;
pub mod preset;
mod roles;
mod slots;
mod timeouts;

pub use model::preset::BACKEND_BYTES;
pub use model::size::{size, size_setting, span_setting};

#[cfg(test)]
pub(crate) mod staged;

/// All that was read before anything is said.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Sessions, limits, counters.
    pub sample: Sample,
    /// Settings and roles.
    pub setup: Setup,
    /// The machine the server runs on, or why it is not known.
    pub machine: Result<Machine, String>,
    /// Memory that the operator says there is, in bytes.
    pub memory_said_bytes: Option<u64>,
    /// The process id that was announced at the login: a pooler's is not the backend's.
    pub announced_pid: u32,
}

/// How much an advice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Would be better.
    Advice,
    /// Will hurt some day.
    Warning,
    /// Hurts now, or at the next restart.
    Critical,
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// At once.
    Now,
    /// When the server reads its files again: `SELECT pg_reload_conf()`.
    Reload,
    /// When the server is restarted.
    Restart,
    /// For sessions that begin after it.
    NewSessions,
}

/// What to write, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A line of postgresql.conf, or `ALTER SYSTEM`.
    Setting {
        /// The setting.
        name: &'static str,
        /// Its new value, as PostgreSQL reads it.
        value: String,
        /// The old one stands on the server's command line, which wins over all files.
        on_command_line: bool,
    },
    /// A statement for a superuser.
    Sql(String, Effect),
    /// Something in the application's settings.
    Application(String),
    /// Something in the pooler's settings.
    Pooler(String),
}

impl Remedy {
    /// When it takes effect.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Setting { name, .. } if needs_restart(name) => Effect::Restart,
            Self::Setting { .. } => Effect::Reload,
            Self::Sql(_, effect) => *effect,
            Self::Application(_) | Self::Pooler(_) => Effect::NewSessions,
        }
    }
}

/// Settings that a reload does not change.
pub fn needs_restart(name: &str) -> bool {
    matches!(
        name,
        "max_connections"
            | "superuser_reserved_connections"
            | "reserved_connections"
            | "max_wal_senders"
            | "shared_buffers"
            | "wal_level"
    )
}

/// One advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// How much it matters.
    pub severity: Severity,
    /// What is.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to write.
    pub write: Vec<Remedy>,
}

/// How a rule ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to say, with what was seen.
    Fine(String),
    /// Advice.
    Advised(Advice),
    /// No answer, with the reason.
    Skipped(String),
}

impl Outcome {
    fn advised(
        severity: Severity,
        what: impl Into<String>,
        why: impl Into<String>,
        write: Vec<Remedy>,
    ) -> Self {
        Self::Advised(Advice { severity, what: what.into(), why: why.into(), write })
    }

    fn severity(&self) -> Option<Severity> {
        match self {
            Self::Advised(advice) => Some(advice.severity),
            Self::Fine(_) | Self::Skipped(_) => None,
        }
    }
}

/// A rule's name and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// How it ended.
    pub outcome: Outcome,
}

type Rule = (&'static str, fn(&Evidence) -> Outcome);

/// Every rule, in the order in which people read them.
const RULES: &[Rule] = &[
    ("config-files", slots::config_files),
    ("restart-waiting", slots::restart_waiting),
    ("superuser-reserved", slots::superuser_reserved),
    ("reserved", slots::reserved),
    ("max-connections-memory", memory::max_connections),
    ("work-mem", memory::work_mem),
    ("container-memory", memory::container),
    ("max-connections-unused", slots::unused),
    ("wal-senders", slots::wal_senders),
    ("idle-in-transaction-timeout", timeouts::idle_in_transaction),
    ("idle-session-timeout", timeouts::idle_session),
    ("transaction-timeout", timeouts::transaction),
    ("statement-timeout", timeouts::statement),
    ("lock-timeout", timeouts::lock),
    ("authentication-timeout", timeouts::authentication),
    ("keepalives", network::keepalives),
    ("connection-check", network::connection_check),
    ("superuser-application", roles::superuser_application),
    ("replication-role", roles::replication),
    ("role-limits", roles::limits),
    ("shared-role", roles::shared),
    ("application-names", roles::names),
    ("password-md5", roles::passwords),
    ("churn", pooling::churn),
    ("pooler", pooling::in_front),
];

/// Runs every rule. What matters most comes first; rules of one weight keep their order.
pub fn examine(evidence: &Evidence) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        RULES.iter().map(|(rule, run)| Finding { rule, outcome: run(evidence) }).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.outcome.severity()));
    findings
}

/// Names of all rules.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

impl Evidence {
    /// Memory the server can have, in bytes.
    ///
    /// # Errors
    /// Why it is not known, as a sentence.
    pub fn memory(&self) -> Result<u64, String> {
        match (self.memory_said_bytes, &self.machine) {
            (Some(bytes), _) => Ok(bytes),
            (None, Ok(machine)) => Ok(machine.available_bytes()),
            (None, Err(why)) => Err(format!("{why}; --memory 4GB tells how much it has")),
        }
    }

    /// What a preset's sheet is to be sized for.
    pub fn wants(&self) -> preset::For<'_> {
        preset::For {
            major: self.major(),
            memory_bytes: self.memory().ok(),
            // Backends grow: a young server's are no measure for a year's settings.
            backend_bytes: self.backend_bytes().0.max(BACKEND_BYTES),
            setup: Some(&self.setup),
        }
    }

    fn major(&self) -> u32 {
        self.sample.facts.major()
    }

    /// Sessions of applications: not walsenders, not the tools of people.
    fn applications(&self) -> impl Iterator<Item = &Session> {
        self.sample.slot_holders().filter(|session| session.user.is_some() && !is_tool(&session.application))
    }

    /// Roles of applications with the number of their sessions, the largest first.
    fn application_roles(&self) -> Vec<(&str, u32)> {
        let mut held: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
        for session in self.applications().filter(|session| !session.is_superuser) {
            *held.entry(session.user.as_deref().unwrap_or_default()).or_default() += 1;
        }
        let mut roles: Vec<_> = held.into_iter().collect();
        roles.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        roles
    }

    /// The role, or a database in which it has a session, has a value of its own for a setting.
    fn role_has(&self, role: &str, name: &str) -> bool {
        let is_in = |database: &str| {
            let mut sessions = self.sample.slot_holders();
            sessions.any(|it| it.user.as_deref() == Some(role) && it.database.as_deref() == Some(database))
        };
        self.setup.overrides.iter().any(|set| {
            set.name == name
                && set.value != "0"
                && set.role.as_deref().is_none_or(|owner| owner == role)
                && set.database.as_deref().is_none_or(is_in)
        })
    }

    /// A line for a setting, which knows whether the old value stands on the command line.
    fn set(&self, name: &'static str, value: impl Into<String>) -> Remedy {
        Remedy::Setting { name, value: value.into(), on_command_line: self.setup.is_on_command_line(name) }
    }

    /// Another role's states and ages are hidden from us.
    fn is_partial(&self) -> Option<Outcome> {
        self.sample.is_partial().then(|| {
            Outcome::Skipped(
                "states and ages of other roles' sessions are hidden: needs pg_monitor".to_owned(),
            )
        })
    }
}

/// Why a rule about a setting has no answer: too old, or hidden.
fn no_value(evidence: &Evidence, name: &str, since: u32) -> Outcome {
    if evidence.major() < since {
        return Outcome::Skipped(format!("{name} came with PostgreSQL {since}"));
    }
    Outcome::Skipped(format!("the server's own {name} is hidden: our role, database or session sets it"))
}

/// Names in a sentence: the first few, cleaned for a terminal.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN_MAX: usize = 5;
    let names: Vec<&str> = names.into_iter().collect();
    let mut text =
        names.iter().take(SHOWN_MAX).map(|name| crate::form::app(name)).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN_MAX {
        text.push_str(&format!(" and {} more", names.len() - SHOWN_MAX));
    }
    text
}
