//! `connwarden cancel`: running statements; their sessions stay.

use clap::Args;
use inspect::closing::Action;

use super::consent::Question;
use super::flow::{self, Order};
use super::options::ActOptions;
use crate::exit::Exit;
use crate::say;

const EXAMPLES: &str = "\
Only the statement that was listed is cancelled: a session that has gone on to its
next one is left alone.

Examples:
  connwarden cancel --pid 8123
  connwarden cancel --app 'report*' --min-age 10m
  connwarden cancel --query-match '(?i)^select .* from events' --apply --yes";

#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", super::EXIT_CODES), disable_help_flag = true)]
pub(crate) struct CancelOptions {
    /// Everybody is meant: no filter
    #[arg(long)]
    everything: bool,
    #[command(flatten)]
    act: ActOptions,
}

/// `cancel`. `protected`: the name of a target that wants to be confirmed.
pub(crate) async fn run(options: CancelOptions, protected: Option<String>) -> Exit {
    let act = options.act;
    let rules = match act.filter.filter() {
        Ok(filter) => act.rules(Action::Cancel, filter),
        Err(error) => return say::usage(&error),
    };
    if let Err(mistake) = rules.check(false, options.everything) {
        return say::usage(&mistake);
    }
    let pace = act.pace();
    flow::carry_out(Order { rules, pace, options: act, question: Question::YesOrNo, protected }).await
}
