//! Who did what to whom, and why: a line of JSON for each session that was acted upon. Somebody who sits at a terminal reads
//! a sentence instead, unless a file was named.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use inspect::catalog::Session;
use inspect::closing::{Action, Outcome};
use inspect::form::{app, clean};
use inspect::report::{VictimReport, VictimResult};
use serde::Serialize;

use crate::say;
use crate::value::now_us;

/// What is the same on all lines of a run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Occasion {
    pub(super) schema: &'static str,
    pub(super) action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) os_user: Option<String>,
    pub(super) os_uid: u32,
    pub(super) db_user: String,
    pub(super) place: String,
    pub(super) filter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// Where the lines go.
#[derive(Debug)]
pub(super) struct Audit {
    occasion: Occasion,
    file: Option<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    ts_us: i64,
    #[serde(flatten)]
    occasion: &'a Occasion,
    victim: VictimReport,
}

impl Occasion {
    /// Who we are to this machine. The name may be anything, the number is true.
    pub(super) fn of(action: Action, db_user: &str, place: &str, filter: &str, reason: Option<&str>) -> Self {
        let name = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        Self {
            schema: "connwarden.audit/1",
            action,
            os_user: name,
            os_uid: rustix::process::getuid().as_raw(),
            db_user: db_user.to_owned(),
            place: place.to_owned(),
            filter: filter.to_owned(),
            reason: reason.map(str::to_owned),
        }
    }
}

impl Audit {
    /// To a file, at its end, or to standard error.
    ///
    /// # Errors
    /// The file cannot be written: then nothing should be done.
    pub(super) fn open(occasion: Occasion, path: Option<&Path>) -> io::Result<Self> {
        let open = |path| OpenOptions::new().append(true).create(true).open(path);
        Ok(Self { occasion, file: path.map(open).transpose()? })
    }

    /// Writes a line down, at once.
    pub(super) fn note(&mut self, victim: &Session, outcome: &Outcome) {
        let line = self.line(victim, outcome);
        let written = match &mut self.file {
            Some(file) => file.write_all(format!("{line}\n").as_bytes()),
            None if io::stderr().is_terminal() => {
                say::err(&sentence(victim, outcome));
                Ok(())
            }
            None => {
                say::err(&line);
                Ok(())
            }
        };
        if let Err(error) = written {
            say::err(&format!("warning: audit log: {error}\n{line}"));
        }
    }

    fn line(&self, victim: &Session, outcome: &Outcome) -> String {
        let (result, detail) = VictimResult::of(outcome);
        let mut victim = VictimReport::from(victim);
        victim.result = Some(result);
        victim.detail = detail.map(str::to_owned);
        let line = Line { ts_us: now_us(), occasion: &self.occasion, victim };
        say::json_line(&line)
    }
}

fn sentence(victim: &Session, outcome: &Outcome) -> String {
    let name = app(&victim.application);
    let (result, detail) = VictimResult::of(outcome);
    let detail = detail.map(|why| format!(": {}", clean(why))).unwrap_or_default();
    format!("  pid {} {name}: {}{detail}", victim.pid, result.words())
}
