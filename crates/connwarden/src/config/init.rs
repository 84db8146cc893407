//! `config init`: a starter file, from nothing or from what a server has.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use inspect::connect::{self, Answer, AskError, Endpoint, Machine};
use inspect::report::Failure;
use inspect::settings::{self, Dsn, Request, Settings};
use model::config::checked::SecretText;

use super::starter::{self, Facts};
use crate::cli::InitOptions;
use crate::exit::Exit;
use crate::say;
use crate::server::Failed;

/// `config init`.
pub(crate) async fn init(options: &InitOptions) -> Exit {
    let to_stdout = options.output == Path::new("-");
    if !to_stdout && options.output.exists() && !options.force {
        say::err(&format!(
            "{}: error: the file is there already\n  = write over it with --force, or elsewhere with --output FILE",
            options.output.display()
        ));
        return Exit::Nothing;
    }
    let facts = match &options.from {
        None => Facts::default(),
        Some(dsn) => match ask(dsn).await {
            Ok(facts) => facts,
            Err(failed) => return failed.tell(),
        },
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

async fn ask(dsn: &SecretText) -> Result<Facts, Failed> {
    if !settings::is_dsn(dsn.expose()) {
        let hint = "write postgres://USER@HOST:PORT/DBNAME or \"host=... user=... dbname=...\"";
        let message = "--from: this is not a DSN".to_owned();
        return Err(Failed::new(Failure::Config, Exit::Usage, message, Some(hint.to_owned())));
    }
    let dsn = Dsn::new(dsn.expose(), "--from");
    let request = Request { dsn: Some(dsn), ..Request::default() };
    let settings = Settings::resolve(&request, &Machine)?;
    for warning in &settings.warnings {
        say::err(&format!("warning: {warning}"));
    }
    let mut connection = connect::open(&settings, "connwarden config init").await?;
    let sql = [LIMITS, DATABASES, ROLES].join(";");
    let answers = connection.ask(&sql).await?;
    let version = connection.parameter("server_version").map(str::to_owned);
    let (host, port) = reached(&settings, connection.place());
    connection.close().await;
    Ok(facts(&answers, settings.user, host, port, version)?)
}

/// Host and port of the place that let us in.
fn reached(settings: &Settings, place: &str) -> (String, u16) {
    let found = settings.hosts.iter().find(|host| host.endpoint.to_string() == place);
    match found.map(|host| &host.endpoint) {
        Some(Endpoint::Tcp(host, port)) => (host.clone(), *port),
        Some(Endpoint::Unix(path)) => {
            let dir = path.parent().unwrap_or(path).display().to_string();
            let port = path.extension().and_then(|port| port.to_str()?.parse().ok());
            (dir, port.unwrap_or(5432))
        }
        None => (place.to_owned(), 5432),
    }
}

const LIMITS: &str = "select coalesce(sum(setting::int) filter (where name = 'max_connections'), 0) as slots, \
    coalesce(sum(setting::int) filter (where name <> 'max_connections'), 0) as reserved from pg_catalog.pg_settings \
    where name in ('max_connections', 'superuser_reserved_connections', 'reserved_connections')";
const DATABASES: &str = "select datname as name from pg_catalog.pg_database where datallowconn and not datistemplate \
    order by datname = 'postgres', datname";
const ROLES: &str = "select rolname as name from pg_catalog.pg_roles where rolcanlogin and rolname <> session_user \
    and not rolsuper order by 1 limit 50";

fn facts(
    answers: &[Answer],
    user: String,
    host: String,
    port: u16,
    version: Option<String>,
) -> Result<Facts, AskError> {
    let [limits, databases, roles] = answers else {
        return Err(AskError::Shape("fewer answers than questions".into()));
    };
    let names =
        |answer: &Answer| answer.rows().map(|row| row.value("name")).collect::<Result<Vec<String>, _>>();
    let limits = limits.only()?;
    Ok(Facts {
        host,
        port,
        user,
        databases: names(databases)?,
        roles: names(roles)?,
        max_connections: limits.maybe("slots")?,
        reserved: limits.value("reserved")?,
        version,
    })
}
