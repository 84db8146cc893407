//! A server, a proxy, and the machine to oneself.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use testbed::proxy::Wanted;
use testbed::{Address, Client, Login, Postgres, PostgresOptions, Proxy, programs};

pub(crate) const USER: &str = "app";
pub(crate) const DATABASE: &str = "bench";

static ALONE: Mutex<()> = Mutex::new(());

pub(crate) fn is_direct() -> bool {
    std::env::var_os("CONNWARDEN_DIRECT").is_some_and(|value| value == "1")
}

pub(crate) fn is_soak() -> bool {
    std::env::var_os("CONNWARDEN_SOAK").is_some_and(|value| value == "1")
}

/// The long value in a soak, else the short one.
pub(crate) fn long<T>(short: T, long: T) -> T {
    if is_soak() { long } else { short }
}

/// A line that scripts/soak.sh collects.
pub(crate) fn figure(name: &str, value: impl std::fmt::Display) {
    println!("figure: {name}: {value}");
}

pub(crate) struct Bed {
    pub(crate) postgres: Postgres,
    pub(crate) proxy: Option<Proxy>,
    pool_size: u32,
    // The last field: the next test begins when the servers of this one have ended.
    _alone: MutexGuard<'static, ()>,
}

impl Bed {
    /// A pool of transactions; the server has few slots more than the pool, so that a proxy that opens too many fails.
    pub(crate) fn open(pool_size: u32, clients: u32) -> Result<Self> {
        Self::open_with(Wanted::new("transaction", pool_size, DATABASE), clients)
    }

    pub(crate) fn open_with(wanted: Wanted, clients: u32) -> Result<Self> {
        // A test that failed while it held the lock left nothing behind.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = if is_direct() { clients + 20 } else { wanted.pool_size + 8 };
        let options = PostgresOptions::default().tcp().max_connections(slots).set("shared_buffers", "128MB");
        let postgres = Postgres::start(options)?;
        postgres.run("postgres", &format!("create role {USER} login"))?;
        postgres.run("postgres", &format!("create database {DATABASE} owner {USER}"))?;
        let pool_size = wanted.pool_size;
        // A killed or restarted server should be tried again soon.
        let mut wanted = wanted;
        wanted.proxy_lines.insert_str(0, "server_login_retry = \"500ms\"\n");
        let proxy = if is_direct() { None } else { Some(wanted.start(&postgres)?) };
        Ok(Self { postgres, proxy, pool_size, _alone: alone })
    }

    pub(crate) fn address(&self) -> Result<Address> {
        match &self.proxy {
            Some(proxy) => Ok(proxy.address()?),
            None => self.postgres.tcp().context("the server listens on TCP"),
        }
    }

    pub(crate) fn login() -> Login {
        Login::new(USER, DATABASE)
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Ok(Client::login(&self.address()?, &Self::login())?)
    }

    /// The process whose memory counts; PostgreSQL's when there is no proxy, only to try the test.
    pub(crate) fn pid(&self) -> Result<u32> {
        match &self.proxy {
            Some(proxy) => Ok(proxy.pid()),
            None => self.postgres.pid().context("the server runs"),
        }
    }

    /// The server never held more of our sessions than the pool has, as far as it can be seen now.
    pub(crate) fn check_pool(&self) -> Result<()> {
        let sessions = self.postgres.sessions(USER)?;
        ensure!(
            is_direct() || sessions <= self.pool_size as usize,
            "{sessions} sessions, pool {}",
            self.pool_size
        );
        Ok(())
    }

    /// The proxy still runs and still serves.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        if let Some(proxy) = &mut self.proxy
            && let Some(status) = proxy.ended()?
        {
            bail!("the proxy ended with {status}\n{}", proxy.log());
        }
        let one = self.client()?.value("select 1")?;
        ensure!(one == "1", "select 1 gave {one}");
        Ok(())
    }

    /// SQL past the proxy, in the test's database.
    pub(crate) fn run(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        Ok(self.postgres.run(DATABASE, sql)?)
    }

    /// The first value of SQL past the proxy.
    pub(crate) fn value(&self, sql: &str) -> Result<String> {
        Ok(self.postgres.admin(DATABASE)?.value(sql)?)
    }

    /// psql or pgbench, through the proxy.
    pub(crate) fn tool(&self, name: &str) -> Result<Command> {
        let address = self.address()?;
        Self::tool_at(name, &address.host(), address.port())
    }

    /// psql or pgbench, past the proxy.
    pub(crate) fn direct_tool(&self, name: &str) -> Result<Command> {
        Self::tool_at(name, &self.postgres.host().display().to_string(), self.postgres.port())
    }

    fn tool_at(name: &str, host: &str, port: u16) -> Result<Command> {
        let mut command = Command::new(programs::postgres_client(name)?);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
        command.current_dir(Path::new("/"));
        command.args(["-h", host, "-p", &port.to_string(), "-U", USER]);
        Ok(command)
    }
}

/// Runs a program: what it said, standard output first; its failure is an error.
pub(crate) fn said(command: &mut Command) -> Result<(String, String)> {
    let done = command.output().with_context(|| format!("{command:?}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&done.stdout), text(&done.stderr));
    ensure!(done.status.success(), "{command:?} ended with {}\n{out}\n{err}", done.status);
    Ok((out, err))
}
