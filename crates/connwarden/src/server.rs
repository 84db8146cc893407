//! What the commands share that log in to a server: which one, in what form the answer is wanted, how failures are told.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use inspect::connect::{ConnectError, Connection, Endpoint, Identity};
use inspect::report::{Failure, FailureReport};

use crate::exit::Exit;
use crate::output::{Form, OutputOptions};
use crate::say;

/// Which server, as libpq's programs understand it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ServerOptions {
    /// Host name, address, or directory of the unix socket
    #[arg(short = 'h', long, value_name = "HOST")]
    host: Option<String>,
    /// Port
    #[arg(short, long, value_name = "PORT")]
    port: Option<u16>,
    /// Role
    #[arg(short = 'U', long = "username", value_name = "ROLE")]
    user: Option<String>,
    /// Database
    #[arg(long, value_name = "NAME")]
    dbname: Option<String>,
    /// Print help
    #[arg(short = '?', long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// Why a command has no answer.
#[derive(Debug)]
pub(crate) struct Failed {
    /// What is told.
    pub(crate) report: FailureReport,
    /// What is left behind.
    pub(crate) exit: Exit,
}

impl Failed {
    /// Tells it: JSON where JSON was asked for, words on standard error elsewhere.
    pub(crate) fn say(self, output: &OutputOptions) -> Exit {
        if output.form() == Form::Json {
            say::json(&self.report);
        }
        let mut text = format!("error: {}", self.report.message);
        if let Some(hint) = &self.report.hint {
            text.push_str(&format!("\n  = {hint}"));
        }
        say::err(&text);
        self.exit
    }
}

impl From<ConnectError> for Failed {
    fn from(error: ConnectError) -> Self {
        let code = match &error {
            ConnectError::Unreachable { .. } | ConnectError::Protocol { .. } => Failure::Network,
            ConnectError::TimedOut { .. } => Failure::Timeout,
            ConnectError::Refused { error, .. } if error.is_full() => Failure::ServerFull,
            ConnectError::Refused { .. } => Failure::Auth,
        };
        let sqlstate = match &error {
            ConnectError::Refused { error, .. } => Some(error.sqlstate.clone()),
            _ => None,
        };
        let report = FailureReport {
            schema: "connwarden.error/1",
            code,
            sqlstate,
            message: error.to_string(),
            hint: None,
        };
        Self { report, exit: Exit::Unreached }
    }
}

impl From<inspect::connect::AskError> for Failed {
    fn from(error: inspect::connect::AskError) -> Self {
        let report = FailureReport {
            schema: "connwarden.error/1",
            code: Failure::Network,
            sqlstate: None,
            message: error.to_string(),
            hint: None,
        };
        Self { report, exit: Exit::Unreached }
    }
}

impl ServerOptions {
    /// Logs in. `application` is what `pg_stat_activity` shall call us.
    pub(crate) async fn connect(&self, application: &str) -> Result<Connection, Failed> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let host = self.host.clone().or_else(|| variable("PGHOST")).unwrap_or_else(|| "/tmp".into());
        let port = self.port.or_else(|| variable("PGPORT")?.parse().ok()).unwrap_or(5432);
        let user = self.user.clone().or_else(|| variable("PGUSER")).unwrap_or_else(|| "postgres".into());
        let dbname = self.dbname.clone().or_else(|| variable("PGDATABASE")).unwrap_or_else(|| user.clone());
        let endpoint = if host.starts_with('/') {
            Endpoint::Unix(PathBuf::from(host).join(format!(".s.PGSQL.{port}")))
        } else {
            Endpoint::Tcp(host, port)
        };
        let identity = Identity { user, dbname, application: application.to_owned() };
        Ok(Connection::login(&endpoint, &identity, Duration::from_secs(5)).await?)
    }
}
