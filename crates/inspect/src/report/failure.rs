//! What kind of failure an error is: one reading for the program and for services.

use super::{Failure, FailureReport};
use crate::connect::{AskError, ConnectError};
use crate::settings::SettingsError;

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
            AskError::Server(server) => (Failure::Network, Some(server.sqlstate.clone())),
            AskError::TimedOut(_) => (Failure::Timeout, None),
            AskError::Lost(_) | AskError::Shape(_) => (Failure::Network, None),
        };
        let hint = match error {
            AskError::TimedOut(_) => Some("give it more time with --timeout 30s".to_owned()),
            AskError::Server(_) | AskError::Lost(_) | AskError::Shape(_) => None,
        };
        let mut report = Self::new(code, error.to_string(), hint);
        report.sqlstate = sqlstate;
        report
    }
}

impl From<&SettingsError> for FailureReport {
    fn from(error: &SettingsError) -> Self {
        Self::new(Failure::Config, error.to_string(), Some(error.fix.clone()))
    }
}
