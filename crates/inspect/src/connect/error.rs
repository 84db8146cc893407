//! What can go wrong between us and a server.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;
use wire::backend::Fields;

/// An ERROR or a FATAL, in the server's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServerError {
    /// ERROR, FATAL or PANIC.
    pub severity: String,
    /// The five characters.
    pub sqlstate: String,
    /// What it says.
    pub message: String,
    /// What it adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What it advises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The function of the server that raised it: tells refusals of one SQLSTATE apart.
    #[serde(skip)]
    pub routine: Option<String>,
}

impl ServerError {
    /// Reads the body of an ErrorResponse. A missing field is empty.
    pub(crate) fn read(body: &[u8]) -> Self {
        let fields = Fields::parse(body);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            severity: fields.severity().map(text).unwrap_or_default(),
            sqlstate: fields.code().map(|code| code.to_string()).unwrap_or_default(),
            message: fields.message().map(text).unwrap_or_default(),
            detail: fields.detail().map(text),
            hint: fields.hint().map(text),
            routine: fields.routine().map(text),
        }
    }

    /// 53300: no slot was left for us, whatever the reason.
    pub fn is_full(&self) -> bool {
        self.sqlstate == "53300"
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (SQLSTATE {})", self.severity, self.message, self.sqlstate)?;
        if let Some(detail) = &self.detail {
            write!(f, "; {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ServerError {}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Nobody answers there.
    #[error("{place}: {why}")]
    Unreachable {
        /// The address as it was dialled.
        place: String,
        /// The system's words.
        why: String,
    },
    /// It took too long.
    #[error("{place}: no login within {after:?}")]
    TimedOut {
        /// The address as it was dialled.
        place: String,
        /// The limit.
        after: Duration,
    },
    /// The server said no.
    #[error("{place}: {error}")]
    Refused {
        /// The address as it was dialled.
        place: String,
        /// Its words.
        error: ServerError,
    },
    /// What answers does not speak the protocol, or asks for what we don't speak.
    #[error("{place}: {why}")]
    Protocol {
        /// The address as it was dialled.
        place: String,
        /// What was unexpected.
        why: String,
    },
}

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// The server said no; the connection lives unless `severity` is FATAL.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The connection is gone.
    #[error("connection lost: {0}")]
    Lost(String),
    /// It took too long; the connection is of no use any more.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// An answer of another shape than the question's: something that is not PostgreSQL answers.
    #[error("unexpected answer: {0}")]
    Shape(String),
}
