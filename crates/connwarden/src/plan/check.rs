//! `connwarden plan check`: the budget, for people and as a gate.

use clap::Args;
use inspect::catalog::{Sample, Wants};
use inspect::form::clean;
use plan::Number;
use plan::budget::{self, Known};
use plan::declared::Thresholds;
use plan::report::{Judgement, PlanReport};

use super::form::PlanOutput;
use super::gather::FilesOptions;
use crate::exit::{Exit, FailOn};
use crate::say;
use crate::server::{Failed, ServerOptions};

const EXAMPLES: &str = "\
Three sums: steady (usual replicas, what their pools keep), peak (most replicas, full pools,
jobs), rollout (peak, and old replicas beside new ones). Each is held against the slots that
ordinary roles can get. Every number names its line; what nobody wrote is listed as assumed.

Examples:
  connwarden plan check                                    what stands in this folder
  connwarden plan check -f compose.yaml -f k8s/ --max-connections 200
  connwarden plan check -f k8s/ --from-server -h db.internal -U monitor
  helm template . > r.yaml && connwarden plan check -f r.yaml --format github --fail-on crit

Exit codes: 0 ok, 1 warning, 2 critical, 3 unknown (a file that could not be read, no limit,
a server that could not be asked), 64 usage. With --fail-on crit a warning is 0.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct CheckOptions {
    #[command(flatten)]
    files: FilesOptions,
    #[command(flatten)]
    limits: LimitOptions,
    /// Ask the server for its limits
    #[arg(long, help_heading = "Limit", conflicts_with = "max_connections")]
    from_server: bool,
    /// Where the server cannot be asked: a warning, not the exit code 3
    #[arg(long, help_heading = "Limit", requires = "from_server")]
    fail_open: bool,
    /// From which verdict on the exit code is not 0
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "warn")]
    fail_on: FailOn,
    #[command(flatten)]
    output: PlanOutput,
    #[command(flatten)]
    server: ServerOptions,
}

/// What is known of the server's limit.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limit")]
pub(crate) struct LimitOptions {
    /// The server's max_connections; without: the plan file's, else what its container is told
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=262_143))]
    max_connections: Option<u32>,
    /// Of several servers, the one that services call so
    #[arg(long, value_name = "HOST")]
    server_host: Option<String>,
    /// Percent of the usable slots above which a sum is a warning [70]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100))]
    warn: Option<u32>,
    /// The same, critical [85]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100))]
    crit: Option<u32>,
}

/// `plan check`.
pub(super) async fn run(options: CheckOptions) -> Exit {
    let gathered = match options.files.gather() {
        Ok(gathered) => gathered,
        Err(error) => return say::usage(&error),
    };
    let limits = &options.limits;
    if let Err(why) = limits.in_order(gathered.declared.thresholds) {
        return say::usage(&why);
    }
    let mut known = limits.known();
    if options.from_server {
        match asked(&options.server).await {
            Ok(asked) => known = Known { host: known.host, warn: known.warn, crit: known.crit, ..asked },
            Err(failed) if options.fail_open && !failed.is_ours() => {
                say::err(&clean(&format!(
                    "warning: the server could not be asked; what the files say of its limits is used: {}",
                    failed.report.message
                )));
            }
            Err(failed) => return failed.tell(),
        }
    }
    let budget = budget::of(&gathered.deployed, &gathered.declared, &known);
    let report = PlanReport::of(&budget, &gathered.findings);
    options.output.budget(&report);
    match report.verdict {
        Judgement::Ok => Exit::Done,
        Judgement::Warning if options.fail_on == FailOn::Crit => Exit::Done,
        Judgement::Warning => Exit::Warning,
        Judgement::Critical => Exit::Critical,
        Judgement::Unknown => Exit::Unreached,
    }
}

impl LimitOptions {
    /// Warning begins below critical.
    pub(super) fn in_order(&self, declared: Thresholds) -> Result<(), String> {
        let (warn, crit) = (self.warn.unwrap_or(declared.warn), self.crit.unwrap_or(declared.crit));
        if warn > crit {
            return Err(format!(
                "a warning above {warn}% and critical above {crit}%: give --warn and --crit"
            ));
        }
        Ok(())
    }

    /// What was given.
    pub(super) fn known(&self) -> Known {
        Known {
            connections_max: self.max_connections.map(Number::implied),
            host: self.server_host.clone(),
            warn: self.warn,
            crit: self.crit,
            ..Known::default()
        }
    }
}

/// The limits of a live server.
async fn asked(server: &ServerOptions) -> Result<Known, Failed> {
    let mut connection = server.connect("connwarden plan").await?;
    let sample = Sample::take(&mut connection, Wants::default()).await?;
    connection.close().await;
    let facts = &sample.facts;
    Ok(Known {
        connections_max: Some(Number::implied(facts.max_connections)),
        superuser_reserved: Some(Number::implied(facts.superuser_reserved)),
        reserved: Some(Number::implied(facts.reserved)),
        ..Known::default()
    })
}
