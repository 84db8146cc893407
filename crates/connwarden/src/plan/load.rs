//! The load of a simulation: a rate, clients, or what was recorded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args};
use disk::is_pipe;
use inspect::filter::Glob;
use inspect::form::clean;
use inspect::record::{Entry, Reader};
use plan::report::FindingReport;
use plan::simulate::Arrivals;
use plan::simulate::samples::{Look, concurrency};
use plan::simulate::trace::Reading;

use crate::exit::Exit;
use crate::{say, value};

/// Time that is played where nothing says how long.
pub(super) const DURATION_S: f64 = 600.0;
/// What is read of a line: no checkout is as long.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Where requests come from.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Load")]
#[group(skip)]
#[command(group(ArgGroup::new("load").required(true).args(["rate", "clients", "trace", "recording"])))]
pub(super) struct LoadOptions {
    /// Requests per second, at random moments
    #[arg(long, alias = "rps", value_name = "N")]
    rate: Option<f64>,
    /// Clients that ask again when they have their answer
    #[arg(long, value_name = "N")]
    clients: Option<u32>,
    /// Time a client lets pass before it asks again
    #[arg(long, value_name = "TIME", value_parser = value::duration, requires = "clients")]
    think: Option<Duration>,
    /// Checkouts as the proxy's console records them (RECORD)
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Of a trace, this pool only: database/user
    #[arg(long, value_name = "NAME", requires = "trace")]
    pool: Option<String>,
    /// Samples as `monitor --record` keeps them: what was busy, divided by the hold, is the rate
    #[arg(long, value_name = "FILE")]
    recording: Option<PathBuf>,
    /// Of a recording, these applications only; repeatable
    #[arg(long, value_name = "GLOB", requires = "recording")]
    app: Vec<String>,
    /// Mean time a request holds its connection; a trace brings its own
    #[arg(long, value_name = "TIME", value_parser = value::duration, required_unless_present = "trace", conflicts_with = "trace")]
    hold: Option<Duration>,
}

/// Why there is no load.
pub(super) struct Refused {
    lines: Vec<String>,
    exit: Exit,
}

impl Refused {
    fn file(path: &Path, why: &str) -> Self {
        let line = format!("error: {}: {}", clean(&path.to_string_lossy()), clean(why));
        Self { lines: vec![line], exit: Exit::Nothing }
    }

    pub(super) fn say(self) -> Exit {
        say::err(&self.lines.join("\n"));
        self.exit
    }
}

impl LoadOptions {
    /// Mean seconds of a hold; 0 for a trace, which brings its own.
    pub(super) fn hold_s(&self) -> f64 {
        self.hold.map_or(0.0, |time| time.as_secs_f64())
    }

    pub(super) fn arrivals(&self) -> Result<Arrivals, Refused> {
        self.fits_together()?;
        for path in [&self.trace, &self.recording].into_iter().flatten() {
            if is_pipe(&path.to_string_lossy()) {
                return Err(Refused::file(path, "a pipe with a name may never be written to: give a file"));
            }
        }
        if let Some(rate_per_s) = self.rate {
            return Ok(Arrivals::Poisson { rate_per_s });
        }
        if let Some(count) = self.clients {
            return Ok(Arrivals::Clients {
                count,
                think_s: self.think.map_or(0.0, |time| time.as_secs_f64()),
            });
        }
        if let Some(path) = &self.trace {
            return self.traced(path);
        }
        match &self.recording {
            Some(path) => self.recorded(path),
            None => unreachable!("the group of options wants one of them"),
        }
    }

    /// An option that says more of a load stands beside that load.
    fn fits_together(&self) -> Result<(), Refused> {
        let stray = [
            ("--think", self.think.is_some(), "--clients", self.clients.is_some()),
            ("--pool", self.pool.is_some(), "--trace", self.trace.is_some()),
            ("--app", !self.app.is_empty(), "--recording", self.recording.is_some()),
        ];
        match stray.into_iter().find(|(_, given, _, there)| *given && !there) {
            Some((option, _, of, _)) => {
                Err(Refused { lines: vec![format!("error: {option} goes with {of}")], exit: Exit::Usage })
            }
            None => Ok(()),
        }
    }

    fn traced(&self, path: &Path) -> Result<Arrivals, Refused> {
        let name: Arc<str> = path.to_string_lossy().into();
        let mut input =
            BufReader::new(File::open(path).map_err(|error| Refused::file(path, &error.to_string()))?);
        let mut reading = Reading::new(&name);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut part = std::io::Read::take(&mut input, LINE_BYTES_MAX);
            let read =
                part.read_until(b'\n', &mut line).map_err(|error| Refused::file(path, &error.to_string()))?;
            if read as u64 == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
                return Err(Refused::file(path, "a line longer than 64 KiB: this is no trace"));
            }
            if read == 0 || !reading.line(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r'])) {
                break;
            }
        }
        let trace = reading.end().map_err(|findings| {
            let all: Vec<FindingReport> = findings.iter().map(FindingReport::of).collect();
            let text = plan::form::findings::text(&all, inspect::form::Style::default());
            Refused { lines: text.lines().map(str::to_owned).collect(), exit: Exit::Nothing }
        })?;
        if trace.torn {
            say::err("warning: the last line of the trace is cut off and was left out");
        }
        let pool = self.pool.as_deref();
        if let Some(pool) = pool.filter(|pool| !trace.pools.iter().any(|known| known == pool)) {
            let known = trace.pools.join(", ");
            return Err(Refused::file(path, &format!("no pool {pool:?} in it; there are {known}")));
        }
        if trace.dropped > 0 {
            say::err(&format!(
                "warning: {} checkouts are missing in the trace: its recorder could not keep up",
                trace.dropped
            ));
        }
        match trace.gave_up(pool) {
            0 => {}
            number => say::err(&format!(
                "note: {number} clients gave up waiting; they are played with the mean hold of the others"
            )),
        }
        Ok(Arrivals::Trace(trace.arrivals(pool)))
    }

    fn recorded(&self, path: &Path) -> Result<Arrivals, Refused> {
        let input = File::open(path).map_err(|error| Refused::file(path, &error.to_string()))?;
        let mut reader = Reader::new(BufReader::new(input));
        let mut looks = Vec::new();
        while let Some(entry) = reader.entry().map_err(|error| Refused::file(path, &error.to_string()))? {
            let Entry::Sample(sample) = entry else { continue };
            let mut busy: BTreeMap<String, u32> = BTreeMap::new();
            for session in sample.slot_holders() {
                if session.state.is_running() || session.state.is_idle_in_transaction() {
                    *busy.entry(session.application.clone()).or_default() += 1;
                }
            }
            looks.push(Look { at_us: sample.facts.now_us, busy });
        }
        let globs: Vec<Glob> = self.app.iter().map(|pattern| Glob::new(pattern.as_str())).collect();
        let meant = |application: &str| {
            globs.is_empty() || globs.iter().any(|glob| glob.matches_any_case(application))
        };
        Ok(Arrivals::Concurrency(concurrency(&looks, &meant)))
    }
}
