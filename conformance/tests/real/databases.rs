//! Databases that are dropped, renamed and copied through the proxy, which keeps connections to them. PostgreSQL refuses
//! that with 55006 for as long as anybody else is connected.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testbed::proxy::Wanted;
use testbed::{Batch, Client, Login, Postgres, PostgresOptions, Proxy};

use crate::bed::{USER, is_direct};

/// Who drops is in this one, and on the other worker.
const APART: &str = "apart";
const MODES: [&str; 3] = ["transaction", "session", "statement"];

struct Stage {
    postgres: Postgres,
    proxy: Option<Proxy>,
}

impl Stage {
    /// Pools of `x`, `y` and `z` on one worker, each of which keeps two connections while it has a client; `apart` on the
    /// other. Only `apart` is there.
    fn open(mode: &str) -> Result<Self> {
        let postgres = Postgres::start(PostgresOptions::default().tcp().max_connections(40))?;
        postgres.run("postgres", &format!("create role {USER} login createdb"))?;
        postgres.run("postgres", &format!("create database {APART} owner {USER}"))?;
        let mut wanted = Wanted::new(mode, 4, APART).line("workers = 2").line("min_pool_size = 2");
        wanted.databases.extend(["x", "y", "z"].map(str::to_owned));
        let mut config = wanted.config(&postgres);
        for (database, worker) in [(APART, 1), ("x", 0), ("y", 0), ("z", 0)] {
            let section = format!("[database.{database}]\n");
            config = config.replace(&section, &format!("{section}worker = {worker}\n"));
        }
        let proxy = if is_direct() { None } else { Some(Proxy::start(&config)?) };
        Ok(Self { postgres, proxy })
    }

    fn client(&self, database: &str) -> Result<Client> {
        let address = match &self.proxy {
            Some(proxy) => proxy.address()?,
            None => self.postgres.tcp().context("the server listens on TCP")?,
        };
        Ok(Client::login(&address, &Login::new(USER, database))?)
    }

    /// Connections to a database, as the server counts them.
    fn inside(&self, database: &str) -> Result<usize> {
        let sql = format!("select pid from pg_stat_activity where datname = '{database}'");
        Ok(self.postgres.run("postgres", &sql)?.len())
    }

    /// A client that asks for nothing, and so keeps no server; its pool keeps two.
    fn warm(&self, database: &str) -> Result<Option<Client>> {
        if is_direct() {
            return Ok(None);
        }
        self.client(database)?.query("select 1")?;
        let resting = self.client(database)?;
        testbed::wait::until("the pool is warm", Duration::from_secs(20), || {
            Ok((self.inside(database).map_err(other)? >= 2).then_some(()))
        })?;
        Ok(Some(resting))
    }
}

fn other(error: anyhow::Error) -> testbed::Error {
    testbed::Error::Protocol(error.to_string())
}

/// One statement, as a simple query or as one batch of the extended protocol.
fn say(client: &mut Client, extended: bool, sql: &str) -> Result<()> {
    if extended {
        let batch = Batch::new().parse("", sql, &[]).bind("", "", &[]).execute("", 0).sync();
        client.send(&batch)?;
        client.rows().with_context(|| sql.to_owned())?;
    } else {
        client.query(sql).with_context(|| sql.to_owned())?;
    }
    Ok(())
}

#[test]
fn a_database_whose_pool_is_warm_is_copied_renamed_dropped_and_made_again() -> Result<()> {
    for mode in MODES {
        let stage = Stage::open(mode)?;
        let mut apart = stage.client(APART)?;
        for extended in [false, true] {
            say(&mut apart, extended, "create database x")?;
            let mut x = stage.warm("x")?;
            say(&mut apart, extended, "create database y template x")?;
            let _y = stage.warm("y")?;
            stage.warm("x")?;
            say(&mut apart, extended, "alter database y rename to z")?;
            let _z = stage.warm("z")?;
            say(&mut apart, extended, "DROP DATABASE \"z\"")?;
            say(&mut apart, extended, "/* again */ drop database if exists x with (force);")?;
            say(&mut apart, extended, "create database x")?;
            if let Some(mut x) = x.take() {
                let inside = x.value("select current_database()")?;
                ensure!(inside == "x", "{mode}: {inside}");
            }
            let inside = stage.client("x")?.value("select current_database()")?;
            ensure!(inside == "x", "{mode}: {inside}");
            say(&mut apart, extended, "drop database x")?;
        }
    }
    Ok(())
}

#[test]
fn a_client_at_work_in_a_database_is_not_cut_and_is_waited_for_by_the_server() -> Result<()> {
    let stage = Stage::open("transaction")?;
    let mut apart = stage.client(APART)?;
    apart.query("create database x")?;
    let mut busy = stage.client("x")?;
    let _resting = stage.warm("x")?;
    busy.query("begin")?;
    apart.send(&Batch::new().query("drop database x"))?;
    let running = "select 1 from pg_stat_activity where query = 'drop database x' and state = 'active'";
    testbed::wait::until("the server waits for it", Duration::from_secs(20), || {
        Ok((!stage.postgres.run("postgres", running)?.is_empty()).then_some(()))
    })?;
    ensure!(is_direct() || stage.inside("x")? == 1, "nobody but the client at work is left");
    busy.query("commit")?;
    if is_direct() {
        busy.terminate()?;
    }
    apart.rows()?;
    Ok(())
}

#[test]
fn a_client_that_stays_in_a_database_is_a_reason_of_the_servers_to_refuse() -> Result<()> {
    let stage = Stage::open("transaction")?;
    let mut apart = stage.client(APART)?;
    apart.query("create database x")?;
    let mut busy = stage.client("x")?;
    busy.query("begin")?;
    let refused = apart.query("drop database x");
    ensure!(refused.is_err_and(|error| error.is_code("55006")), "x is in use");
    busy.query("commit")?;
    // The pool is open again.
    if !is_direct() {
        ensure!(busy.value("select 7")? == "7", "the pool of x goes on");
        apart.query("drop database x")?;
    }
    Ok(())
}
