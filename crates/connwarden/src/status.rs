//! `connwarden status`: who holds the slots.

use clap::{Args, ValueEnum};
use inspect::catalog::{Sample, Wants};
use inspect::census::{By, Level, Thresholds};
use inspect::filter::Filter;
use inspect::form::status as form;
use inspect::report::StatusReport;

use crate::exit::Exit;
use crate::filter::FilterOptions;
use crate::output::{Form, OutputOptions};
use crate::say;
use crate::server::{Failed, ServerOptions};

const EXAMPLES: &str = "\
Examples:
  connwarden status
  connwarden status --by user,client
  connwarden status --app 'wall-*' --where 'idle>5m or hidden'
  connwarden status -h db.internal -U postgres -o json | jq .utilization

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
    /// Leave the verdict as exit code
    #[arg(long)]
    check: bool,
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
    match look(&options, &filter).await {
        Ok(report) => {
            let (style, top) = (options.output.style(), options.top);
            match options.output.form() {
                Form::Human => say::out(&form::human(&report, style, top)),
                Form::Plain => say::out(&form::plain(&report, style.marks, top)),
                Form::Json => say::json(&report),
            }
            match report.utilization.level {
                _ if !options.check => Exit::Done,
                Level::Ok => Exit::Done,
                Level::Warning => Exit::Warning,
                Level::Critical => Exit::Critical,
            }
        }
        Err(failed) => failed.say(&options.output),
    }
}

async fn look(options: &StatusOptions, filter: &Filter) -> Result<StatusReport, Failed> {
    let mut connection = options.server.connect("connwarden status").await?;
    let sample = Sample::take(&mut connection, Wants { limits: true, counters: false }).await?;
    let place = connection.place().to_owned();
    connection.close().await;
    let by: Vec<By> = options.by.iter().copied().map(By::from).collect();
    Ok(StatusReport::of(&sample, &place, Thresholds::default(), &by, options.sessions, |session| {
        filter.matches(session)
    }))
}
