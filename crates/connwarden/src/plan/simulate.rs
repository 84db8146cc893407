//! `connwarden plan simulate`: what a pool size does to waiting, before it hurts.

use std::time::Duration;

use clap::{Args, ValueEnum};
use inspect::form::Marks;
use plan::queue::BACKEND_BYTES;
use plan::simulate::form::{
    CONTENTION_ASSUMED, CORES_UNKNOWN, MEMORY_ASSUMED, SimulationReport, Text, chart, human,
};
use plan::simulate::{Arrivals, Hold, Mistake, Scenario, Server, Spreading, compare};

use super::load::{self, LoadOptions};
use super::paint::{self, PictureOptions};
use crate::cli::HelpOption;
use crate::exit::Exit;
use crate::{say, value};

const EXAMPLES: &str = "\
A hold is the time a connection is lent: a transaction, or in Django without a pool a whole
request. Requests are played one by one against pools of each size; the same requests for each,
so that the sizes differ by nothing else. Formulae (Erlang, Allen and Cunneen) stand beside it.

Examples:
  connwarden plan simulate --rate 200 --hold 20ms --cores 8
  connwarden plan simulate --clients 300 --hold 35ms --cv 1.5 --cores 4 --compare 5,10,25,50,100
  connwarden plan simulate --rate 400 --hold 50ms --application-share 0.6 --cores 8 --processes 4
  connwarden plan simulate --recording db1.cwlog --app 'wall-api*' --hold 30ms --cores 8
  connwarden plan simulate --trace checkouts.cwlog --cores 8 --svg pools.svg

Exit codes: 0 done, 2 nothing done (a file that could not be read), 64 usage.";

/// Said where a trace is played on a server of cores.
const TRACE_SLOWED: &str =
    "recorded holds contain what the server slowed them then: with --cores they are slowed a second time";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct SimulateOptions {
    #[command(flatten)]
    load: LoadOptions,
    /// How much holds vary: deviation divided by mean; 0 all alike, 1 as Erlang has it
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0)]
    cv: f64,
    /// Part of each hold that is the application's own time inside its transaction, 0 to 1
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    application_share: f64,
    /// Cores of the server; without, it is never the bottleneck
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cores: Option<u32>,
    /// How much connections that run slow each other [0.01]
    #[arg(long, value_name = "NUMBER", requires = "cores")]
    sigma: Option<f64>,
    /// How much each further connection at work slows those that run [0.0005]
    #[arg(long, value_name = "NUMBER", requires = "cores")]
    kappa: Option<f64>,
    /// Processes, each with a pool of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    processes: u32,
    /// Which process a request comes to
    #[arg(long, value_enum, value_name = "HOW", default_value = "random")]
    spreading: How,
    /// Pool sizes of a process to compare
    #[arg(
        long,
        alias = "pools",
        value_name = "N,N,...",
        value_delimiter = ',',
        default_value = "5,10,25,50,100"
    )]
    compare: Vec<u32>,
    /// How long a request waits before it gives up
    #[arg(long, alias = "max-wait", value_name = "TIME", value_parser = value::duration)]
    wait_timeout: Option<Duration>,
    /// The most that wait at one process; who comes then is refused
    #[arg(long, value_name = "N")]
    waiting_max: Option<u32>,
    /// Time to play; without: 10m, or as long as the recording
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    duration: Option<Duration>,
    /// The same seed gives the same figures
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Memory of an idle connection, as 7MB
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    connection_memory: Option<u64>,
    #[command(flatten)]
    picture: PictureOptions,
    #[command(flatten)]
    help: HelpOption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// Any, as the kernel gives them out
    Random,
    /// One after the other
    RoundRobin,
}

/// `plan simulate`.
pub(super) fn run(options: &SimulateOptions) -> Exit {
    let arrivals = match options.load.arrivals() {
        Ok(arrivals) => arrivals,
        Err(refused) => return refused.say(),
    };
    let (scenario, assumptions) = options.scenario(arrivals);
    let bytes = options.connection_memory.unwrap_or(BACKEND_BYTES);
    let comparison = match compare(&scenario, &options.compare, bytes) {
        Ok(comparison) => comparison,
        Err(mistakes) => return say::usage(&told(&mistakes)),
    };
    let report = SimulationReport::of(&scenario, &comparison, assumptions);
    options.picture.tell(&report, &chart(&report), report.rows.len(), |style| {
        let text = Text { width: style.width.unwrap_or(paint::WIDTH), ascii: style.marks == Marks::Ascii };
        paint::lines(&human(&report, text), style)
    })
}

/// Every mistake of a scenario, a line each.
pub(super) fn told(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes
        .iter()
        .map(|mistake| {
            format!("{}: {}\n  = {}", mistake.field.replace('_', "-"), mistake.message, mistake.fix)
        })
        .collect();
    lines.join("\n")
}

impl SimulateOptions {
    fn scenario(&self, arrivals: Arrivals) -> (Scenario, Vec<String>) {
        let mut assumptions = Vec::new();
        let server = match self.cores {
            None => {
                if !matches!(arrivals, Arrivals::Trace(_)) {
                    assumptions.push(CORES_UNKNOWN.to_owned());
                }
                Server::UNLIMITED
            }
            Some(cores) => {
                if matches!(arrivals, Arrivals::Trace(_)) {
                    assumptions.push(TRACE_SLOWED.to_owned());
                }
                if self.sigma.is_none() && self.kappa.is_none() {
                    assumptions.push(CONTENTION_ASSUMED.to_owned());
                }
                let assumed = Server::assumed(cores);
                Server {
                    sigma: self.sigma.unwrap_or(assumed.sigma),
                    kappa: self.kappa.unwrap_or(assumed.kappa),
                    ..assumed
                }
            }
        };
        if self.connection_memory.is_none() {
            assumptions.push(MEMORY_ASSUMED.to_owned());
        }
        let duration_s = match (self.duration, arrivals.span_s()) {
            (Some(time), _) => time.as_secs_f64(),
            (None, Some(span_s)) => span_s,
            (None, None) => load::DURATION_S,
        };
        let scenario = Scenario {
            hold: hold(self.load.hold_s(), self.cv),
            arrivals,
            application_share: self.application_share,
            pool_size: 1,
            processes: self.processes,
            spreading: match self.spreading {
                How::Random => Spreading::Random,
                How::RoundRobin => Spreading::RoundRobin,
            },
            server,
            waiting_max: self.waiting_max,
            wait_timeout_s: self.wait_timeout.map(|time| time.as_secs_f64()),
            duration_s,
            warm_up_s: duration_s / 10.0,
            seed: self.seed,
        };
        (scenario, assumptions)
    }
}

/// Holds of a mean and a variation.
fn hold(mean_s: f64, cv: f64) -> Hold {
    if cv == 0.0 {
        Hold::Fixed { mean_s }
    } else if cv == 1.0 {
        Hold::Exponential { mean_s }
    } else {
        Hold::Lognormal { mean_s, cv }
    }
}
