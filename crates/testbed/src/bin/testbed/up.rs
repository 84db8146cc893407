//! Starts servers for a script and waits until the script has done.

use std::io::Read;
use std::process::ExitCode;
use std::sync::mpsc;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use testbed::error::{Doing, Result};
use testbed::proxy::Wanted;
use testbed::{Postgres, PostgresOptions};

/// What a script wants.
#[derive(Debug)]
pub(crate) struct Up {
    mode: String,
    pool_size: u32,
    max_connections: u32,
    database: String,
    any_database: bool,
    lines: Vec<String>,
    proxy: bool,
}

impl Up {
    /// Reads the arguments; `None` where they make no sense.
    pub(crate) fn read(arguments: &[&str]) -> Option<Self> {
        let mut up = Self {
            mode: "transaction".to_owned(),
            pool_size: 5,
            max_connections: 50,
            database: "app".to_owned(),
            any_database: false,
            lines: Vec::new(),
            proxy: true,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match *word {
                "--mode" => up.mode = (*words.next()?).to_owned(),
                "--pool-size" => up.pool_size = words.next()?.parse().ok()?,
                "--max-connections" => up.max_connections = words.next()?.parse().ok()?,
                "--database" => up.database = (*words.next()?).to_owned(),
                "--any-database" => up.any_database = true,
                "--line" => up.lines.push((*words.next()?).to_owned()),
                "--no-proxy" => up.proxy = false,
                _ => return None,
            }
        }
        Some(up)
    }

    /// Starts, tells, waits, ends.
    pub(crate) fn run(self) -> Result<ExitCode> {
        // Before anything is started: a signal must not leave a server behind.
        let ended = ended()?;
        let postgres =
            Postgres::start(PostgresOptions::default().tcp().max_connections(self.max_connections))?;
        postgres.run("postgres", "create role app login")?;
        postgres.run("postgres", &format!("create database {} owner app", self.database))?;
        println!(
            "DATABASE={}\nSERVER_SOCKET={}\nSERVER_HOST=127.0.0.1",
            self.database,
            postgres.host().display()
        );
        println!("SERVER_PORT={}\nSERVER_PID={}", postgres.port(), postgres.pid().unwrap_or(0));
        let proxy = if self.proxy {
            let mut wanted = Wanted::new(&self.mode, self.pool_size, &self.database);
            if self.any_database {
                wanted.databases.push("*".to_owned());
            }
            let proxy = self.lines.iter().fold(wanted, |wanted, line| wanted.line(line)).start(&postgres)?;
            let address = proxy.address()?;
            println!(
                "PROXY_HOST={}\nPROXY_PORT={}\nPROXY_PID={}",
                address.host(),
                address.port(),
                proxy.pid()
            );
            Some(proxy)
        } else {
            None
        };
        println!("ready");
        let _ = ended.recv();
        drop(proxy);
        Ok(ExitCode::SUCCESS)
    }
}

/// Hears when the script closes our input or a signal comes.
fn ended() -> Result<mpsc::Receiver<()>> {
    let (tell, ended) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM]).doing("catching signals")?;
    let told = tell.clone();
    std::thread::spawn(move || {
        signals.forever().next();
        let _ = told.send(());
    });
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = tell.send(());
    });
    Ok(ended)
}
