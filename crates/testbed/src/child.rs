//! A process that ends with its value.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::error::{Doing, Error, Result};
use crate::wait;

/// A started program whose words go to a file.
#[derive(Debug)]
pub struct Server {
    program: String,
    child: Child,
    log: PathBuf,
    farewell: Signal,
}

impl Server {
    /// Starts the program; `farewell` is the signal that ends it.
    pub fn start(program: &str, mut command: Command, log: &Path, farewell: Signal) -> Result<Self> {
        let out = File::create(log).doing(format!("creating {}", log.display()))?;
        let err = out.try_clone().doing("sharing the log")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .current_dir("/")
            .spawn()
            .doing(format!("starting {program}"))?;
        Ok(Self { program: program.to_owned(), child, log: log.to_owned(), farewell })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        match pid.map(|pid| rustix::process::kill_process(pid, signal)) {
            Some(Err(error)) if error != rustix::io::Errno::SRCH => {
                Err(std::io::Error::from(error)).doing(format!("signalling {}", self.program))
            }
            _ => Ok(()),
        }
    }

    /// Its exit status, if it ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().doing(format!("asking after {}", self.program))
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let what = format!("{} ends", self.program);
        wait::until(&what, patience, || self.ended())
    }

    /// Asks until `ask` has an answer; fails at once, with the log, when the program ends first.
    pub fn until<T>(&mut self, what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let answer = wait::until(what, wait::PATIENCE, || {
            if let Some(status) = self.ended()? {
                return Err(Error::Ended {
                    program: self.program.clone(),
                    status: status.to_string(),
                    log: self.log(),
                });
            }
            ask()
        });
        match answer {
            Err(Error::Late { what, waited, .. }) => {
                Err(Error::Late { what, waited, last: format!("\n{}", self.log()) })
            }
            other => other,
        }
    }

    /// Ends it: the farewell first, then by force.
    pub fn stop(&mut self, patience: Duration) {
        if matches!(self.ended(), Ok(Some(_))) {
            return;
        }
        let _ = self.signal(self.farewell);
        if self.wait(patience).is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(5));
    }
}
