//! A process of the measurement: started on its core and as its user, with its own log, stopped by its id.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

const POLL: Duration = Duration::from_millis(10);
const LOG_LINES_SHOWN: usize = 15;

/// How a child is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// Bound to this core, if any.
    pub(crate) cpu: Option<usize>,
    /// Started as this user, if any (PostgreSQL and PgBouncer refuse root).
    pub(crate) user: Option<String>,
    /// A program to run it under, with its arguments.
    pub(crate) wrapper: Vec<OsString>,
}

/// A running child; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    process: std::process::Child,
    log: PathBuf,
    farewell: Signal,
}

impl Child {
    /// Starts `argv`; its output goes to `NAME.log` in `folder`. Each step of the chain execs the next, so the id is the program's.
    pub(crate) fn spawn<S: AsRef<OsStr>>(
        name: &str,
        argv: &[S],
        terms: &Terms,
        folder: &Path,
        farewell: Signal,
    ) -> anyhow::Result<Self> {
        // The parent's death reaches the child even when no destructor runs.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]);
        if let Some(user) = &terms.user {
            command.args([format!("--reuid={user}"), format!("--regid={user}")]).arg("--clear-groups");
        }
        if let Some(cpu) = terms.cpu {
            command.args(["taskset", "--cpu-list", &cpu.to_string()]);
        }
        command.args(&terms.wrapper).args(argv);
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let process =
            command.spawn().with_context(|| format!("cannot start {name} (setpriv of util-linux)"))?;
        Ok(Self { name: name.to_owned(), process, log, farewell })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it accepts on a port of 127.0.0.1; tells what its log says when it ends before.
    pub(crate) fn wait_for_port(&mut self, port: u16, patience: Duration) -> anyhow::Result<()> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let begun = Instant::now();
        loop {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("{} ended at once ({status}):\n{}", self.name, self.log_tail());
            }
            if begun.elapsed() > patience {
                let seconds = patience.as_secs();
                bail!("{} does not listen on port {port} after {seconds} s:\n{}", self.name, self.log_tail());
            }
            std::thread::sleep(POLL);
        }
    }

    /// Waits until it ends by itself, with success.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        let status = self.process.wait()?;
        ensure!(status.success(), "{} failed ({status}):\n{}", self.name, self.log_tail());
        Ok(())
    }

    /// Asks it to end, waits, and kills it when it does not listen.
    pub(crate) fn stop(&mut self, patience: Duration) -> anyhow::Result<()> {
        if self.process.try_wait()?.is_some() {
            return Ok(());
        }
        if let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) {
            kill_process(pid, self.farewell)?;
        }
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.process.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        eprintln!("{} does not end after {} s: killed", self.name, patience.as_secs());
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    pub(crate) fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Err(error) = self.stop(Duration::from_secs(10)) {
            eprintln!("stopping {}: {error:#}", self.name);
        }
    }
}

/// A port of 127.0.0.1 that was free a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
