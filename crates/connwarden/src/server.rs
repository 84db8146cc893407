//! What the commands share that log in to a server: which one, and how failures are told.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use inspect::connect::{self, CancelKey, ConnectError, Connection, Machine, PoolerView};
use inspect::report::PoolerReport;
use inspect::settings::{Dsn, Origin, Request, Settings};
use model::config::checked::{SecretText, Target};

use crate::{config, say, value};

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
    /// The configuration file, for targets and thresholds
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
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
    #[arg(long, value_name = "TIME", value_parser = patience)]
    timeout: Option<Duration>,
    /// Where the server is full: how long to wait for a slot
    #[arg(long, value_name = "TIME", value_parser = patience)]
    wait_slot: Option<Duration>,
    /// Print help
    #[arg(short = '?', long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// Takes an argument that may hold a password.
pub(crate) fn secret(text: &str) -> Result<SecretText, std::convert::Infallible> {
    Ok(SecretText::new(text.to_owned()))
}

fn patience(text: &str) -> Result<Duration, String> {
    match value::duration(text)? {
        Duration::ZERO => Err("no time at all: write a duration like 5s".into()),
        time => Ok(time),
    }
}

impl ServerOptions {
    /// The configuration file that was named.
    pub(crate) fn config(&self) -> Option<PathBuf> {
        self.config.clone()
    }

    /// Settles everything that a login needs, once.
    pub(crate) fn entrance(&self) -> Result<Entrance, Failed> {
        let target = self.target.as_deref().map(|name| config::target(name, self.config())).transpose()?;
        let settings = self.settings(target.as_ref())?;
        for warning in &settings.warnings {
            say::err(&format!("warning: {warning}"));
        }
        if self.dsn.is_some() && matches!(&settings.password_from, Some(Origin::Dsn(_))) {
            say::err(
                "warning: everybody on this machine can read the password in the command line\n  \
                 = use ~/.pgpass, PGPASSWORD, [target.NAME] or -W",
            );
        }
        let protected = target.filter(|target| target.protected).map(|target| target.name.to_string());
        Ok(Entrance { settings, protected, asks_first: self.password, is_used: false })
    }

    /// Logs in. `application` is what `pg_stat_activity` shall call us.
    pub(crate) async fn connect(&self, application: &str) -> Result<Connection, Failed> {
        self.entrance()?.connect(application).await
    }

    fn settings(&self, target: Option<&Target>) -> Result<Settings, Failed> {
        let flags = [
            ("host", &self.host, "--host"),
            ("port", &self.port, "--port"),
            ("user", &self.user, "--username"),
            ("dbname", &self.dbname, "--dbname"),
            ("service", &self.service, "--service"),
        ];
        let flags =
            flags.into_iter().filter_map(|(keyword, value, flag)| Some((keyword, value.clone()?, flag)));
        let dsn = |text: &SecretText, name: String| Dsn::new(text.expose(), name);
        let named = target
            .and_then(|target| Some(dsn(target.dsn.as_ref()?, format!("[target.{}] dsn", target.name))));
        let request = Request {
            flags: flags.collect(),
            dsn: named.or_else(|| self.dsn.as_ref().map(|text| dsn(text, "--dsn".into()))),
            timeout: self.timeout,
            wait_slot: self.wait_slot,
        };
        Ok(Settings::resolve(&request, &Machine)?)
    }
}

/// The way to one server. Whoever looks at it for long comes in again by the same way, without another question or word.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    settings: Settings,
    /// The name of the target, if it is one that wants to be confirmed before anything is changed.
    pub(crate) protected: Option<String>,
    /// The password is asked for before the server does.
    asks_first: bool,
    /// Somebody got in already: what was to be asked was asked, and what was to be told was told.
    is_used: bool,
}

impl Entrance {
    /// Logs in. The first time somebody may be asked for a password, and is told how it got in.
    pub(crate) async fn connect(&mut self, application: &str) -> Result<Connection, Failed> {
        if self.is_used {
            return Ok(connect::open(&self.settings, application).await?);
        }
        if std::mem::take(&mut self.asks_first) {
            self.ask_for_password()?;
        }
        let mut connection = connect::open(&self.settings, application).await;
        if let Err(ConnectError::PasswordMissing { .. }) = &connection
            && std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
        {
            self.ask_for_password()?;
            connection = connect::open(&self.settings, application).await;
        }
        let connection = connection?;
        self.is_used = true;
        if let Some(sentence) = connection.way().sentence() {
            say::err(&format!("note: {}", inspect::form::clean(&sentence)));
        }
        Ok(connection)
    }

    /// How long an answer may take.
    pub(crate) fn patience(&self) -> Duration {
        self.settings.timeout
    }

    /// Has what a connection is at cancelled, as well as that goes.
    pub(crate) async fn cancel(&self, key: &CancelKey) {
        // The server may be gone; then there is nothing to cancel.
        let _ = connect::cancel(&self.settings, key).await;
    }

    fn ask_for_password(&mut self) -> Result<(), Failed> {
        self.settings.password = Some(prompt::password(&self.settings.user)?);
        Ok(())
    }

    /// Tells that a pooler stands in between, and asks its console.
    pub(crate) async fn pooler(&self) -> PoolerReport {
        let view = PoolerView::ask(&self.settings).await.ok();
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
        options.settings(None).expect("they make sense")
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
        assert_eq!(patience("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["5", "0s", "soon", ""] {
            assert!(patience(wrong).is_err(), "{wrong}");
        }
    }
}
