//! A PostgreSQL server for one test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::account;
use crate::child::Server;
use crate::client::{Address, Client, Login};
use crate::error::{Doing, Error, Result};
use crate::folder::Folder;
use crate::{Batch, programs, wait};

/// The superuser of every throwaway server.
pub const SUPERUSER: &str = "postgres";

/// What a test wants of its server. The default: trust, a unix socket only, 100 connections.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    settings: Vec<(String, String)>,
    hba: Option<String>,
    tcp: bool,
}

impl PostgresOptions {
    /// `max_connections`, with no slot kept back for superusers.
    pub fn max_connections(self, slots: u32) -> Self {
        self.set("max_connections", &slots.to_string()).set("superuser_reserved_connections", "0")
    }

    /// One setting; the last of a name wins.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Also listens on 127.0.0.1, on a free port.
    pub fn tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// Lines of `pg_hba.conf`; the superuser keeps the unix socket without a password.
    pub fn hba(mut self, lines: &str) -> Self {
        self.hba = Some(lines.to_owned());
        self
    }
}

/// A running server; stopped at once and removed when dropped.
#[derive(Debug)]
pub struct Postgres {
    server: Option<Server>,
    options: PostgresOptions,
    port: u16,
    folder: Folder,
}

impl Postgres {
    /// Starts a server and waits until it lets the superuser in.
    pub fn start(options: PostgresOptions) -> Result<Self> {
        let folder = Folder::create()?;
        let template = template()?;
        copy_tree(&template, &folder.join("data"))?;
        if let Some(lines) = &options.hba {
            let text = format!("local all {SUPERUSER} trust\n{lines}\n");
            fs::write(folder.join("data/pg_hba.conf"), text).doing("writing pg_hba.conf")?;
        }
        let port = if options.tcp { free_port()? } else { 5432 };
        let mut postgres = Self { server: None, options, port, folder };
        postgres.start_again()?;
        Ok(postgres)
    }

    /// Starts a stopped server on its old data, address and port.
    pub fn start_again(&mut self) -> Result<()> {
        let mut command = account::command(&programs::postgres_bin()?.join("postgres"));
        let listen = if self.options.tcp { "127.0.0.1" } else { "" };
        command.arg("-D").arg(self.folder.join("data")).arg("-k").arg(self.folder.path());
        command.args(["-p", &self.port.to_string(), "-h", listen]);
        for (name, value) in QUICK.iter().copied().chain(self.own_settings()) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let mut server = Server::start("postgres", command, &self.folder.join("log"), Signal::QUIT)?;
        let login = Login::new(SUPERUSER, "postgres").with("application_name", ADMIN);
        let address = self.socket();
        server.until("PostgreSQL lets the superuser in", || match Client::login(&address, &login) {
            Ok(_) => Ok(Some(())),
            Err(Error::Io { .. } | Error::Server { .. } | Error::Closed { .. }) => Ok(None),
            Err(other) => Err(other),
        })?;
        self.server = Some(server);
        Ok(())
    }

    fn own_settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Stops at once (SIGQUIT), as in a crash.
    pub fn crash(&mut self) {
        self.server = None;
    }

