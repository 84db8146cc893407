//! `connwarden plan`: what deployed services may open, and whether it fits.

use clap::Subcommand;

mod check;
mod form;
mod gather;
mod held;
mod lint;
mod load;
mod measure;
mod paint;
mod simulate;
mod suggest;

pub(crate) use check::CheckOptions;
pub(crate) use held::PlanFile;
pub(crate) use lint::LintOptions;
pub(crate) use measure::MeasureOptions;
pub(crate) use simulate::SimulateOptions;
pub(crate) use suggest::SuggestOptions;

use crate::cli::HelpOption;
use crate::exit::Exit;

/// What `plan` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Add up what services may open, and judge it
    Check(Box<CheckOptions>),
    /// Find what is known to go wrong in the files, with the line
    Lint(Box<LintOptions>),
    /// Print sizes and settings that fit, as changes to review
    Suggest(Box<SuggestOptions>),
    /// Play a load against pools of several sizes
    Simulate(Box<SimulateOptions>),
    /// Measure pools of several sizes on a real server
    Measure(Box<MeasureOptions>),
}

/// `plan`, with its own help.
#[derive(clap::Args, Debug)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    help: HelpOption,
    #[command(subcommand)]
    pub(crate) command: Option<PlanCommand>,
}

/// `plan ...`.
pub(crate) async fn run(command: PlanCommand) -> Exit {
    match command {
        PlanCommand::Check(options) => check::run(*options).await,
        PlanCommand::Lint(options) => lint::run(&options),
        PlanCommand::Suggest(options) => suggest::run(&options),
        PlanCommand::Simulate(options) => simulate::run(&options),
        PlanCommand::Measure(options) => measure::run(*options).await,
    }
}
