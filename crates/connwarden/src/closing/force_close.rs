//! `connwarden force-close`: sessions whatever they do.

use clap::{ArgAction, Args};
use inspect::closing::{Action, Pace};
use inspect::filter::Span;

use super::consent::Question;
use super::flow::{self, Order};
use super::options::ActOptions;
use crate::exit::Exit;
use crate::filter::span;
use crate::say;

const EXAMPLES: &str = "\
Work in progress is rolled back. A running statement is cancelled first; its session
is closed when the statement is over, or after --grace. A session that was listed as
idle and has done something since is left alone.
Left alone whatever is given: walsenders, REPLICATION without superuser, roles of a managed
server's provider, backups, migrations. Left alone unless a switch names them:
poolers, and superusers other than the role that logs in.

Examples:
  connwarden force-close --app wall-django-materializer
  connwarden force-close --where 'xact>10m and not user=etl' --reason 'blocks deploys'
  connwarden force-close --pid 8123 --apply --yes";

#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", super::EXIT_CODES), disable_help_flag = true)]
pub(crate) struct ForceCloseOptions {
    /// Everybody is meant: no filter
    #[arg(long)]
    everything: bool,
    /// Cancel a running statement before its session is closed
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    cancel_first: bool,
    /// How long a cancelled statement may take to end
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = span)]
    grace: Span,
    #[command(flatten)]
    act: ActOptions,
}

/// `force-close`.
pub(crate) async fn run(options: ForceCloseOptions) -> Exit {
    let act = options.act;
    let rules = match act.filter.filter() {
        Ok(filter) => act.rules(Action::ForceClose, filter),
        Err(error) => return say::usage(&error),
    };
    if let Err(mistake) = rules.check(false, options.everything) {
        return say::usage(&mistake);
    }
    let pace = Pace { cancel_first: options.cancel_first, grace: options.grace.duration(), ..act.pace() };
    flow::carry_out(Order { rules, pace, options: act, question: Question::TheNumber }).await
}