    /// Stops in good order (SIGINT): sessions are ended with 57P01.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut server) = self.server.take() {
            server.signal(Signal::INT)?;
            server.wait(Duration::from_secs(30))?;
        }
        Ok(())
    }

    /// The unix socket.
    pub fn socket(&self) -> Address {
        Address::Unix(self.folder.join(&format!(".s.PGSQL.{}", self.port)))
    }

    /// The TCP address, if it was asked for.
    pub fn tcp(&self) -> Option<Address> {
        self.options.tcp.then(|| Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))))
    }

    /// The folder of the unix socket: libpq's `host`.
    pub fn host(&self) -> &Path {
        self.folder.path()
    }

    /// The port, for both kinds of socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The postmaster's process id; `None` while it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// What the server logged since it was last started.
    pub fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }

    /// A superuser's session in a database, past any proxy.
    pub fn admin(&self, database: &str) -> Result<Client> {
        Client::login(&self.socket(), &Login::new(SUPERUSER, database).with("application_name", ADMIN))
    }

    /// Runs SQL as the superuser.
    pub fn run(&self, database: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.admin(database)?.query(sql)
    }

    /// Waits until those who are leaving have left: a backend takes a moment after its client has gone. Sessions of the tests
    /// themselves and of the program's commands are meant.
    pub fn settled(&self) -> Result<()> {
        // One of those who are leaving may have the last slot.
        let mut admin = wait::until("a slot", wait::PATIENCE, || match self.admin("postgres") {
            Ok(admin) => Ok(Some(admin)),
            Err(error) if error.is_code("53300") => Ok(None),
            Err(error) => Err(error),
        })?;
        let leaving = format!(
            "select count(*) from pg_stat_activity where pid <> pg_backend_pid() \
             and (application_name = '{ADMIN}' or application_name like 'connwarden %')"
        );
        wait::until("nobody is on the way out", wait::PATIENCE, || {
            Ok((admin.value(&leaving)? == "0").then_some(()))
        })?;
        // And this session, too: the server closes the socket when the slot is free.
        admin.send(&Batch::new().terminate())?;
        while admin.read_byte()?.is_some() {}
        Ok(())
    }

    /// The number of sessions a role has.
    pub fn sessions(&self, role: &str) -> Result<usize> {
        let sql = format!(
            "select count(*) from pg_stat_activity where backend_type = 'client backend' and usename = '{role}'"
        );
        let rows = self.run("postgres", &sql)?;
        Ok(rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()).unwrap_or(0))
    }
}

/// The application name of the tests' own sessions.
pub const ADMIN: &str = "testbed admin";

/// Settings of a server whose data nobody will miss.
const QUICK: [(&str, &str); 10] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "32MB"),
    ("max_wal_size", "512MB"),
    ("max_connections", "100"),
    ("TimeZone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    // The default since version 14.
    ("password_encryption", "scram-sha-256"),
];

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing("asking for a free port")?;
    Ok(probe.local_addr().doing("reading the free port")?.port())
}

/// An initialised data directory of the installed version, made once and kept in the build folder.
fn template() -> Result<PathBuf> {
    let bin = programs::postgres_bin()?;
    let version = output(Command::new(bin.join("postgres")).arg("--version"))?;
    let name: String =
        version.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let owner = account::name()?;
    let shelf = programs::target_folder()?.join("testbed");
    let ready = shelf.join(format!("{}-{owner}", name.trim_matches('-')));
    if ready.join("PG_VERSION").exists() {
        return Ok(ready);
    }
    let work = Folder::create()?;
    let mut initdb = account::command(&bin.join("initdb"));
    initdb.current_dir("/").arg("-D").arg(work.join("data"));
    initdb.args([
        "-U",
        SUPERUSER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
        "--wal-segsize=1",
    ]);
    output(&mut initdb)?;
    fs::create_dir_all(&shelf).doing(format!("creating {}", shelf.display()))?;
    // The folder's name is ours alone, among processes and among threads.
    let own = work.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let fresh = shelf.join(format!("fresh-{own}"));
    let _ = fs::remove_dir_all(&fresh);
    copy_tree(&work.join("data"), &fresh)?;
    // Another process may have been quicker; then its copy is as good as ours.
    if fs::rename(&fresh, &ready).is_err() {
        let _ = fs::remove_dir_all(&fresh);
    }
    Ok(ready)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    output(Command::new("cp").arg("-a").arg("--reflink=auto").arg(from).arg(to)).map(drop)
}

/// Runs a program to its end and returns what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let program = format!("{command:?}");
    let done = command.output().doing(format!("running {program}"))?;
    if !done.status.success() {
        let log =
            format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        return Err(Error::Ended { program, status: done.status.to_string(), log });
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
