//! `connwarden explain`: what a text means, and what this server has to say about its causes.

use clap::Args;
use inspect::catalog::{Blocking, Sample, Wants};
use inspect::explain::{Found, Scene, find};
use inspect::form::{Style, explain as form};
use inspect::report::{ExplainReport, Target};

use crate::exit::Exit;
use crate::output::{Form, OutputOptions};
use crate::say;
use crate::server::{Failed, ServerOptions};
use crate::thresholds;

const EXAMPLES: &str = "\
Examples:
  connwarden explain \"sorry, too many clients already\"
  connwarden explain 53300
  connwarden explain QueuePool limit of size 5 overflow 10 reached
  connwarden explain idle-in-transaction         a check of connwarden health
  connwarden explain 57P01 --no-connect

Names, numbers and case of the text do not matter. Without --no-connect the server
is asked which causes it bears out; where it is not reached, the page stands alone.

Exit codes: 0 explained, 2 nothing is known of it (the nearest are listed), 64 usage.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct ExplainOptions {
    /// An error text, an SQLSTATE, or the name of a check
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// Ask no server
    #[arg(long)]
    no_connect: bool,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    server: ServerOptions,
}

/// What was seen.
struct Seen {
    sample: Sample,
    blocking: Blocking,
    place: String,
}

/// `explain`.
pub(crate) async fn run(options: ExplainOptions) -> Exit {
    let asked = options.text.join(" ");
    let found = find(&asked);
    let is_known = matches!(found, Found::Page(_));
    let limits = match thresholds::of_file(options.server.config()) {
        Ok(limits) => limits,
        Err(refusal) => return refusal.say(),
    };
    let seen = match (is_known, options.no_connect) {
        (true, false) => Some(look(&options.server).await),
        (true, true) | (false, _) => None,
    };
    let scene = |seen: &Seen| ExplainReport {
        target: Some(Target::of(&seen.sample, &seen.place)),
        ..ExplainReport::of(
            &asked,
            &found,
            Some(&Scene { sample: &seen.sample, blocking: Some(&seen.blocking), limits: &limits }),
        )
    };
    let report = match &seen {
        Some(Ok(seen)) => scene(seen),
        Some(Err(failed)) => ExplainReport {
            not_looked: Some(failed.report.message.clone()),
            ..ExplainReport::of(&asked, &found, None)
        },
        None => ExplainReport::of(&asked, &found, None),
    };
    let style = options.output.style();
    match options.output.form() {
        Form::Human => say::out(&form::text(&report, style)),
        Form::Plain => say::out(&form::text(&report, Style { colour: false, ..style })),
        Form::Json => say::json(&report),
    }
    if is_known { Exit::Done } else { Exit::Nothing }
}

async fn look(server: &ServerOptions) -> Result<Seen, Failed> {
    let mut connection = server.connect("connwarden explain").await?;
    let sample = Sample::take(&mut connection, Wants { counters: false, ..Wants::ALL }).await?;
    let blocking = Blocking::of(&sample, &mut connection).await?;
    let place = connection.place().to_owned();
    connection.close().await;
    Ok(Seen { sample, blocking, place })
}
