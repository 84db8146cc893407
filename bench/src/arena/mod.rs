//! A measurement's world: one server, the contestants before it, a temporary folder, and who runs on which core.

pub(crate) mod backend;
pub(crate) mod contestant;
pub(crate) mod pgbench;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::json;
use tempfile::TempDir;

use crate::child::Terms;
use crate::proc::Machine;
use backend::{Backend, Kind, Tools};
use contestant::{Contestant, Named, Running, Sizes};

/// The user and the database of every measurement.
pub(crate) const USER: &str = "bench";
pub(crate) const DBNAME: &str = "bench";

const NO_PEER: &str = "this measurement is a ratio: name the other one with --peer NAME=PATH";

/// What all measurements of proxies have in common.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The proxy to measure.
    #[arg(long, value_name = "NAME=PATH", default_value = "connwarden=target/release/connwarden")]
    proxy: Named,
    /// The proxy it is held against.
    #[arg(long, value_name = "NAME=PATH")]
    peer: Option<Named>,
    /// Server connections of each proxy's pool.
    #[arg(long, default_value_t = 16)]
    pool: usize,
    /// The core of the proxies; everything else runs on --rest-cpu.
    #[arg(long, default_value_t = 0)]
    proxy_cpu: usize,
    /// The core of the server and of the load.
    #[arg(long, default_value_t = 1)]
    rest_cpu: usize,
    /// Leave processes on whatever core they get.
    #[arg(long)]
    no_pin: bool,
    /// When started as root: the user to run servers and proxies as.
    #[arg(long, default_value = "postgres")]
    run_as: String,
    /// The folder of PostgreSQL's programs.
    #[arg(long, default_value = "/usr/lib/postgresql/15/bin")]
    pg_bin: PathBuf,
    /// Where the results go as JSON; default target/bench/SUBCOMMAND.json.
    #[arg(long, value_name = "PATH")]
    pub(crate) json: Option<PathBuf>,
}

/// A running world. Fields end in this order: proxies, server, folder.
#[derive(Debug)]
pub(crate) struct Arena {
    running: Vec<Running>,
    contestants: Vec<Contestant>,
    pub(crate) backend: Backend,
    pub(crate) tools: Tools,
    terms: Terms,
    sizes: Sizes,
    pinned: Option<(usize, usize)>,
    starts: usize,
    folder: TempDir,
}

impl Arena {
    /// Starts the server; the proxies are started by [`Arena::start`]. `clients_max` is the largest fleet of one proxy.
    pub(crate) fn open(args: &Args, kind: Kind, clients_max: usize) -> anyhow::Result<Self> {
        let at_once = 1 + usize::from(args.peer.is_some());
        Self::open_for(args, kind, clients_max, at_once)
    }

    /// As [`Arena::open`], where so many fleets are connected at one time.
    pub(crate) fn open_for(
        args: &Args,
        kind: Kind,
        clients_max: usize,
        at_once: usize,
    ) -> anyhow::Result<Self> {
        let contestants = std::iter::once(&args.proxy)
            .chain(&args.peer)
            .map(Contestant::meet)
            .collect::<Result<Vec<_>, _>>()?;
        if let [proxy, peer] = contestants.as_slice() {
            ensure!(
                proxy.name != peer.name,
                "--proxy and --peer need different names, not twice {:?}",
                peer.name
            );
        }
        // The load holds the clients of every fleet, each proxy its own; some more for pools and files.
        raise_descriptors(clients_max * at_once + args.pool * 2 + 200)?;
        let pinned = (!args.no_pin).then_some((args.proxy_cpu, args.rest_cpu));
        if let Some((proxy, rest)) = pinned {
            pin(proxy, rest)?;
        }
        let (folder, terms) = ground(&args.run_as)?;
        let terms = Terms { cpu: pinned.map(|(_, rest)| rest), ..terms };
        let tools = Tools { folder: args.pg_bin.clone() };
        let backend = match kind {
            Kind::Postgres => Backend::postgres(&terms, &tools, folder.path())?,
            Kind::Null => Backend::null(0, terms.cpu, folder.path())?,
            Kind::Paced(work_ms) => Backend::null(work_ms, terms.cpu, folder.path())?,
        };
        let sizes = Sizes { pool: args.pool, clients_max: clients_max + 100 };
        Ok(Self { running: Vec::new(), contestants, backend, tools, terms, sizes, pinned, starts: 0, folder })
    }

