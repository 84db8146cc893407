//! `connwarden health`: all checks, one verdict.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use inspect::catalog::{Blocking, Sample, Wants};
use inspect::census::Plan;
use inspect::checks::{self, CheckLevel, Id, Limits, Look, Point};
use inspect::connect::{AskError, Connection};
use inspect::form::{health as form, nagios, prometheus};
use inspect::report::{HealthReport, Verdict};

use crate::exit::{Exit, FailOn};
use crate::history::History;
use crate::output::LookOptions;
use crate::plan::PlanFile;
use crate::say;
use crate::server::{Entrance, Failed, ServerOptions};
use crate::thresholds::{self, ThresholdOptions};
use crate::value::{interval, now_us};

const EXAMPLES: &str = "\
Examples:
  connwarden health
  connwarden health -o nagios --warn 70 --crit 85
  connwarden health --check utilization,blocked-sessions
  connwarden health --history /var/lib/connwarden/db1.history    with a forecast
  connwarden health -o prometheus > /var/lib/node_exporter/connwarden.prom
  connwarden health --watch --interval 5s
  connwarden explain idle-in-transaction                          what a check means

One look takes two samples, a second apart, to see sessions come and go.

Exit codes: 0 ok, 1 warning, 2 critical (also: refused because the server is
full), 3 unknown, 64 usage, 78 configuration refused. With --fail-on crit a
warning is 0.";

/// Between the two samples of one look.
const APART: Duration = Duration::from_secs(1);

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct HealthOptions {
    /// Only these checks, apart by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = check)]
    check: Vec<Id>,
    /// From which verdict on the exit code is not 0
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "warn")]
    fail_on: FailOn,
    /// Keep each look in this file, and foretell from it when the server will be full
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Look again and again, a line each time
    #[arg(long)]
    watch: bool,
    /// Between two looks: 5s, 1m; a bare number is seconds
    #[arg(long, value_name = "TIME", value_parser = interval, default_value = "5s", requires = "watch")]
    interval: Duration,
    /// End after so many looks, with the last one's exit code
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), requires = "watch")]
    count: Option<u64>,
    #[command(flatten)]
    plan: PlanFile,
    #[command(flatten)]
    thresholds: ThresholdOptions,
    #[command(flatten)]
    output: HealthOutput,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct HealthOutput {
    /// Form of the answer; human on a terminal, plain elsewhere
    #[arg(short, long, value_enum)]
    output: Option<HealthForm>,
    #[command(flatten)]
    look: LookOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HealthForm {
    /// A screen for people
    Human,
    /// Short lines for scripts
    Plain,
    /// One JSON document; with --watch one in each line
    Json,
    /// One line with performance data
    Nagios,
    /// A text exposition for a textfile collector
    Prometheus,
}

fn check(name: &str) -> Result<Id, String> {
    Id::from_name(name).ok_or_else(|| format!("the checks: {}", Id::ALL.map(Id::name).join(", ")))
}

impl HealthOutput {
    fn form(&self) -> HealthForm {
        let fitting = || if std::io::stdout().is_terminal() { HealthForm::Human } else { HealthForm::Plain };
        self.output.unwrap_or_else(fitting)
    }
}

/// `health`.
pub(crate) async fn run(options: HealthOptions) -> Exit {
    let limits = match thresholds::of_file(options.server.config()) {
        Ok(limits) => options.thresholds.over(limits),
        Err(refusal) => return refusal.say(),
    };
    let limits = match limits {
        Ok(limits) => limits,
        Err(why) => return say::usage(&why),
    };
    if options.watch && options.output.form() == HealthForm::Prometheus {
        return say::usage(&"an exposition is of one moment: leave --watch out and run it again");
    }
    let history = match History::open(options.history.clone()) {
        Ok(history) => history,
        Err(why) => return say::usage(&format!("--history: {why}")),
    };
    let entrance = match options.server.entrance() {
        Ok(entrance) => entrance,
        Err(failed) => return failed.tell(),
    };
    let plan = options.plan.plan();
    let mut judge = Judge { options: &options, limits, plan, history, entrance };
    if options.watch { judge.watch().await } else { judge.once().await }
}

/// What a look brought.
struct Seen {
    now: Sample,
    before: Option<Sample>,
    blocking: Blocking,
    place: String,
}

/// Looks and says what is to be said.
struct Judge<'a> {
    options: &'a HealthOptions,
    limits: Limits,
    plan: Option<Plan>,
    history: History,
    entrance: Entrance,
}

