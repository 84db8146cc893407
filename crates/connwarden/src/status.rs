//! `connwarden status`: who holds the slots.

use clap::{Args, ValueEnum};
use inspect::catalog::{Blocking, Sample, Wants};
use inspect::census::{By, Level, Thresholds};
use inspect::filter::Filter;
use inspect::form::{Style, blocking, status as form};
use inspect::report::{BlockingReport, Failure, StatusReport};

use crate::exit::Exit;
use crate::filter::FilterOptions;
use crate::output::{Form, OutputOptions};
use crate::plan::PlanFile;
use crate::say;
use crate::server::{Failed, ServerOptions};
use crate::thresholds;

const EXAMPLES: &str = "\
Examples:
  connwarden status
  connwarden status --by user,client
  connwarden status --blocking
  connwarden status --app 'wall-*' --where 'idle>5m or hidden'
  connwarden status -h db.internal -U postgres -o json | jq .utilization
  connwarden status -d \"$DATABASE_URL\" --wait-slot 30s

Exit codes: 0 done, 3 server not reached, 64 usage; with --check 0 ok, 1 warning,
2 critical (also: refused because the server is full), 3 unknown.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct StatusOptions {
    /// What to group by: app, user, db, client, state; several with commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "app")]
    by: Vec<Key>,
    /// Most groups to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Every session in the JSON document
    #[arg(long)]
    sessions: bool,
    /// Who waits for whose locks
    #[arg(long)]
    blocking: bool,
    /// Leave the verdict as exit code
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    plan: PlanFile,
    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Key {
    App,
    User,
    Db,
    Client,
    State,
}

impl From<Key> for By {
    fn from(key: Key) -> Self {
        match key {
            Key::App => Self::App,
            Key::User => Self::User,
            Key::Db => Self::Db,
            Key::Client => Self::Client,
            Key::State => Self::State,
        }
    }
}

/// `status`.
pub(crate) async fn run(options: StatusOptions) -> Exit {
    let filter = match options.filter.filter() {
        Ok(filter) => filter,
        Err(error) => return say::usage(&error),
    };
    let thresholds = match thresholds::of_file(options.server.config()) {
        Ok(limits) => limits.utilization,
        Err(refusal) => return refusal.say(),
    };
    match look(&options, &filter, thresholds).await {
        Ok(report) => {
            let (style, top) = (options.output.style(), options.top);
            let trees = report.blocking.as_ref();
            let trees =
                |style| trees.map(|trees| format!("\n{}", blocking::text(trees, style))).unwrap_or_default();
            match options.output.form() {
                Form::Human => say::out(&(form::human(&report, style, top) + &trees(style))),
                Form::Plain => {
                    let bare = Style { colour: false, ..style };
                    say::out(&(form::plain(&report, style.marks, top) + &trees(bare)));
                }
                Form::Json => say::json(&report),
            }
            match report.utilization.level {
                _ if !options.check => Exit::Done,
                Level::Ok => Exit::Done,
                Level::Warning => Exit::Warning,
                Level::Critical => Exit::Critical,
            }
        }
        Err(failed) => {
            let full = failed.report.code == Failure::ServerFull;
            let exit = failed.say(&options.output);
            if options.check && full { Exit::Critical } else { exit }
        }
    }
}

async fn look(
    options: &StatusOptions,
    filter: &Filter,
    thresholds: Thresholds,
) -> Result<StatusReport, Failed> {
    let mut entrance = options.server.entrance()?;
    let mut connection = entrance.connect("connwarden status").await?;
    let sample = Sample::take(&mut connection, Wants { counters: false, ..Wants::ALL }).await?;
    let waits = if options.blocking { Some(Blocking::of(&sample, &mut connection).await?) } else { None };
    let place = connection.place().to_owned();
    let pooled = connection.is_pooled(sample.facts.pid);
    connection.close().await;
    let pooler = if pooled { Some(entrance.pooler().await) } else { None };
    let by: Vec<By> = options.by.iter().copied().map(By::from).collect();
    let mut report = StatusReport::of(&sample, &place, thresholds, &by, options.sessions, |session| {
        filter.matches(session)
    });
    if let Some(plan) = options.plan.plan() {
        report = report.beside(&plan, &sample);
    }
    report.pooler = pooler;
    report.blocking = waits.map(|waits| BlockingReport::all(&waits));
    Ok(report)
}
