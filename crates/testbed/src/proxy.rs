//! The proxy under test, as a process.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use crate::account;
use crate::child::Server;
use crate::client::{Address, Client, Login};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::postgres::{Postgres, SUPERUSER};
use crate::programs;

/// What the proxy told in its ready file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready {
    /// `listen tcp 127.0.0.1:6432`
    pub tcp: Vec<Address>,
    /// `listen unix /tmp/.s.PGSQL.6432`
    pub unix: Vec<Address>,
    /// `metrics 127.0.0.1:9930`
    pub metrics: Option<Address>,
    /// `pid 4711`, the last line: without it the file is not complete.
    pub pid: Option<u32>,
}

impl Ready {
    /// Reads the file's text; `None` while it is not complete.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let mut ready = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["listen", "tcp", address] => ready.tcp.push(Address::tcp(address)?),
                ["listen", "unix", path] => ready.unix.push(Address::Unix(PathBuf::from(path))),
                ["metrics", address] => ready.metrics = Some(Address::tcp(address)?),
                ["pid", pid] => ready.pid = pid.parse().ok(),
                _ => {}
            }
        }
        let complete = ready.pid.is_some() && text.ends_with('\n');
        Ok(complete.then_some(ready))
    }
}

/// A running proxy; told to stop (SIGTERM), then killed, when dropped.
#[derive(Debug)]
pub struct Proxy {
    server: Server,
    ready: Ready,
    folder: Folder,
}

impl Proxy {
    /// Starts `connwarden proxy` with this text as its configuration file.
    pub fn start(config: &str) -> Result<Self> {
        let folder = Folder::create()?;
        let file = folder.write("connwarden.toml", config)?;
        Self::start_in(folder, &["--config".to_owned(), file.display().to_string()])
    }

    /// Starts `connwarden proxy` with these arguments.
    pub fn start_with(arguments: &[String]) -> Result<Self> {
        Self::start_in(Folder::create()?, arguments)
    }

    fn start_in(folder: Folder, arguments: &[String]) -> Result<Self> {
        let program = programs::runnable(&programs::connwarden()?, &folder)?;
        let ready_file = folder.join("ready");
        let mut command = account::command(&program);
        command.arg("proxy").args(arguments).arg("--ready-file").arg(&ready_file);
        let mut server = Server::start("connwarden proxy", command, &folder.join("log"), Signal::TERM)?;
        let ready = server.until("the proxy writes its ready file", || {
            std::fs::read_to_string(&ready_file).map_or(Ok(None), |text| Ready::parse(&text))
        })?;
        Ok(Self { server, ready, folder })
    }

    /// What the ready file says.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The first TCP address, else the first unix socket.
    pub fn address(&self) -> Result<Address> {
        self.ready
            .tcp
            .first()
            .or(self.ready.unix.first())
            .cloned()
            .ok_or_else(|| Error::Protocol("the ready file names no listener".to_owned()))
    }

    /// The proxy's process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.server.signal(signal)
    }

    /// Whether it ended, and how.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.server.ended()
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        self.server.wait(patience)
    }

    /// Replaces the configuration file and asks for a reload (SIGHUP).
    pub fn reload(&self, config: &str) -> Result<()> {
        self.folder.write("connwarden.toml", config)?;
        self.signal(Signal::HUP)
    }

    /// A session through the proxy.
    pub fn client(&self, user: &str, database: &str) -> Result<Client> {
        Client::login(&self.address()?, &Login::new(user, database))
    }
}

/// What a test wants of its proxy; [`Wanted::config`] is the only place that knows the file's form.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `session`, `transaction` or `statement`.
    pub pool_mode: String,
    /// Servers for each pool.
    pub pool_size: u32,
    /// Databases, each with the same name on the server; `*` stands for every other name.
    pub databases: Vec<String>,
    /// Roles that may log in.
    pub users: Vec<String>,
    /// More lines for `[proxy]`.
    pub proxy_lines: String,
}

impl Wanted {
    /// A proxy for one database.
    pub fn new(pool_mode: &str, pool_size: u32, database: &str) -> Self {
        Self {
            pool_mode: pool_mode.to_owned(),
            pool_size,
            databases: vec![database.to_owned()],
            users: ["app", "other", SUPERUSER].map(str::to_owned).to_vec(),
            proxy_lines: String::new(),
        }
    }

    /// Adds a line to `[proxy]`.
    pub fn line(mut self, line: &str) -> Self {
        self.proxy_lines.push_str(line);
        self.proxy_lines.push('\n');
        self
    }

    /// The configuration file's text, for a server in this process's care.
    pub fn config(&self, postgres: &Postgres) -> String {
        self.config_for(postgres.host(), postgres.port())
    }

    /// The configuration file's text.
    pub fn config_for(&self, host: &Path, port: u16) -> String {
        let mut text = format!(
            "[proxy]\nlisten_addr = \"127.0.0.1\"\nlisten_port = 0\nunix_socket_dir = \"\"\nauth_type = \"trust\"\n\
             pool_mode = \"{}\"\n{}\n[server.main]\nhost = \"{}\"\nport = {port}\n",
            self.pool_mode,
            self.proxy_lines,
            host.display(),
        );
        for database in &self.databases {
            let named = match database.as_str() {
                "*" => "\"*\"]\nserver = \"main\"".to_owned(),
                name => format!("{name}]\nserver = \"main\"\ndbname = \"{name}\""),
            };
            text.push_str(&format!("\n[database.{named}\npool_size = {}\n", self.pool_size));
        }
        for user in &self.users {
            text.push_str(&format!("\n[user.{user}]\n"));
        }
        text
    }

    /// Starts it.
    pub fn start(&self, postgres: &Postgres) -> Result<Proxy> {
        let proxy = Proxy::start(&self.config(postgres))?;
        match proxy.ready().pid {
            Some(pid) if pid == proxy.pid() => {}
            other => {
                return Err(Error::Protocol(format!(
                    "the ready file says pid {other:?}, not {}",
                    proxy.pid()
                )));
            }
        }
        Ok(proxy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_file_without_its_pid_is_not_complete() {
        assert_eq!(Ready::parse("listen tcp 127.0.0.1:6432\n").expect("parses"), None);
        assert_eq!(Ready::parse("listen tcp 127.0.0.1:6432\npid 12").expect("parses"), None);
    }

    #[test]
    fn every_other_database_has_the_name_it_was_asked_for_by() {
        let mut wanted = Wanted::new("transaction", 5, "app");
        wanted.databases.push("*".to_owned());
        let config = wanted.config_for(Path::new("/run"), 5432);
        let app = "\n[database.app]\nserver = \"main\"\ndbname = \"app\"\npool_size = 5\n";
        assert!(config.contains(app), "{config}");
        let other = "\n[database.\"*\"]\nserver = \"main\"\npool_size = 5\n";
        assert!(config.contains(other), "{config}");
    }

    #[test]
    fn a_ready_file_names_every_listener() {
        let text =
            "listen tcp 127.0.0.1:6432\nlisten unix /tmp/.s.PGSQL.6432\nmetrics 127.0.0.1:9930\npid 12\n";
        let ready = Ready::parse(text).expect("parses").expect("is complete");
        assert_eq!(ready.tcp.len(), 1);
        assert_eq!(ready.unix, [Address::Unix(PathBuf::from("/tmp/.s.PGSQL.6432"))]);
        assert!(ready.metrics.is_some());
        assert_eq!(ready.pid, Some(12));
    }
}
