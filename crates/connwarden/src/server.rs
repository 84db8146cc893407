//! What the commands share that log in to a server: which one, and how failures are told.

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use inspect::connect::{self, ConnectError, Connection, Machine, PoolerView};
use inspect::report::PoolerReport;
use inspect::settings::{Dsn, Origin, Request, Settings};
use model::config::checked::SecretText;
use model::config::value::{Given, Typed};
use wire::auth::secret::Password;

use crate::{config, say};

mod failed;
mod prompt;

pub(crate) use failed::Failed;

/// Which server, as libpq's programs understand it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ServerOptions {
    /// URL or "host=... user=..."; without, PG* variables, then $DATABASE_URL
    #[arg(short, long, value_name = "DSN", value_parser = secret)]
    dsn: Option<SecretText>,
    /// A [target.NAME] of connwarden.toml
    #[arg(long, value_name = "NAME", conflicts_with = "dsn")]
    target: Option<String>,
    /// Host name, address, or directory of the unix socket; several with commas
    #[arg(short = 'h', long, value_name = "HOST")]
    host: Option<String>,
    /// Port; one for each host, or one for all
    #[arg(short, long, value_name = "PORT")]
    port: Option<String>,
    /// Role
    #[arg(short = 'U', long = "username", value_name = "ROLE")]
    user: Option<String>,
    /// Database
    #[arg(long, value_name = "NAME")]
    dbname: Option<String>,
    /// Section of pg_service.conf
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Ask for the password on the terminal
    #[arg(short = 'W', long)]
    password: bool,
    /// How long a login, and later an answer, may take [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Where the server is full: how long to wait for a slot
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait_slot: Option<Duration>,
    /// Print help
    #[arg(short = '?', long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// Takes an argument that may hold a password.
pub(crate) fn secret(text: &str) -> Result<SecretText, std::convert::Infallible> {
    Ok(SecretText::new(text.to_owned()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = <Duration as Typed>::read(&Given::Word(text.to_owned()));
    match read {
        Ok(time) if time.is_zero() => Err("no time at all: write a duration like 5s".into()),
        Ok(time) => Ok(time),
        Err(refused) => {
            Err(refused.fix.map_or(refused.problem.clone(), |fix| format!("{}: {fix}", refused.problem)))
        }
    }
}

impl ServerOptions {
    /// All that decides where a login goes.
    pub(crate) fn settings(&self) -> Result<Settings, Failed> {
        let flags = [
            ("host", &self.host, "--host"),
            ("port", &self.port, "--port"),
            ("user", &self.user, "--username"),
            ("dbname", &self.dbname, "--dbname"),
            ("service", &self.service, "--service"),
        ];
        let flags =
            flags.into_iter().filter_map(|(keyword, value, flag)| Some((keyword, value.clone()?, flag)));
        let dsn = |text: &SecretText, name: String| Dsn { text: Password::new(text.expose()), name };
        let target = self.target.as_deref().map(config::target).transpose()?;
        let named = target
            .as_ref()
            .and_then(|target| Some(dsn(target.dsn.as_ref()?, format!("[target.{}] dsn", target.name))));
        let request = Request {
            flags: flags.collect(),
            dsn: named.or_else(|| self.dsn.as_ref().map(|text| dsn(text, "--dsn".into()))),
            timeout: self.timeout,
            wait_slot: self.wait_slot,
        };
        Ok(Settings::resolve(&request, &Machine)?)
    }

    /// The name of the target, if it is one that wants to be confirmed before anything is changed.
    pub(crate) fn protected(&self) -> Result<Option<String>, Failed> {
        let target = self.target.as_deref().map(config::target).transpose()?;
        Ok(target.filter(|target| target.protected).map(|target| target.name.to_string()))
    }

    /// Logs in. `application` is what `pg_stat_activity` shall call us.
    pub(crate) async fn connect(&self, application: &str) -> Result<Connection, Failed> {
        let mut settings = self.settings()?;
        for warning in &settings.warnings {
            say::err(&format!("warning: {warning}"));
        }
        if self.dsn.is_some() && matches!(&settings.password_from, Some(Origin::Dsn(_))) {
            say::err(
                "warning: everybody on this machine can read the password in the command line\n  \
                 = use ~/.pgpass, PGPASSWORD, [target.NAME] or -W",
            );
        }
        if self.password {
            settings.password = Some(prompt::password(&settings.user)?);
        }
        let mut connection = connect::open(&settings, application).await;
        if let Err(ConnectError::PasswordMissing { .. }) = &connection
            && std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
        {
            settings.password = Some(prompt::password(&settings.user)?);
            connection = connect::open(&settings, application).await;
        }
        let connection = connection?;
        if let Some(sentence) = connection.way().sentence() {
            say::err(&format!("note: {}", inspect::form::clean(&sentence)));
        }
        Ok(connection)
    }
}

impl ServerOptions {
    /// Tells that a pooler stands in between, and asks its console.
    pub(crate) async fn pooler(&self) -> PoolerReport {
        let view = match self.settings() {
            Ok(settings) => PoolerView::ask(&settings).await.ok(),
            Err(_) => None,
        };
        let about =
            view.as_ref().map_or_else(|| "its console does not let us in".to_owned(), PoolerView::summary);
        let text = format!("note: a pooler stands between us and the server ({about})");
        say::err(&inspect::form::clean(&text));
        PoolerReport::of(view.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(options: &ServerOptions) -> Settings {
        options.settings().expect("they make sense")
    }

    #[test]
    fn a_flag_wins_over_the_dsn() {
        let options = ServerOptions {
            port: Some("7000".into()),
            timeout: Some(Duration::from_secs(1)),
            dsn: Some(SecretText::new("postgres://app:geheim@db.internal:6000/shop".into())),
            ..ServerOptions::default()
        };
        let found = settings(&options);
        assert_eq!(found.hosts[0].endpoint.to_string(), "db.internal:7000");
        assert_eq!((found.user.as_str(), found.timeout), ("app", Duration::from_secs(1)));
        assert!(!format!("{options:?} {found:?}").contains("geheim"));
    }

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["5", "0s", "soon", ""] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
