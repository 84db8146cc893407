//! `config init`: a starter file, from nothing or from what a server has.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use postgres::config::Host;
use postgres::{Client, Config, NoTls};

use super::starter::{self, Facts};
use crate::cli::InitOptions;
use crate::exit::Exit;
use crate::say;

/// Longest wait for the server, where the DSN says nothing.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// `config init`.
pub(crate) fn init(options: &InitOptions) -> Exit {
    let to_stdout = options.output == Path::new("-");
    if !to_stdout && options.output.exists() && !options.force {
        say::err(&format!(
            "{}: error: the file is there already\n  = write over it with --force, or elsewhere with --output FILE",
            options.output.display()
        ));
        return Exit::Nothing;
    }
    let facts = match options.from.as_deref().map(ask).transpose() {
        Ok(facts) => facts.unwrap_or_default(),
        Err(failure) => return failure.say(),
    };
    let text = starter::text(&facts);
    if to_stdout {
        say::out(&text);
        return Exit::Done;
    }
    if let Err(error) = write(&options.output, &text, options.force) {
        say::err(&format!("{}: error: {error}", options.output.display()));
        return Exit::Nothing;
    }
    say::err(&next(&options.output, &facts));
    Exit::Done
}

/// Only its owner may read the file: a password may be written into it later.
fn write(path: &Path, text: &str, force: bool) -> std::io::Result<()> {
    let mut open = OpenOptions::new();
    open.write(true).mode(0o600);
    if force {
        open.create(true).truncate(true)
    } else {
        open.create_new(true)
    };
    open.open(path)?.write_all(text.as_bytes())
}

fn next(path: &Path, facts: &Facts) -> String {
    let variable = starter::variable(&facts.user);
    let option = if path == Path::new("connwarden.toml") {
        String::new()
    } else {
        format!(" --config {}", path.display())
    };
    format!(
        "{} written. Next:\n  export {variable}=...        the password of {}\n  connwarden config check{option}\n  connwarden proxy{option}",
        path.display(),
        facts.user
    )
}

/// Why the server could not be asked.
enum Failure {
    Dsn(String),
    Unreached(String),
}

impl Failure {
    fn say(self) -> Exit {
        match self {
            Failure::Dsn(why) => {
                say::err(&format!(
                    "--from: error: {why}\n  = write postgres://USER@HOST:PORT/DBNAME or \"host=... user=... dbname=...\""
                ));
                Exit::Usage
            }
            Failure::Unreached(why) => {
                say::err(&format!("--from: error: {why}"));
                Exit::Unreached
            }
        }
    }
}

fn ask(dsn: &str) -> Result<Facts, Failure> {
    let mut config: Config = dsn
        .parse()
        .map_err(|error: postgres::Error| Failure::Dsn(format!("this is not a DSN: {}", chain(&error))))?;
    let user =
        config.get_user().map(str::to_owned).ok_or_else(|| Failure::Dsn("the DSN names no user".into()))?;
    if config.get_password().is_none()
        && let Ok(password) = std::env::var("PGPASSWORD")
    {
        config.password(password);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIME);
    }
    config.application_name("connwarden config init");
    let host = config.get_hosts().first().map_or_else(
        || "127.0.0.1".to_owned(),
        |host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(dir) => dir.display().to_string(),
        },
    );
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let unreached = |error: postgres::Error| Failure::Unreached(format!("{host}:{port}: {}", why(&error)));
    let mut client = config.connect(NoTls).map_err(unreached)?;
    facts(&mut client, host.clone(), port, user).map_err(unreached)
}

/// The error, and what to do about the two that have nothing to do with the server.
fn why(error: &postgres::Error) -> String {
    let text = chain(error);
    if text.contains("password missing") {
        return format!("{text}\n  = export PGPASSWORD, or write the password into the DSN");
    }
    if text.contains("TLS") {
        return format!(
            "{text}\n  = TLS is not built yet: take sslmode out where the way to the server is safe"
        );
    }
    text
}

/// The error and its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(&format!(": {more}"));
        }
        cause = error.source();
    }
    text
}

const LIMITS: &str = "select coalesce(sum(setting::int) filter (where name = 'max_connections'), 0)::int4, \
    coalesce(sum(setting::int) filter (where name <> 'max_connections'), 0)::int4 from pg_catalog.pg_settings \
    where name in ('max_connections', 'superuser_reserved_connections', 'reserved_connections')";
const DATABASES: &str = "select datname::text from pg_catalog.pg_database where datallowconn and not datistemplate \
    order by datname = 'postgres', datname";
const ROLES: &str = "select rolname::text from pg_catalog.pg_roles where rolcanlogin and rolname <> $1 and not rolsuper order by 1 limit 50";

fn facts(client: &mut Client, host: String, port: u16, user: String) -> Result<Facts, postgres::Error> {
    let limits = client.query_one(LIMITS, &[])?;
    let databases = client.query(DATABASES, &[])?;
    let roles = client.query(ROLES, &[&user])?;
    let version: String = client.query_one("select current_setting('server_version')", &[])?.get(0);
    Ok(Facts {
        host,
        port,
        user,
        databases: databases.iter().map(|row| row.get(0)).collect(),
        roles: roles.iter().map(|row| row.get(0)).collect(),
        max_connections: u32::try_from(limits.get::<_, i32>(0)).ok(),
        reserved: u32::try_from(limits.get::<_, i32>(1)).unwrap_or(0),
        version: Some(version),
    })
}
