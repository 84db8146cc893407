//! Where a setting came from, and what is wrong with it. Never quotes what may be a secret.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line, as it is written.
    Flag(&'static str),
    /// A connection string: what it is called where it was given.
    Dsn(String),
    /// A service file.
    Service {
        /// The service.
        name: String,
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A variable.
    Variable(&'static str),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Dsn(name) => f.write_str(name),
            Self::Service { name, path, line } => write!(f, "{}:{line} (service {name})", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Default => f.write_str("connection settings"),
        }
    }
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{origin}: {problem}")]
pub struct SettingsError {
    /// Where it stands.
    pub origin: Origin,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub fix: String,
}

impl SettingsError {
    pub(super) fn new(origin: &Origin, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { origin: origin.clone(), problem: problem.into(), fix: fix.into() }
    }
}