    /// Starts one contestant, under `wrapper` if there is one.
    pub(crate) fn start_one(&self, at: usize, wrapper: Vec<OsString>) -> anyhow::Result<Running> {
        let contestant = &self.contestants[at];
        let folder = self.folder.path().join(&contestant.name);
        fs::create_dir_all(&folder)?;
        hand_over(&folder, &self.terms)?;
        let terms = Terms { cpu: self.pinned.map(|(proxy, _)| proxy), wrapper, ..self.terms.clone() };
        Running::start(contestant, self.backend.port, self.sizes, &terms, &folder)
    }

    /// Starts all contestants, anew if they run; they stay until the next start or the arena's end.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        self.running.clear();
        self.starts += 1;
        let mut order: Vec<usize> = (0..self.contestants.len()).collect();
        // Being the first to start shall be nobody's privilege.
        let turned = self.starts.is_multiple_of(2);
        if turned {
            order.reverse();
        }
        for at in order {
            let running = self.start_one(at, Vec::new())?;
            self.running.push(running);
        }
        if turned {
            self.running.reverse();
        }
        Ok(())
    }

    pub(crate) fn contestants(&self) -> &[Contestant] {
        &self.contestants
    }

    pub(crate) fn running(&self) -> &[Running] {
        &self.running
    }

    /// The proxy and its peer, both running, for measurements that are ratios.
    pub(crate) fn pair(&self) -> anyhow::Result<[&Running; 2]> {
        match self.running.as_slice() {
            [proxy, peer] => Ok([proxy, peer]),
            _ => bail!("{NO_PEER}"),
        }
    }

    /// Their names.
    pub(crate) fn pair_names(&self) -> anyhow::Result<[String; 2]> {
        match self.contestants.as_slice() {
            [proxy, peer] => Ok([proxy.name.clone(), peer.name.clone()]),
            _ => bail!("{NO_PEER}"),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a reader must know to believe the figures.
    pub(crate) fn circumstances(&self) -> serde_json::Value {
        json!({
            "machine": Machine::look(),
            "server": self.backend.version,
            "contestants": self.contestants,
            "sizes": self.sizes,
            "cpu_of_proxies_and_of_the_rest": self.pinned,
        })
    }
}

/// A folder for everything that is started, and the user to start it as when we are root.
pub(crate) fn ground(run_as: &str) -> anyhow::Result<(TempDir, Terms)> {
    let root = rustix::process::geteuid().is_root();
    let terms = Terms { user: root.then(|| run_as.to_owned()), ..Terms::default() };
    let folder = tempfile::Builder::new().prefix("connwarden-bench-").tempdir()?;
    hand_over(folder.path(), &terms)?;
    Ok((folder, terms))
}

/// Gives a folder to the user that the children run as.
fn hand_over(folder: &Path, terms: &Terms) -> anyhow::Result<()> {
    let Some(user) = &terms.user else { return Ok(()) };
    let passwd = fs::read_to_string("/etc/passwd")?;
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|entry| entry[0] == user);
    let entry = entry.with_context(|| format!("no user {user} on this machine: name one with --run-as"))?;
    let id = |at: usize| entry.get(at).and_then(|text| text.parse().ok());
    chown(folder, id(2), id(3)).with_context(|| format!("giving {} to {user}", folder.display()))?;
    debug_assert_eq!(fs::metadata(folder)?.uid(), id(2).unwrap_or(u32::MAX));
    Ok(())
}

/// This process, and with it the load, goes to the core of the rest.
fn pin(proxy: usize, rest: usize) -> anyhow::Result<()> {
    let allowed = sched_getaffinity(None)?;
    for cpu in [proxy, rest] {
        ensure!(
            allowed.is_set(cpu),
            "core {cpu} is not ours: choose with --proxy-cpu and --rest-cpu, or --no-pin"
        );
    }
    let mut own = CpuSet::new();
    own.set(rest);
    sched_setaffinity(None, &own).context("binding to a core")
}

/// Children inherit it.
pub(crate) fn raise_descriptors(wanted: usize) -> anyhow::Result<()> {
    let wanted = wanted as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = maximum.map(|maximum| maximum.max(wanted));
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
        .with_context(|| format!("this needs {wanted} open files (ulimit -n)"))
}