impl Judge<'_> {
    async fn once(&mut self) -> Exit {
        let (report, sample) = match self.look_once().await {
            Ok(seen) => (self.report(&seen), Some(seen.now)),
            Err(failed) if failed.is_ours() => return failed.tell(),
            Err(failed) => (HealthReport::failed(failed.report, now_us()), None),
        };
        self.say(&report, sample.as_ref());
        exit(&report)
    }

    async fn look_once(&mut self) -> Result<Seen, Failed> {
        let mut connection = self.entrance.connect("connwarden health").await?;
        let wanted = self.options.check.is_empty() || self.options.check.contains(&Id::Churn);
        let mut before = None;
        if wanted {
            before = Some(Sample::take(&mut connection, Wants { counters: true, ..Wants::default() }).await?);
            let shown = std::io::stderr().is_terminal();
            if shown {
                eprint!("watching sessions come and go for a second ...");
            }
            tokio::time::sleep(APART).await;
            if shown {
                eprint!("\r\u{1b}[K");
            }
        }
        let seen = look(&mut connection, before).await?;
        connection.close().await;
        Ok(seen)
    }

    /// One connection, kept: it works also when the server has filled up since. A lost one is dialled anew.
    async fn watch(&mut self) -> Exit {
        let mut connection: Option<Connection> = None;
        let mut before: Option<Sample> = None;
        let mut looks = 0;
        loop {
            let started = Instant::now();
            let report = match self.look_again(&mut connection, before.take()).await {
                Ok(seen) => {
                    let report = self.report(&seen);
                    before = Some(seen.now);
                    report
                }
                Err(failed) if failed.is_ours() => return failed.tell(),
                Err(failed) => {
                    connection = None;
                    HealthReport::failed(failed.report, now_us())
                }
            };
            let told = self.say_line(&report);
            looks += 1;
            // A reader that went away wants no more.
            if !told || self.options.count == Some(looks) {
                if let Some(connection) = connection {
                    connection.close().await;
                }
                return exit(&report);
            }
            tokio::time::sleep(self.options.interval.saturating_sub(started.elapsed())).await;
        }
    }

    async fn look_again(
        &mut self,
        connection: &mut Option<Connection>,
        before: Option<Sample>,
    ) -> Result<Seen, Failed> {
        let held = match connection {
            Some(held) => held,
            None => connection.insert(self.entrance.connect("connwarden health").await?),
        };
        Ok(look(held, before).await?)
    }

    fn report(&mut self, seen: &Seen) -> HealthReport {
        let history = self.history.of(&seen.place);
        let look = Look {
            now: &seen.now,
            before: seen.before.as_ref(),
            history: &history,
            blocking: Some(&seen.blocking),
            plan: self.plan.as_ref(),
            limits: &self.limits,
        };
        let checks = checks::run(&look, &self.options.check);
        let report = HealthReport::of(&look, checks, &seen.place, self.options.fail_on == FailOn::Crit);
        let verdict = match report.verdict {
            Verdict::Ok => Some(CheckLevel::Ok),
            Verdict::Warning => Some(CheckLevel::Warning),
            Verdict::Critical => Some(CheckLevel::Critical),
            Verdict::Unknown => None,
        };
        self.history.keep(Point { place: seen.place.clone(), verdict, ..Point::of(&seen.now) });
        report
    }

    fn say(&self, report: &HealthReport, sample: Option<&Sample>) {
        match self.options.output.form() {
            HealthForm::Human => say::out(&form::human(report, self.options.output.look.style())),
            HealthForm::Plain => say::out(&form::plain(report)),
            HealthForm::Json => say::json(report),
            HealthForm::Nagios => say::out(&nagios::line(report)),
            HealthForm::Prometheus => say::out(&prometheus::text(report, sample)),
        }
    }

    /// True where somebody still reads.
    fn say_line(&self, report: &HealthReport) -> bool {
        let line = match self.options.output.form() {
            HealthForm::Human | HealthForm::Plain | HealthForm::Prometheus => form::line(report),
            HealthForm::Json => say::json_line(report) + "\n",
            HealthForm::Nagios => nagios::line(report),
        };
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).is_ok()
    }
}

async fn look(connection: &mut Connection, before: Option<Sample>) -> Result<Seen, AskError> {
    let now = Sample::take(connection, Wants::ALL).await?;
    let blocking = Blocking::of(&now, connection).await?;
    Ok(Seen { now, before, blocking, place: connection.place().to_owned() })
}

fn exit(report: &HealthReport) -> Exit {
    match report.exit_code {
        0 => Exit::Done,
        1 => Exit::Warning,
        2 => Exit::Critical,
        _ => Exit::Unreached,
    }
}
