//! `connwarden.error/1`: why there is no report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::connect::{AskError, ConnectError};
use crate::settings::SettingsError;

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No slot was left.
    ServerFull,
    /// The server did not accept who we are.
    Auth,
    /// Too slow.
    Timeout,
    /// Not allowed.
    Permission,
    /// Our settings make no sense.
    Config,
    /// Nobody there, or not PostgreSQL.
    Network,
}

/// `connwarden.error/1`: why there is no report.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FailureReport {
    /// `connwarden.error/1`.
    pub schema: &'static str,
    /// What kind of failure.
    pub code: Failure,
    /// The server's code, if it was the server that said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// What happened.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl FailureReport {
    /// A failure of a kind, without a server's code.
    pub fn new(code: Failure, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { schema: "connwarden.error/1", code, sqlstate: None, message: message.into(), hint }
    }
}

impl From<&ConnectError> for FailureReport {
    fn from(error: &ConnectError) -> Self {
        let mut report = Self::new(kind(error), error.to_string(), error.fix());
        report.sqlstate = error.server().map(|server| server.sqlstate.clone());
        report
    }
}

fn kind(error: &ConnectError) -> Failure {
    match error {
        ConnectError::Full { .. } => Failure::ServerFull,
        ConnectError::TimedOut { .. } => Failure::Timeout,
        ConnectError::PasswordMissing { .. } | ConnectError::Distrusted { .. } => Failure::Auth,
        ConnectError::Refused { error, .. } if error.is_full() => Failure::ServerFull,
        ConnectError::Refused { error, .. } if error.sqlstate == "42501" => Failure::Permission,
        ConnectError::Refused { error, .. } if error.sqlstate == "57P03" => Failure::Network,
        ConnectError::Refused { .. } => Failure::Auth,
        ConnectError::Unreachable { .. }
        | ConnectError::Protocol { .. }
        | ConnectError::Tls { .. }
        | ConnectError::OtherSession { .. } => Failure::Network,
        ConnectError::Several(errors) => errors.first().map_or(Failure::Network, kind),
    }
}

impl From<&AskError> for FailureReport {
    fn from(error: &AskError) -> Self {
        let (code, sqlstate) = match error {
            AskError::Server(server) if server.sqlstate == "42501" => {
                (Failure::Permission, Some(server.sqlstate.clone()))
            }
            // Somebody's statement_timeout.
            AskError::Server(server) if server.sqlstate == "57014" => {
                (Failure::Timeout, Some(server.sqlstate.clone()))
            }
            AskError::Server(server) => (Failure::Network, Some(server.sqlstate.clone())),
            AskError::TimedOut(_) => (Failure::Timeout, None),
            AskError::Lost(_) | AskError::Shape(_) => (Failure::Network, None),
        };
        let mut report = Self::new(code, error.to_string(), None);
        report.sqlstate = sqlstate;
        report
    }
}

impl From<&SettingsError> for FailureReport {
    fn from(error: &SettingsError) -> Self {
        Self::new(Failure::Config, error.to_string(), Some(error.fix.clone()))
    }
}
