//! Who is connected: a row for each backend that somebody logged in to.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::connect::{Answer, AskError, Row};

/// Ages are computed by the server's clock. A role without `pg_read_all_stats` sees NULL in `backend_type` and in all
/// times of others; such rows are hidden, and told by their user and database.
pub(super) const SQL: &str = "\
SELECT a.pid, a.datname, a.usename, a.application_name, a.backend_type, a.state,
       coalesce(r.rolsuper, false) AS is_superuser, coalesce(r.rolreplication, false) AS is_replication,
       host(a.client_addr) AS client_addr, a.client_port, a.wait_event_type, a.wait_event,
       a.backend_start::text AS backend_start, a.state_change::text AS state_change,
       date_part('epoch', clock_timestamp() - a.backend_start) AS age_s,
       date_part('epoch', clock_timestamp() - a.state_change) AS state_age_s,
       date_part('epoch', clock_timestamp() - a.xact_start) AS xact_age_s,
       date_part('epoch', clock_timestamp() - a.query_start) AS query_age_s,
       a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL AS holds_snapshot,
       a.backend_type IS NULL AS is_hidden,
       left(a.query, 200) AS query
  FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
 WHERE a.backend_type IN ('client backend', 'walsender')
    OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL AND a.datid IS NOT NULL)";

/// Characters of a statement that a [`Session`] holds, as `SQL` says: one of this length may go on.
pub const QUERY_CHARS_MAX: usize = 200;

/// What a backend is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Runs a statement.
    Active,
    /// Waits for its client, outside of a transaction.
    Idle,
    /// Waits for its client, inside a transaction.
    IdleInTransaction,
    /// The same, after an error.
    IdleInTransactionAborted,
    /// Runs a fast-path function.
    Fastpath,
    /// Its login is not finished (seen since version 18).
    Starting,
    /// `track_activities` is off.
    Disabled,
    /// We may not see it.
    Hidden,
}

impl State {
    /// PostgreSQL's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::IdleInTransaction => "idle in transaction",
            Self::IdleInTransactionAborted => "idle in transaction (aborted)",
            Self::Fastpath => "fastpath function call",
            Self::Starting => "starting",
            Self::Disabled => "disabled",
            Self::Hidden => "hidden",
        }
    }

    /// Runs a statement or a function.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Active | Self::Fastpath)
    }

    /// In a transaction, waiting for its client.
    pub fn is_idle_in_transaction(self) -> bool {
        matches!(self, Self::IdleInTransaction | Self::IdleInTransactionAborted)
    }

    pub(super) fn read(text: Option<&str>) -> Self {
        match text {
            Some("active") => Self::Active,
            Some("idle") => Self::Idle,
            Some("idle in transaction") => Self::IdleInTransaction,
            Some("idle in transaction (aborted)") => Self::IdleInTransactionAborted,
            Some("fastpath function call") => Self::Fastpath,
            Some("starting") => Self::Starting,
            Some("disabled") => Self::Disabled,
            // A backend that has just been forked has no state yet.
            Some(_) | None => Self::Starting,
        }
    }
}

/// Where a session came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// Over TCP.
    Address(IpAddr, u16),
    /// Over the unix socket.
    Local,
    /// We may not see it.
    Hidden,
}

impl Client {
    /// The host alone: sessions of one host are one client.
    pub fn host(&self) -> String {
        match self {
            Self::Address(address, _) => address.to_string(),
            Self::Local => "local".to_owned(),
            Self::Hidden => "hidden".to_owned(),
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address), port) => write!(f, "[{address}]:{port}"),
            Self::Address(address, port) => write!(f, "{address}:{port}"),
            Self::Local | Self::Hidden => f.write_str(&self.host()),
        }
    }
}

/// One backend. Ages are seconds by the server's clock at the moment of the sample.
///
/// Texts come from clients and may hold anything: they go to a terminal only through [`crate::form::clean`].
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The backend's process id.
    pub pid: i32,
    /// `backend_start` to the microsecond, as the server writes it: with the pid, who this is.
    pub started: Option<String>,
    /// `state_change` to the microsecond: whether it has done anything since.
    pub changed: Option<String>,
    /// The database; `None` while it logs in.
    pub database: Option<String>,
    /// The role; `None` while it logs in.
    pub user: Option<String>,
    /// The role is a superuser.
    pub is_superuser: bool,
    /// The role has REPLICATION.
    pub is_replication: bool,
    /// `application_name`; empty where none was given.
    pub application: String,
    /// Where it came from.
    pub client: Client,
    /// A walsender: it has a slot of its own kind and does not count.
    pub is_walsender: bool,
    /// What it does.
    pub state: State,
    /// `wait_event_type` and `wait_event`.
    pub wait: Option<(String, String)>,
    /// Since its login.
    pub age_s: Option<f64>,
    /// In this state.
    pub state_age_s: Option<f64>,
    /// In this transaction.
    pub xact_age_s: Option<f64>,
    /// Since the start of its last statement.
    pub query_age_s: Option<f64>,
    /// Holds back vacuum.
    pub holds_snapshot: bool,
    /// The beginning of its last statement.
    pub query: Option<String>,
}

impl Session {
    /// Waits for a lock that somebody holds. A session that waits for its client does not wait.
    pub fn waits_for_lock(&self) -> bool {
        self.wait.as_ref().is_some_and(|(kind, _)| kind == "Lock")
    }

    /// How long it has been idle, if it is: outside of a transaction.
    pub fn idle_s(&self) -> Option<f64> {
        if self.state == State::Idle { self.state_age_s } else { None }
    }

    pub(super) fn read_all(answer: &Answer) -> Result<Vec<Self>, AskError> {
        answer.rows().map(|row| Self::read(&row)).collect()
    }

    fn read(row: &Row<'_>) -> Result<Self, AskError> {
        let hidden = row.flag("is_hidden")?;
        let client = match (row.maybe("client_addr")?, row.maybe::<i32>("client_port")?) {
            (Some(address), port) => {
                Client::Address(address, port.and_then(|p| u16::try_from(p).ok()).unwrap_or(0))
            }
            (None, _) if hidden => Client::Hidden,
            (None, _) => Client::Local,
        };
        let wait = row.owned("wait_event_type")?.zip(row.owned("wait_event")?);
        Ok(Self {
            pid: row.value("pid")?,
            started: row.owned("backend_start")?,
            changed: row.owned("state_change")?,
            database: row.owned("datname")?,
            user: row.owned("usename")?,
            is_superuser: row.flag("is_superuser")?,
            is_replication: row.flag("is_replication")?,
            application: row.owned("application_name")?.unwrap_or_default(),
            client,
            is_walsender: row.text("backend_type")? == Some("walsender"),
            state: if hidden { State::Hidden } else { State::read(row.text("state")?) },
            wait,
            age_s: row.maybe("age_s")?,
            state_age_s: row.maybe("state_age_s")?,
            xact_age_s: row.maybe("xact_age_s")?,
            query_age_s: row.maybe("query_age_s")?,
            holds_snapshot: row.flag("holds_snapshot")?,
            query: row.owned("query")?,
        })
    }
}
