//! `connwarden close-idle`: sessions that do nothing and would lose nothing.

use clap::Args;
use inspect::closing::{Action, Rules};

use super::consent::Question;
use super::flow::{self, Order};
use super::options::ActOptions;
use crate::exit::Exit;
use crate::say;

const EXAMPLES: &str = "\
Left alone whatever is given: walsenders, REPLICATION without superuser, roles of a managed
server's provider, backups, migrations, and sessions that hold advisory locks,
temporary tables or a LISTEN (as far as it shows: LISTEN by the last statement,
temporary tables in the database logged in to). Left alone unless a switch names
them: poolers, and superusers other than the role that logs in.
--min-age is 5m here; below 10s it wants --i-know.

Examples:
  connwarden close-idle
  connwarden close-idle --app 'wall-*' --min-age 10m --keep 2
  connwarden close-idle --until 70 --apply --yes --reason 'slots for the import'";

#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", super::EXIT_CODES), disable_help_flag = true)]
pub(crate) struct CloseIdleOptions {
    /// Leave the N youngest idle sessions of each application
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep: u32,
    /// Also sessions idle in a transaction: their work is rolled back
    #[arg(long)]
    include_idle_tx: bool,
    /// A --min-age below 10s is meant
    #[arg(long)]
    i_know: bool,
    #[command(flatten)]
    act: ActOptions,
}

/// `close-idle`.
pub(crate) async fn run(options: CloseIdleOptions) -> Exit {
    let act = options.act;
    let filter = match act.filter.filter_without_age() {
        Ok(filter) => filter,
        Err(error) => return say::usage(&error),
    };
    let shared = act.rules(Action::CloseIdle, filter);
    let rules = Rules {
        min_age: act.filter.min_age().unwrap_or(shared.min_age),
        keep: options.keep,
        include_idle_in_transaction: options.include_idle_tx,
        ..shared
    };
    if let Err(mistake) = rules.check(options.i_know, true) {
        return say::usage(&mistake);
    }
    let pace = act.pace();
    flow::carry_out(Order { rules, pace, options: act, question: Question::YesOrNo }).await
}
