//! `connwarden plan measure`: pools of several sizes on a real server, beside what the simulation expects of it.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args};
use inspect::form::{Align, Style, Table, Tone, clean};
use plan::measure::{Load, MeasureReport};
use plan::script::{BUILTIN, Script};

use super::paint::PictureOptions;
use crate::exit::Exit;
use crate::server::ServerOptions;
use crate::{say, value};

mod measuring;
mod pool;
mod round;

use measuring::Measuring;

/// Sizes at most.
const SIZES_MAX: usize = 32;
/// All rounds together, warm-up and calibration among them, at most.
const TOTAL_MAX: Duration = Duration::from_secs(3600);
/// Part of each round that is not counted: caches and connections warm up in it.
const WARM_UP_PART: f64 = 0.2;
/// A script's file, at most.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;

const EXAMPLES: &str = "\
It opens as many connections as the largest pool has, and puts load on the server: choose a
server that may be loaded. A script is SQL, with pgbench's \\set and \\sleep; each run of it holds
one connection, as a transaction does. pgbench -i makes the tables of the built-in ones.

First the script runs alone, then flat out with the largest pool: from these two the simulation
learns how long it holds a connection and how much of that is the server's work. Then each size
is measured and, with the same load, simulated. What still runs a second after its round is cancelled.

Examples:
  connwarden plan measure -h db-staging -U app --builtin select-only --scale 10 --clients 100
  connwarden plan measure --script checkout.sql --rate 300 --compare 5,10,25,50 --duration 20s
  connwarden plan measure --script checkout.sql --clients 200 --svg measured.svg -o json

Exit codes: 0 done, 2 nothing done, 3 server not reached, 64 usage, 130 interrupted.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct MeasureOptions {
    #[command(flatten)]
    what: WhatOptions,
    /// Requests per second, at random moments
    #[arg(long, alias = "rps", value_name = "N", conflicts_with = "clients")]
    rate: Option<f64>,
    /// Clients that ask again at once [default: twice the largest pool]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: Option<u32>,
    /// Pool sizes to measure
    #[arg(long, alias = "pools", value_name = "N,N,...", value_delimiter = ',', default_value = "5,10,25,50,100", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    compare: Vec<u32>,
    /// How long each size is measured
    #[arg(long, value_name = "TIME", value_parser = value::duration, default_value = "10s")]
    duration: Duration,
    /// Cores of the server, for the simulation [default: this machine's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cores: Option<u32>,
    /// The same seed asks the same questions
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    picture: PictureOptions,
    #[command(flatten)]
    server: ServerOptions,
}

/// What is run.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Script")]
#[group(skip)]
#[command(group(ArgGroup::new("what").required(true).args(["script", "builtin"])))]
struct WhatOptions {
    /// A file of SQL, as pgbench -f takes
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// One of pgbench's own scripts
    #[arg(long, value_name = "NAME", value_parser = ["select-only", "simple-update", "tpcb-like"])]
    builtin: Option<String>,
    /// What :scale is in the script: pgbench -i -s
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    scale: i64,
    /// A variable of the script: NAME=NUMBER; repeatable
    #[arg(long = "define", short = 'D', value_name = "NAME=N", value_parser = defined)]
    define: Vec<(String, i64)>,
}

fn defined(text: &str) -> Result<(String, i64), String> {
    let wanted = "write NAME=NUMBER";
    let (name, number) = text.split_once('=').ok_or(wanted)?;
    Ok((name.to_owned(), number.parse().map_err(|_| wanted)?))
}

