//! What it costs a server to be watched: CPU time of the backends that serve a program which looks at it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::Signal;
use serde_json::json;

use crate::arena::backend::{Backend, Tools};
use crate::arena::{self, DBNAME, USER};
use crate::child::Child;
use crate::line::Place;
use crate::load::fleet::{Fleet, Until};
use crate::load::script::{Protocol, Target};
use crate::proc::{CpuTime, Machine};
use crate::report::{self, Table};

/// How often the backends' CPU time is read: a backend that lives shorter than this can be missed.
const LOOK: Duration = Duration::from_millis(5);
/// Until a watcher has drawn its first screens.
const WARM_UP: Duration = Duration::from_secs(3);

/// CPU time that a server spends on programs which watch it, each by itself and on a terminal.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A program and its arguments; @PORT@, @USER@ and @DBNAME@ are filled in, the host is 127.0.0.1. Repeatable.
    #[arg(long, value_name = "NAME=COMMAND", required = true)]
    watcher: Vec<Watcher>,
    /// Sessions that are there to be seen.
    #[arg(long, default_value_t = 500)]
    sessions: usize,
    /// Length of one measurement.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// Measurements of each watcher, by turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// When started as root: the user to run the server and the watchers as.
    #[arg(long, default_value = "postgres")]
    run_as: String,
    /// The folder of PostgreSQL's programs.
    #[arg(long, default_value = "/usr/lib/postgresql/15/bin")]
    pg_bin: std::path::PathBuf,
    /// Where the results go as JSON; default target/bench/watch.json.
    #[arg(long, value_name = "PATH")]
    json: Option<std::path::PathBuf>,
}

#[derive(Clone, Debug)]
struct Watcher {
    name: String,
    command: String,
}

impl FromStr for Watcher {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, command) = text.split_once('=').ok_or("write NAME=COMMAND")?;
        Ok(Self { name: name.to_owned(), command: command.to_owned() })
    }
}

/// Runs the watchers by turns.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    arena::raise_descriptors(args.sessions + 200)?;
    let (folder, terms) = arena::ground(&args.run_as)?;
    let tools = Tools { folder: args.pg_bin.clone() };
    let backend = Backend::postgres_for(&terms, &tools, folder.path(), args.sessions + 20)?;
    let place = Place::Tcp(([127, 0, 0, 1], backend.port).into());
    let target = Target { place, user: USER.to_owned(), dbname: DBNAME.to_owned() };
    let mut fleet = Fleet::login(&target, args.sessions, Protocol::Simple, super::TEXT)?;
    fleet.run(Until::Transactions(args.sessions as u64))?;
    let known = children(backend.pid())?;
    let mut shares: Vec<Vec<f64>> = vec![Vec::new(); args.watcher.len()];
    for round in 0..args.rounds {
        for (watcher, shares) in args.watcher.iter().zip(&mut shares) {
            let command = watcher
                .command
                .replace("@PORT@", &backend.port.to_string())
                .replace("@USER@", USER)
                .replace("@DBNAME@", DBNAME);
            // A terminal of its own, 200 by 50.
            let argv: [OsString; 4] = [
                "script".into(),
                "-qfec".into(),
                format!("stty cols 200 rows 50; exec {command}").into(),
                "/dev/null".into(),
            ];
            let mut child = Child::spawn(&watcher.name, &argv, &terms, folder.path(), Signal::TERM)?;
            spend(backend.pid(), &known, WARM_UP)?;
            let span = Duration::from_secs_f64(args.seconds);
            let (spent, backends) = spend(backend.pid(), &known, span)?;
            ensure!(backends > 0, "{} has no session there:\n{}", watcher.name, child.log_tail());
            child.stop(Duration::from_secs(5))?;
            let share = spent.as_secs_f64() / span.as_secs_f64() * 100.0;
            eprintln!(
                "round {}/{} {:12} {share:.3} % of one core, {backends} backends seen",
                round + 1,
                args.rounds,
                watcher.name
            );
            shares.push(share);
        }
    }
    let mut table = Table::new(&["watcher", "of one core", "least", "most"]);
    let mut results = Vec::new();
    for (watcher, shares) in args.watcher.iter().zip(&mut shares) {
        shares.sort_by(f64::total_cmp);
        let figure = |value: f64| format!("{value:.2} %");
        table.row(vec![
            watcher.name.clone(),
            figure(shares[shares.len() / 2]),
            figure(shares[0]),
            figure(shares[shares.len() - 1]),
        ]);
        results.push(
            json!({ "watcher": watcher.name, "command": watcher.command, "percent_of_one_core": shares }),
        );
    }
    let circumstances = json!({
        "machine": Machine::look(),
        "server": backend.version,
        "sessions": args.sessions,
        "seconds": args.seconds,
    });
    report::publish("watch", args.json.as_deref(), &table, &circumstances, &json!(results))
}

/// CPU time of the backends that are not `known`, over `span`, and how many of them were seen.
fn spend(
    postmaster: u32,
    known: &BTreeMap<u32, CpuTime>,
    span: Duration,
) -> anyhow::Result<(Duration, usize)> {
    let begun = Instant::now();
    let before = children(postmaster)?;
    let mut seen: BTreeMap<u32, CpuTime> = BTreeMap::new();
    while begun.elapsed() < span {
        for (pid, time) in children(postmaster)? {
            if !known.contains_key(&pid) {
                seen.insert(pid, time);
            }
        }
        std::thread::sleep(LOOK);
    }
    let zero = CpuTime { ns: 0, ticks: 0 };
    let spent = seen.iter().map(|(pid, time)| time.since(*before.get(pid).unwrap_or(&zero)).ns).sum();
    Ok((Duration::from_nanos(spent), seen.len()))
}

/// The processes of a postmaster, with their CPU time.
fn children(postmaster: u32) -> anyhow::Result<BTreeMap<u32, CpuTime>> {
    let listed = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"))
        .context("the server is gone, or this kernel does not list children")?;
    let pids = listed.split_whitespace().filter_map(|pid| pid.parse().ok());
    // One may end between being listed and being read.
    Ok(pids.filter_map(|pid| Some((pid, CpuTime::of(pid).ok()?))).collect())
}
