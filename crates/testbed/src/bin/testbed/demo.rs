//! The main job, shown: more clients than the server has slots.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use testbed::error::{Doing, Result};
use testbed::load::{self, Outcome, Plan};
use testbed::{Address, Login, Postgres, PostgresOptions, Proxy};

/// Slots of the server.
const SLOTS: u32 = 20;
/// Servers of the proxy's pool.
const POOL: u32 = 16;
const DATABASE: &str = "shop";
const USER: &str = "app";

/// What is shown.
#[derive(Debug)]
pub(crate) struct Demo {
    clients: usize,
    seconds: u64,
}

impl Demo {
    /// Reads the arguments; `None` where they make no sense.
    pub(crate) fn read(arguments: &[&str]) -> Option<Self> {
        let mut demo = Self { clients: 200, seconds: 5 };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match *word {
                "--clients" => demo.clients = words.next()?.parse().ok()?,
                "--seconds" => demo.seconds = words.next()?.parse().ok()?,
                _ => return None,
            }
        }
        Some(demo)
    }

    /// Both ways, and a table. It fails unless the server refuses some and the proxy nobody.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let stopped = Arc::new(AtomicBool::new(false));
        let mut signals = Signals::new([SIGINT, SIGTERM]).doing("catching signals")?;
        let seen = Arc::clone(&stopped);
        std::thread::spawn(move || {
            signals.forever().next();
            // The servers stop with their values, when the run in progress ends; that is soon enough.
            eprintln!("stopping...");
            seen.store(true, Ordering::Relaxed);
        });

        println!("A PostgreSQL with max_connections = {SLOTS}.");
        let postgres = Postgres::start(PostgresOptions::default().max_connections(SLOTS))?;
        furnish(&postgres)?;

        println!("{} clients straight to it, {} s ...", self.clients, self.seconds);
        let (straight, straight_servers) = self.load(&postgres.socket(), &postgres);
        if stopped.load(Ordering::Relaxed) {
            return Ok(ExitCode::from(130));
        }

        let dsn = format!(
            "postgres://{USER}@/{DATABASE}?host={}&port={}",
            postgres.host().display(),
            postgres.port()
        );
        println!("connwarden proxy --server \"{dsn}\" --listen-port 0 --pool-size {POOL}");
        let arguments = ["--server", &dsn, "--listen-port", "0", "--pool-size", &POOL.to_string()];
        let proxy = Proxy::start_with(&arguments.map(str::to_owned))?;
        println!("The same {} clients through it, {} s ...", self.clients, self.seconds);
        let (through, through_servers) = self.load(&proxy.address()?, &postgres);

        println!();
        println!(
            "{:24}{:>8}{:>20}{:>9}{:>16}{:>10}{:>10}",
            "", "clients", "server connections", "refused", "transactions/s", "p50", "p99"
        );
        self.row("straight to PostgreSQL", &straight, straight_servers);
        self.row("through connwarden", &through, through_servers);
        println!();
        if let Some(words) = &straight.words {
            println!("PostgreSQL said: {words}");
        }
        if let Some(words) = &through.words {
            println!("Through the proxy: {words}\n{}", proxy.log());
        }
        let shown = straight.refused > 0 && through.refused == 0 && !through.took.is_empty();
        Ok(if shown { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn load(&self, address: &Address, postgres: &Postgres) -> (Outcome, usize) {
        let most = Arc::new(AtomicUsize::new(0));
        let done = Arc::new(AtomicBool::new(false));
        let (seen, enough, postmaster) = (Arc::clone(&most), Arc::clone(&done), postgres.pid().unwrap_or(0));
        // Counted from outside: asking the server would take one of its slots.
        let counter = std::thread::spawn(move || {
            while !enough.load(Ordering::Relaxed) {
                seen.fetch_max(backends(postmaster), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let plan = Plan {
            clients: self.clients,
            lasts: Duration::from_secs(self.seconds),
            login: Login::new(USER, DATABASE),
            transaction: [
                "begin",
                "update stock set sold = sold + 1 where id = (select 1 + floor(random() * 10000)::int)",
                "commit",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        let outcome = load::run(address, &plan);
        done.store(true, Ordering::Relaxed);
        let _ = counter.join();
        (outcome, most.load(Ordering::Relaxed))
    }

    fn row(&self, name: &str, outcome: &Outcome, servers: usize) {
        let millis = |percent| format!("{:.1} ms", outcome.percentile(percent).as_secs_f64() * 1000.0);
        println!(
            "{name:24}{:>8}{servers:>20}{:>9}{:>16.0}{:>10}{:>10}",
            self.clients,
            outcome.refused,
            outcome.per_second(),
            millis(50),
            millis(99)
        );
    }
}

fn furnish(postgres: &Postgres) -> Result<()> {
    postgres.run("postgres", &format!("create role {USER} login"))?;
    postgres.run("postgres", &format!("create database {DATABASE} owner {USER}"))?;
    let table = "create table stock as select i as id, 0 as sold from generate_series(1, 10000) as i; \
                 alter table stock add primary key (id); alter table stock owner to app";
    postgres.run(DATABASE, table).map(drop)
}

/// Processes of the user's sessions, below the postmaster.
fn backends(postmaster: u32) -> usize {
    let title = format!("postgres: {USER} ");
    let is_ours = |folder: &std::path::Path| -> Option<bool> {
        let command = std::fs::read(folder.join("cmdline")).ok()?;
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let parent =
            status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse::<u32>().ok()?;
        // One that is about to be refused has a title already.
        let is_in =
            command.starts_with(title.as_bytes()) && !command.windows(8).any(|word| word == b" startup");
        Some(is_in && parent == postmaster)
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter(|entry| is_ours(&entry.path()).unwrap_or(false)).count()
}