/// A script's text; a file that is too long is not read to its end.
fn script(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(SCRIPT_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    match u64::try_from(text.len()) {
        Ok(..=SCRIPT_BYTES_MAX) => Ok(text),
        Ok(_) | Err(_) => Err("a script has 1 MiB at most".into()),
    }
}

/// `plan measure`.
pub(super) async fn run(options: MeasureOptions) -> Exit {
    let script = match options.what.read() {
        Ok(script) => script,
        Err(exit) => return exit,
    };
    let sizes = match options.sizes() {
        Ok(sizes) => sizes,
        Err(why) => return say::usage(&why),
    };
    let entrance = match options.server.entrance() {
        Ok(entrance) => entrance,
        Err(failed) => return failed.tell(),
    };
    if let Some(target) = &entrance.protected {
        return say::usage(&format!(
            "[target.{target}] is protected: measure on a server that may be loaded"
        ));
    }
    let mut measuring = Measuring::of(&options, script, sizes, entrance);
    let done = tokio::select! {
        done = measuring.all() => Some(done),
        _ = tokio::signal::ctrl_c() => None,
    };
    tell("");
    measuring.end().await;
    match done {
        Some(Ok(report)) => {
            options.picture.tell(&report, &report.chart(), report.rows.len(), |style| human(&report, style))
        }
        Some(Err(failed)) => failed.tell(),
        None => {
            say::err("interrupted: nothing is said of half a measurement");
            Exit::Interrupted
        }
    }
}

impl WhatOptions {
    fn read(&self) -> Result<Script, Exit> {
        let (name, text) = match (&self.script, &self.builtin) {
            (Some(path), _) => {
                let name = path.to_string_lossy().into_owned();
                let text = script(path).map_err(|why| {
                    say::err(&format!("error: {}: {why}", clean(&name)));
                    Exit::Nothing
                })?;
                (name, text)
            }
            (None, builtin) => {
                let found = BUILTIN.iter().find(|(name, _)| Some(*name) == builtin.as_deref());
                let (name, text) = found.unwrap_or(&BUILTIN[0]);
                ((*name).to_owned(), (*text).to_owned())
            }
        };
        Script::read(&name.as_str().into(), &text).map_err(|findings| {
            let all: Vec<_> = findings.iter().map(plan::report::FindingReport::of).collect();
            say::err(&plan::form::findings::text(&all, Style::default()));
            Exit::Nothing
        })
    }

    fn variables(&self) -> BTreeMap<String, i64> {
        let scale = std::iter::once(("scale".to_owned(), self.scale));
        scale.chain(self.define.iter().cloned()).collect()
    }
}

impl MeasureOptions {
    fn sizes(&self) -> Result<Vec<u32>, String> {
        let mut sizes = self.compare.clone();
        sizes.sort_unstable();
        sizes.dedup();
        let rounds = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
        if sizes.is_empty() || sizes.len() > SIZES_MAX {
            return Err(format!("give 1 to {SIZES_MAX} pool sizes"));
        }
        if self.duration.is_zero() || self.total(rounds) > TOTAL_MAX {
            return Err("all sizes together, with warm-up and calibration, take more than an hour, or no time at all: \
                 choose --duration"
                .into());
        }
        if self.rate.is_some_and(|rate| !(rate > 0.0 && rate <= 100_000.0)) {
            return Err("--rate is above 0 and at most 100000".into());
        }
        Ok(sizes)
    }

    /// How long it takes with so many sizes.
    fn total(&self, rounds: u32) -> Duration {
        let counted = self.duration.saturating_mul(rounds).saturating_add(calibrating(self.duration) * 2);
        Duration::try_from_secs_f64(counted.as_secs_f64() * (1.0 + WARM_UP_PART)).unwrap_or(Duration::MAX)
    }

    fn load(&self, largest: u32) -> Load {
        match self.rate {
            Some(rate) => Load::Rate(rate),
            None => Load::Clients(self.clients.unwrap_or(largest.saturating_mul(2).min(10_000))),
        }
    }
}

/// How long each of the two calibrating rounds is counted.
fn calibrating(duration: Duration) -> Duration {
    (duration / 2).max(Duration::from_secs(1))
}

/// A line that the next one replaces, where somebody looks.
fn tell(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\u{1b}[K{text}");
    }
}

fn human(report: &MeasureReport, style: Style) -> String {
    let paint = style.paint();
    let mut out =
        format!("{}\n{}\n\n", paint.tone(Tone::Strong, "=== Pool Sizes, Measured ==="), report.setting());
    let heads =
        ["POOL", "PER S", "SIMULATED", "LATENCY", "SIMULATED", "WAIT P99", "SIMULATED", "FAILED", "WAITING"];
    let mut table = Table::new(&heads.map(|head| (head, Align::Right)));
    for row in &report.rows {
        table.row(row.cells());
    }
    for line in table.lines() {
        out.push_str(&line);
        out.push('\n');
    }
    out.push('\n');
    for line in report.remarks() {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: MeasureOptions,
    }

    fn sizes(duration: &str) -> Result<Vec<u32>, String> {
        let line = Line::parse_from([
            "measure",
            "--builtin",
            "select-only",
            "--compare",
            "2,1",
            "--duration",
            duration,
        ]);
        line.options.sizes()
    }

    #[test]
    fn warm_up_and_calibration_count_in_what_it_may_take() {
        // Twice so long for the sizes, once for the two calibrations, a fifth more for warming up.
        assert_eq!(sizes("1000s"), Ok(vec![1, 2]));
        assert!(sizes("1001s").unwrap_err().contains("more than an hour"));
    }
}
