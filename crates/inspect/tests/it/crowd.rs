//! Sessions of all kinds on a server of their own, each with the end that we hold.

use std::collections::BTreeSet;

use connwarden_inspect::catalog::{Sample, Wants};
use connwarden_inspect::connect::{self, Connection};
use connwarden_inspect::filter::Span;
use testbed::client::batch::Batch;
use testbed::wait::{self, PATIENCE};
use testbed::{Client, Error, Login, Postgres, PostgresOptions};

use crate::bed::Home;

/// A server without anybody who comes and goes by himself.
pub(crate) fn server(slots: u32) -> Postgres {
    let postgres =
        Postgres::start(PostgresOptions::default().max_connections(slots).set("autovacuum", "off")).unwrap();
    let sql = "create role app login; create role boss login superuser; create role repl login replication; \
               create role rdsadmin login; create role ops login; grant pg_monitor, pg_signal_backend to ops; \
               create database wall";
    for statement in sql.split(';') {
        postgres.run("postgres", statement).unwrap();
    }
    postgres
}

/// Our own connection.
pub(crate) async fn connect(postgres: &Postgres, user: &str) -> Connection {
    let (host, port) = (postgres.host().display(), postgres.port());
    let mut settings =
        Home::new().settings(&format!("host={host} port={port} user={user} dbname=wall connect_timeout=20"));
    settings.application = Some("connwarden test".to_owned());
    connect::open(&settings, "").await.unwrap()
}

pub(crate) async fn look(connection: &mut Connection) -> Sample {
    Sample::take(connection, Wants::default()).await.unwrap()
}

/// A session, and what shows that it lives.
pub(crate) struct Guest {
    pub(crate) client: Client,
    pub(crate) pid: i32,
    pub(crate) started: String,
}

impl Guest {
    /// Logs in, and runs statements one by one; the last may fail.
    pub(crate) fn enter(postgres: &Postgres, user: &str, application: &str, statements: &[&str]) -> Self {
        let login = Login::new(user, "wall").with("application_name", application);
        Self::enter_as(postgres, &login, statements)
    }

    pub(crate) fn enter_as(postgres: &Postgres, login: &Login, statements: &[&str]) -> Self {
        let mut client = Client::login(&postgres.socket(), login).unwrap();
        let sql = "select backend_start from pg_stat_activity where pid = pg_backend_pid()";
        let started = client.value(sql).unwrap();
        for statement in statements {
            match client.query(statement) {
                Ok(_) | Err(Error::Server { .. }) => {}
                Err(error) => panic!("{statement}: {error}"),
            }
        }
        let pid = client.key().unwrap().pid as i32;
        Self { client, pid, started }
    }

    /// Sends a statement and does not wait for its end.
    pub(crate) fn begins(&mut self, sql: &str) {
        self.client.send(&Batch::new().query(sql)).unwrap();
    }

    /// Answers on its own connection.
    pub(crate) fn lives(&mut self) -> bool {
        match self.client.query("select 1") {
            Ok(_) => true,
            Err(Error::Server { code, .. }) => code != "57P01",
            Err(_) => false,
        }
    }

    /// The server said goodbye to it in the words for that, and closed.
    pub(crate) fn was_closed(&mut self) -> bool {
        let mut told = false;
        loop {
            match self.client.read("the end") {
                Ok(message) => told |= message.tag == b'E' && message.field('C') == "57P01",
                Err(Error::Closed { .. }) => return told,
                Err(_) => return false,
            }
        }
    }

    /// Its statement was cancelled, and nothing worse.
    pub(crate) fn was_cancelled(&mut self) -> bool {
        matches!(self.client.rows(), Err(Error::Server { code, .. }) if code == "57014")
    }
}

/// Waits until the server says so of a number of sessions.
pub(crate) fn until(postgres: &Postgres, condition: &str, number: usize) {
    let sql = format!(
        "select count(*) from pg_stat_activity where backend_type = 'client backend' and {condition}"
    );
    let mut admin = postgres.admin("postgres").unwrap();
    wait::until(condition, PATIENCE, || Ok((admin.value(&sql)? == number.to_string()).then_some(())))
        .unwrap();
}

/// Waits until these have been in their state for so long, by the server's clock.
pub(crate) fn until_aged(postgres: &Postgres, guests: &BTreeSet<i32>, age: &str) {
    let pids: Vec<String> = guests.iter().map(i32::to_string).collect();
    let condition = format!("clock_timestamp() - state_change > '{age}' and pid in ({})", pids.join(", "));
    until(postgres, &condition, guests.len());
}

/// Who is there, by process id and start.
pub(crate) fn present(postgres: &Postgres) -> BTreeSet<(i32, String)> {
    let rows = postgres.run("postgres", "select pid, backend_start from pg_stat_activity").unwrap();
    let read = |row: Vec<Option<String>>| {
        let mut cells = row.into_iter();
        Some((cells.next()??.parse().ok()?, cells.next().flatten().unwrap_or_default()))
    };
    rows.into_iter().filter_map(read).collect()
}

/// An age between these: the younger ones are too young, the older ones are not.
pub(crate) fn between(sample: &Sample, young: &BTreeSet<i32>, old: &BTreeSet<i32>) -> Span {
    let ages = |pids: &BTreeSet<i32>| -> Vec<f64> {
        let found = sample.sessions.iter().filter(|session| pids.contains(&session.pid));
        found.filter_map(|session| session.state_age_s).collect()
    };
    let oldest = ages(young).into_iter().fold(0.0, f64::max);
    let youngest = ages(old).into_iter().fold(f64::MAX, f64::min);
    assert!(oldest < youngest, "the young ({oldest}) are younger than the old ({youngest})");
    format!("{}ms", ((oldest + youngest) / 2.0 * 1_000.0) as u64).parse().unwrap()
}
