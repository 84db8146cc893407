//! PgBouncer as a peer, where it is installed.

use std::time::Duration;

use rustix::process::Signal;

use crate::account;
use crate::child::Server;
use crate::client::{Address, Client, Login};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::postgres::{Postgres, SUPERUSER, free_port};
use crate::programs;

/// A running PgBouncer.
#[derive(Debug)]
pub struct PgBouncer {
    server: Server,
    address: Address,
    _folder: Folder,
}

impl PgBouncer {
    /// Starts PgBouncer in front of a server; `None` where the program is not installed.
    pub fn start(postgres: &Postgres, pool_mode: &str, pool_size: u32) -> Result<Option<Self>> {
        let Some(program) = programs::pgbouncer() else { return Ok(None) };
        let folder = Folder::create()?;
        let port = free_port()?;
        let file = folder.write(
            "pgbouncer.ini",
            &format!(
                "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {pool_mode}\n\
                 default_pool_size = {pool_size}\nmax_client_conn = 5000\n\
                 ignore_startup_parameters = extra_float_digits,options\n",
                postgres.host().display(),
                postgres.port(),
                folder.write("users", &format!("\"{SUPERUSER}\" \"\"\n\"app\" \"\"\n"))?.display(),
            )
        )?;
        let mut command = account::command(&program);
        command.arg(file);
        let mut server = Server::start("pgbouncer", command, &folder.join("log"), Signal::TERM)?;
        let address = Address::tcp(&format!("127.0.0.1:{port}"))?;
        let login = Login::new(SUPERUSER, "postgres");
        server.until("PgBouncer lets a client in", || match Client::login(&address, &login) {
            Ok(_) => Ok(Some(())),
            Err(Error::Io { .. } | Error::Server { .. } | Error::Closed { .. }) => Ok(None),
            Err(other) => Err(other),
        })?;
        Ok(Some(Self { server, address, _folder: folder }))
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Ends it and waits.
    pub fn stop(mut self) {
        self.server.stop(Duration::from_secs(5));
    }
}
