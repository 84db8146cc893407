//! `connwarden.error/1`: why there is no report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::connect::{AskError, ConnectError};

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
    /// A failure that no server spoke of.
    pub fn new(code: Failure, message: String, hint: Option<String>) -> Self {
        Self { schema: "connwarden.error/1", code, sqlstate: None, message, hint }
    }

    /// Nobody let us in.
    pub fn of_connect(error: &ConnectError) -> Self {
        let sqlstate = error.server().map(|server| server.sqlstate.clone());
        Self { sqlstate, ..Self::new(code(error), error.to_string(), error.fix()) }
    }

    /// We were in, and got no answer.
    pub fn of_ask(error: &AskError) -> Self {
        let (code, sqlstate) = match error {
            AskError::Server(server) if server.sqlstate == "42501" => {
                (Failure::Permission, Some(server.sqlstate.clone()))
            }
            AskError::Server(server) => (Failure::Network, Some(server.sqlstate.clone())),
            AskError::TimedOut(_) => (Failure::Timeout, None),
            AskError::Lost(_) | AskError::Shape(_) => (Failure::Network, None),
        };
        Self { sqlstate, ..Self::new(code, error.to_string(), None) }
    }
}

fn code(error: &ConnectError) -> Failure {
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
        ConnectError::Several(errors) => errors.first().map_or(Failure::Network, code),
    }
}
