//! The plan file, `connwarden-plan.toml`: what no deployment shows, and what it shows wrongly.
//!
//! It lives in the applications' repository. What it says of a service wins over what was found; a service it names
//! that no file shows is one of its own.

use std::sync::Arc;

use crate::deployed::Share;
use crate::{Finding, Level, Number, Place, Rule, Text};

mod raw;

/// What is wrong in a plan file.
pub const PLAN: Rule = Rule {
    id: "PLAN001",
    level: Level::Error,
    summary: "The plan file says something that cannot be meant.",
};

/// The name of the file that is looked for in the working directory.
pub const FILE: &str = "connwarden-plan.toml";

/// What the plan file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The files that deploy, as meant from the plan file's folder.
    pub files: Vec<Text>,
    /// Of the server.
    pub server: Server,
    /// Shares of the usable slots, in percent, above which a sum is a warning and is critical.
    pub thresholds: Thresholds,
    /// Whether one rollout replaces everything at once.
    pub together: Together,
    /// Of services, in the order of the file.
    pub services: Vec<Service>,
    /// Connections of nobody's deployment: administrators, monitoring.
    pub others: Vec<Other>,
}

impl Default for Declared {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            server: Server::default(),
            thresholds: Thresholds { warn: 70, crit: 85 },
            together: Together::All,
            services: Vec::new(),
            others: Vec::new(),
        }
    }
}

/// Percent of the usable slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// More than this is a warning.
    pub warn: u32,
    /// More than this is critical. Never below `warn`.
    pub crit: u32,
}

/// Whether one rollout replaces everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// All services are replaced at the same time: one `helm upgrade`, one pipeline.
    All,
    /// One service at a time, at worst the one that needs most.
    One,
}

/// What the plan file says of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// `max_connections`.
    pub connections_max: Option<Number>,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: Option<Number>,
    /// `reserved_connections`.
    pub reserved: Option<Number>,
    /// The host that services name in their settings, where they name several.
    pub host: Option<Text>,
}

/// What the plan file says of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, as found or as it will be shown.
    pub name: Text,
    /// It opens nothing here, whatever was found.
    pub ignored: bool,
    /// On a usual day.
    pub replicas: Option<Number>,
    /// At most.
    pub replicas_max: Option<Number>,
    /// Processes of one replica.
    pub processes: Option<Number>,
    /// The most connections of one process.
    pub pool: Option<Number>,
    /// Those it keeps.
    pub pool_min: Option<Number>,
    /// Connections of one process beside its pool.
    pub listeners: Option<Number>,
    /// How it is replaced.
    pub rollout: Option<Rollout>,
    /// How many there may be beyond the wanted number during a rollout.
    pub surge: Option<Share>,
    /// How many may be missing during a rollout.
    pub unavailable: Option<Share>,
    /// Whether those told to end keep their connections for a while.
    pub terminating: Option<bool>,
    /// The pooler it goes through; an empty name: none, whatever was found.
    pub via: Option<Text>,
    /// The names it gives to the server, as patterns.
    pub applications: Vec<String>,
}

impl Service {
    /// A service of which nothing is said.
    pub(crate) const fn of(name: Text) -> Self {
        Self {
            name,
            ignored: false,
            replicas: None,
            replicas_max: None,
            processes: None,
            pool: None,
            pool_min: None,
            listeners: None,
            rollout: None,
            surge: None,
            unavailable: None,
            terminating: None,
            via: None,
            applications: Vec::new(),
        }
    }
}

/// How a service is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// The old ones end first.
    Recreate,
    /// A few at a time.
    Rolling,
    /// All new ones beside all old ones.
    BlueGreen,
}

/// Connections that no deployment opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// What it is shown as: `admin`.
    pub name: Text,
    /// How many.
    pub connections: Number,
    /// The names it gives to the server, as patterns.
    pub applications: Vec<String>,
}

/// Reads a plan file's text.
///
/// # Errors
/// Every mistake in it, each at its place.
pub fn read(file: &Arc<str>, text: &str) -> Result<Declared, Vec<Finding>> {
    let mut reader = raw::Reader::new(file, text);
    let declared = reader.file();
    let mut mistakes = reader.mistakes;
    mistakes.sort_by(|a, b| a.place.cmp(&b.place));
    if mistakes.is_empty() { Ok(declared) } else { Err(mistakes) }
}

/// A mistake at a place.
fn mistake(place: &Place, message: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding::at(&PLAN, place, message, fix.into())
}

#[cfg(test)]
mod tests;
