//! What can go wrong between us and a server.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;
use tls::TlsError;
use wire::backend::Fields;

use super::Full;
use super::dial::DialError;
use crate::settings::TargetSession;

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

    /// What to do about a refused login.
    pub fn fix(&self) -> Option<&'static str> {
        Some(match self.sqlstate.as_str() {
            "28P01" => {
                "the password is wrong, or the role has none; a line of ~/.pgpass and $PGPASSWORD count as well"
            }
            "28000" if self.message.contains("pg_hba.conf") => {
                "the server's pg_hba.conf has no line that lets this role in from here: add one, and reload"
            }
            "28000" => "the server does not let this role in: check the role (-U) and pg_hba.conf",
            "3D000" => "the database does not exist: name one with --dbname, such as postgres",
            "57P03" => "the server is starting up, shutting down or recovering: try again in a moment",
            "55000" => "the database takes no connections: name another with --dbname, such as postgres",
            "42501" => "the role lacks the right: connwarden needs LOGIN and CONNECT on the database",
            _ => return None,
        })
    }

    /// The server hangs up after it.
    pub fn is_fatal(&self) -> bool {
        matches!(self.severity.as_str(), "FATAL" | "PANIC")
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
    /// The server said no for want of a slot, and no other way in was open.
    #[error("{place}: {}", full.error)]
    Full {
        /// The address as it was dialled.
        place: String,
        /// What was tried.
        full: Full,
    },
    /// What answers does not speak the protocol, or asks for what we don't speak.
    #[error("{place}: {why}")]
    Protocol {
        /// The address as it was dialled.
        place: String,
        /// What was unexpected.
        why: String,
    },
    /// No TLS, or none that is good enough.
    #[error("{place}: {error}")]
    Tls {
        /// The address as it was dialled.
        place: String,
        /// What is wrong.
        error: TlsError,
    },
    /// The server asks for a password.
    #[error("{place}: the server asks for the password of {user:?}, and none was found")]
    PasswordMissing {
        /// The address as it was dialled.
        place: String,
        /// The role.
        user: String,
        /// Where it was looked for.
        looked: Vec<String>,
    },
    /// The server wants to know us in another way than the settings allow, or does not prove itself.
    #[error("{place}: {why}")]
    Distrusted {
        /// The address as it was dialled.
        place: String,
        /// What is wrong.
        why: String,
        /// What to do.
        fix: &'static str,
    },
    /// A session of another kind than `target_session_attrs` wants.
    #[error("{place}: the server is not what target_session_attrs={wanted} asks for")]
    OtherSession {
        /// The address as it was dialled.
        place: String,
        /// What was wanted.
        wanted: TargetSession,
    },
    /// None of several hosts.
    #[error("{}", Listed(.0))]
    Several(Vec<ConnectError>),
}

struct Listed<'a>(&'a [ConnectError]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none of the hosts will do")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl ConnectError {
    pub(super) fn of_dial(place: &str, error: DialError) -> Self {
        let place = place.to_owned();
        match error {
            DialError::Io(error) => Self::Unreachable { place, why: error.to_string() },
            DialError::Tls(error) => Self::Tls { place, error },
            DialError::Strange(why) => Self::Protocol { place, why },
        }
    }

    pub(super) fn of_ask(place: &str, error: AskError) -> Self {
        let place = place.to_owned();
        match error {
            AskError::Server(error) => Self::Refused { place, error },
            AskError::Lost(why) => Self::Unreachable { place, why },
            AskError::TimedOut(after) => Self::TimedOut { place, after },
            AskError::Shape(why) => Self::Protocol { place, why },
        }
    }

    /// Another host may do better: whoever answers and knows us not would say so everywhere.
    pub(super) fn tries_next_host(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Protocol { .. }
            | Self::Tls { .. }
            | Self::OtherSession { .. } => true,
            Self::Refused { error, .. } => error.sqlstate == "57P03",
            Self::Full { .. } | Self::PasswordMissing { .. } | Self::Distrusted { .. } | Self::Several(_) => {
                false
            }
        }
    }

    /// With TLS where there was none, or without it, the server may say something else.
    pub(super) fn is_about_the_channel(&self) -> bool {
        match self {
            Self::Tls { .. } => true,
            Self::Refused { error, .. } => error.sqlstate == "28000",
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Full { .. }
            | Self::Protocol { .. }
            | Self::PasswordMissing { .. }
            | Self::Distrusted { .. }
            | Self::OtherSession { .. }
            | Self::Several(_) => false,
        }
    }

    /// What the server said, if it was the server that said no.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Refused { error, .. } => Some(error),
            Self::Full { full, .. } => Some(&full.error),
            Self::Several(errors) => errors.iter().find_map(Self::server),
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Protocol { .. }
            | Self::Tls { .. }
            | Self::PasswordMissing { .. }
            | Self::Distrusted { .. }
            | Self::OtherSession { .. } => None,
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Unreachable { why, .. } => Some(unreachable_fix(why).to_owned()),
            Self::TimedOut { .. } => Some(
                "a firewall may swallow the packets, or the server is overloaded: give it more time with --timeout 30s".into(),
            ),
            Self::Refused { error, .. } => error.fix().map(str::to_owned),
            Self::Full { full, .. } => Some(full_fix(full)),
            Self::Protocol { .. } => Some("make sure that host and port are PostgreSQL's".into()),
            Self::Tls { error, .. } => Some(error.fix().to_owned()),
            Self::PasswordMissing { looked, .. } => Some(format!(
                "looked in {}\nexport PGPASSWORD, write a line into ~/.pgpass (host:port:database:user:password, chmod 600), \
                 or let -W ask for it",
                looked.join(", ")
            )),
            Self::Distrusted { fix, .. } => Some((*fix).to_owned()),
            Self::OtherSession { .. } => Some("name another host, or leave target_session_attrs out".into()),
            Self::Several(errors) => errors.iter().find_map(Self::fix),
        }
    }
}

fn unreachable_fix(why: &str) -> &'static str {
    if why.contains("No such file") {
        "is the server running, and its socket in this directory? -h names another directory or a host"
    } else if why.contains("refused") {
        "is the server running there, and does it listen (listen_addresses, port)?"
    } else if why.contains("lookup") || why.contains("resolve") {
        "the name of the host is not known here: check it, or give an address"
    } else {
        "is the server running, and the way to it open?"
    }
}

fn full_fix(full: &Full) -> String {
    let kind = full.kind();
    let mut text = format!("{}\n{}", kind.meaning(), kind.next_step());
    if let Some(walsender) = &full.walsender {
        text.push_str(&format!("\na walsender's slot was tried: {walsender}"));
    }
    if full.waited > Duration::from_secs(1) {
        text.push_str(&format!("\nwaited {:.0} s for a slot", full.waited.as_secs_f64()));
    }
    text
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
