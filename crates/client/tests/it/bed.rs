//! What the tests share: a server with a role that may see, and a monitor that looks anew for each call.

use std::time::Duration;

use connwarden_client::{Builder, Health, Monitor, Status};
use testbed::{Address, Client, Login, Postgres, PostgresOptions, wait};
use tokio::runtime::Runtime;

pub(crate) fn server(options: PostgresOptions) -> Postgres {
    let postgres = Postgres::start(options.tcp()).unwrap();
    postgres
        .run("postgres", "create role watch login; grant pg_monitor to watch; create role app login")
        .unwrap();
    postgres.settled().unwrap();
    postgres
}

pub(crate) fn url(postgres: &Postgres, role: &str) -> String {
    let Some(Address::Tcp(address)) = postgres.tcp() else { panic!("the server listens on TCP") };
    format!("postgres://{role}@{address}/postgres?sslmode=disable")
}

/// Caches nothing, and waits for as long as a busy machine needs.
pub(crate) fn builder(postgres: &Postgres, role: &str) -> Builder {
    Monitor::builder()
        .dsn(url(postgres, role))
        .cache_for(Duration::ZERO)
        .timeout(wait::PATIENCE)
        .answer_within(wait::PATIENCE)
}

pub(crate) fn monitor(postgres: &Postgres, role: &str) -> Monitor {
    builder(postgres, role).build().unwrap()
}

/// Sessions of an application, or what the server says instead.
pub(crate) fn hold(postgres: &Postgres, role: &str, count: usize) -> testbed::Result<Vec<Client>> {
    let login = Login::new(role, "postgres").with("application_name", "holder");
    (0..count).map(|_| Client::login(&postgres.socket(), &login)).collect()
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Asks until the status is this one.
pub(crate) fn until(runtime: &Runtime, monitor: &Monitor, status: Status) -> Health {
    let what = format!("the status {}", status.word());
    wait::until(&what, wait::PATIENCE, || {
        let health = runtime.block_on(monitor.health());
        Ok((health.status == status).then_some(health))
    })
    .unwrap()
}

/// Logins of a role that the server has logged since it was last started (`log_connections` on).
pub(crate) fn logins(postgres: &Postgres, role: &str) -> usize {
    postgres.log().matches(&format!("connection authorized: user={role} ")).count()
}
