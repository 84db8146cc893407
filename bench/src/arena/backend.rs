//! What stands behind the proxies: a throw-away PostgreSQL, or the null server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use serde::Serialize;

use crate::arena::{DBNAME, USER};
use crate::child::{Child, Terms, free_port};

const PATIENCE: Duration = Duration::from_secs(30);

/// Which kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A throw-away PostgreSQL with pgbench's tables.
    Postgres,
    /// Answers at memory speed.
    Null,
    /// The null server that takes so many milliseconds for each query: it, and not the proxy, sets the pace.
    #[value(skip)]
    Paced(u64),
}

/// A running server on a port of 127.0.0.1.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) port: u16,
    pub(crate) version: String,
    child: Child,
}

impl Backend {
    /// The null server, as a child: this program again.
    pub(crate) fn null(work_ms: u64, cpu: Option<usize>, folder: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let program = std::env::current_exe()?;
        let mut argv = vec![program.into_os_string()];
        argv.extend(["null", "--port", &port.to_string(), "--work", &work_ms.to_string()].map(Into::into));
        let terms = Terms { cpu, ..Terms::default() };
        let mut child = Child::spawn("null-server", &argv, &terms, folder, Signal::TERM)?;
        child.wait_for_port(port, PATIENCE)?;
        let pace = if work_ms > 0 { format!(", {work_ms} ms a query") } else { String::new() };
        Ok(Self { port, version: format!("null server{pace}"), child })
    }

    /// A new cluster in `folder`, with pgbench's tables at scale 1.
    pub(crate) fn postgres(terms: &Terms, tools: &Tools, folder: &Path) -> anyhow::Result<Self> {
        Self::postgres_for(terms, tools, folder, 200)
    }

    /// The same with so many slots.
    pub(crate) fn postgres_for(
        terms: &Terms,
        tools: &Tools,
        folder: &Path,
        slots: usize,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let data = folder.join("data");
        let version = tools.run_once("postgres", &["--version"])?;
        eprintln!("starting {}", version.trim());
        let initdb = tools.path("initdb");
        let mut argv = vec![initdb.into_os_string(), "--pgdata".into(), data.clone().into_os_string()];
        argv.extend(
            ["--username", USER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
                .map(Into::into),
        );
        let mut initdb = Child::spawn("initdb", &argv, terms, folder, Signal::TERM)?;
        initdb.finish()?;
        let mut argv = vec![tools.path("postgres").into_os_string(), "-D".into(), data.into_os_string()];
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", folder.display()),
            format!("max_connections={slots}"),
            // Nothing here outlives the measurement.
            "fsync=off".to_owned(),
            // A pause in one side's turn would be told as the other side's merit.
            "autovacuum=off".to_owned(),
            "jit=off".to_owned(),
        ];
        for setting in settings {
            argv.extend(["-c".into(), setting.into()]);
        }
        // SIGINT: fast shutdown.
        let mut child = Child::spawn("postgres", &argv, terms, folder, Signal::INT)?;
        child.wait_for_port(port, PATIENCE)?;
        let backend = Self { port, version: version.trim().to_owned(), child };
        backend.fill(tools)?;
        Ok(backend)
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    fn fill(&self, tools: &Tools) -> anyhow::Result<()> {
        let port = self.port.to_string();
        let login = ["-h", "127.0.0.1", "-p", &port, "-U", USER];
        let mut attempt = 0;
        // It listens before it has recovered.
        while let Err(error) = tools.run_once("createdb", &[&login[..], &[DBNAME]].concat()) {
            attempt += 1;
            ensure!(attempt < 50, "{error:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
        tools.run_once("pgbench", &[&login[..], &["-i", "-q", "-s", "1", DBNAME]].concat())?;
        Ok(())
    }
}

/// Where PostgreSQL's programs are.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) folder: PathBuf,
}

impl Tools {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs a tool to its end; its standard output, or its complaint as the error.
    pub(crate) fn run_once(&self, name: &str, argv: &[&str]) -> anyhow::Result<String> {
        let path = self.path(name);
        let output = Command::new(&path)
            .args(argv)
            .output()
            .with_context(|| format!("cannot run {} (--pg-bin names the folder)", path.display()))?;
        if !output.status.success() {
            bail!("{name} {}: {}", argv.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
